import Model
import TestSupport
import Testing
import Trust

/// Proofs from stored nodes against the ones made from all leaves.
@Suite struct MerkleNodesTests {
    /// The table a store would keep: every complete node, written once.
    private struct Table {
        var hashes: [MerkleNode: [UInt8]] = [:]
        var frontier = MerkleFrontier()
        var leaves: [[UInt8]] = []

        init(_ count: Int) {
            for number in 0..<count {
                let leaf = MerkleTree.leafHash([
                    UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8),
                ])
                var written: [MerkleNode] = []
                frontier.append(leafHash: leaf) { node, hash in
                    written.append(node)
                    #expect(hashes.updateValue(hash, forKey: node) == nil)
                }
                #expect(
                    written
                        == (0...(~number).trailingZeroBitCount).map { level in
                            MerkleNode(level: level, index: Int64(number >> level))
                        })
                leaves.append(leaf)
            }
        }

        /// Fails where a proof needs a node that is not complete within `size` leaves.
        func read(_ folds: [MerkleFold], size: Int) throws -> [[UInt8]] {
            for node in folds.flatMap(\.nodes) { #expect((node.index + 1) << Int64(node.level) <= Int64(size)) }
            return try folds.map { fold in try fold.hash { node in try #require(hashes[node]) } }
        }
    }

    @Test func everyProofOfEverySizeUpTo70() throws {
        let table = Table(70)
        #expect(table.hashes.count < 2 * 70)
        for size in 0...70 {
            let tree = table.leaves.prefix(size)
            for index in 0..<size {
                let folds = try MerkleNodes.inclusionProof(index: Int64(index), size: Int64(size))
                #expect(try table.read(folds, size: size) == MerkleTree.inclusionProof(index: index, leaves: tree))
            }
            for first in 0...size {
                let folds = try MerkleNodes.consistencyProof(first: Int64(first), second: Int64(size))
                #expect(try table.read(folds, size: size) == MerkleTree.consistencyProof(size: first, leaves: tree))
            }
        }
    }

    @Test func randomProofsOfSizesUpTo10000() throws {
        let table = Table(10_000)
        var state: UInt64 = 20_261_121
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for _ in 0..<30 {
            let size = 1 + random(10_000)
            let tree = table.leaves.prefix(size)
            let index = random(size)
            let inclusion = try MerkleNodes.inclusionProof(index: Int64(index), size: Int64(size))
            #expect(try table.read(inclusion, size: size) == MerkleTree.inclusionProof(index: index, leaves: tree))
            let first = random(size + 1)
            let consistency = try MerkleNodes.consistencyProof(first: Int64(first), second: Int64(size))
            #expect(try table.read(consistency, size: size) == MerkleTree.consistencyProof(size: first, leaves: tree))
            // 14 levels: one node for each of a proof's hashes, but for the one over the incomplete right border.
            #expect(inclusion.flatMap(\.nodes).count <= 28 && consistency.flatMap(\.nodes).count <= 28)
        }
    }

    /// Sizes that no test can fill: addresses and counts alone.
    private static let hugeSizes: [Int64] = [.max, .max - 1, 1 << 62, (1 << 62) + 1, 1 << 40]

    @Test(arguments: hugeSizes) func hugeTrees(_ size: Int64) throws {
        for index in [0, 1, size / 2, size - 2, size - 1] {
            let proof = try MerkleNodes.inclusionProof(index: index, size: size)
            #expect(proof.count <= 63 && proof.flatMap(\.nodes).count <= 126)
            _ = try MerkleNodes.consistencyProof(first: index, second: size)
        }
    }

    @Test func outOfRange() {
        #expect(refusal { _ = try MerkleNodes.inclusionProof(index: 0, size: 0) } == "out-of-range")
        #expect(refusal { _ = try MerkleNodes.inclusionProof(index: 7, size: 7) } == "out-of-range")
        #expect(refusal { _ = try MerkleNodes.inclusionProof(index: -1, size: 7) } == "out-of-range")
        #expect(refusal { _ = try MerkleNodes.consistencyProof(first: 8, second: 7) } == "out-of-range")
        #expect(refusal { _ = try MerkleNodes.consistencyProof(first: -1, second: 7) } == "out-of-range")
    }
}
