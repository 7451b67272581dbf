import Foundation
import TestSupport
import Testing
import Trust

@Suite struct SlotTreeTests {
    private func leaves(_ count: Int) -> [String: [UInt8]] {
        Dictionary(uniqueKeysWithValues: (0..<count).map { ("spoke-\($0)", MerkleTree.leafHash([UInt8($0 % 256)])) })
    }

    private func judge(
        _ tree: SlotTree, _ leaf: [UInt8], of name: String, _ proof: (index: Int64, path: [[UInt8]])
    ) -> String? {
        do throws(TrustError) {
            try SlotTree.verify(
                leaf, of: name, index: proof.index, count: tree.count, proof: proof.path, root: tree.root)
            return nil
        } catch { return error.code }
    }

    @Test(arguments: [0, 1, 2, 3, 17, 200])
    func everyLeafIsProvedInItsSlotAndNowhereElse(count: Int) throws {
        let leaves = leaves(count)
        let tree = try SlotTree(leaves)
        #expect(tree.count == 1 << 32)
        for (name, leaf) in leaves {
            let proof = tree.proof(of: name)
            #expect(judge(tree, leaf, of: name, proof) == nil)
            #expect(judge(tree, MerkleTree.leafHash([1, 2]), of: name, proof) == "bad-proof")
            #expect(judge(tree, leaf, of: "another", proof) == "other-slot")
            #expect(judge(tree, leaf, of: name, (proof.index ^ 1, proof.path)) == "other-slot")
        }
    }

    /// The same root as the plain tree of RFC 9162 over all slots, where these are few enough to write down.
    @Test func itIsTheTreeOfRFC9162() throws {
        let names = ["a", "b", "c"]
        let tree = try SlotTree(
            Dictionary(uniqueKeysWithValues: names.map { ($0, MerkleTree.leafHash(Array($0.utf8))) }), depths: 8...8)
        var slots = [[UInt8]](repeating: MerkleTree.leafHash([]), count: 256)
        for name in names {
            slots[Int(SlotTree.slot(of: name, depth: 8))] = MerkleTree.leafHash(Array(name.utf8))
        }
        #expect(tree.root == MerkleTree.root(of: slots))
        for name in names {
            let proof = tree.proof(of: name)
            #expect(proof.path == (try MerkleTree.inclusionProof(index: Int(proof.index), leaves: slots)))
        }
    }

    @Test func namesThatShareASlotMakeTheTreeDeeper() throws {
        let leaves = leaves(40)
        let tree = try SlotTree(leaves, depths: 5...40)
        #expect(tree.count > 1 << 5 && tree.count < 1 << 40)
        let depth = tree.count.trailingZeroBitCount
        for shallow in 5..<depth {
            #expect(Set(leaves.keys.map { SlotTree.slot(of: $0, depth: shallow) }).count < leaves.count)
        }
        let error = #expect(throws: TrustError.self) { try SlotTree(leaves, depths: 3...5) }
        #expect(error?.code == "slots-taken")
    }

    @Test(arguments: [0, 3, 1 << 31, 1 << 53, (1 << 32) + 1, -1] as [Int64])
    func aTreeThatIsNoneOfSlotsProvesNothing(count: Int64) throws {
        let tree = try SlotTree(leaves(2))
        let proof = tree.proof(of: "spoke-0")
        let error = #expect(throws: TrustError.self) {
            try SlotTree.verify(
                MerkleTree.leafHash([0]), of: "spoke-0", index: proof.index, count: count, proof: proof.path,
                root: tree.root)
        }
        #expect(error?.code == "other-slot")
    }
}
