import Model

/// A Merkle tree (RFC 9162) in which a name has one place only: its slot, which its SHA-256 determines. Under one root there
/// is so at most one leaf for a name, and who checks a proof knows that no other exists. Nearly all slots are empty.
package struct SlotTree: Sendable {
    /// Slots are counted in powers of two: the smallest of these in which no two names share one. That two names meet in all
    /// of them cannot be brought about, so nobody crowds out another by a name of their choice.
    package static let depths = 32...52

    /// The leaf of an empty slot is the hash of no bytes.
    private static let empty: [[UInt8]] = (0..<depths.upperBound).reduce(into: [MerkleTree.leafHash([])]) { roots, _ in
        roots.append(MerkleTree.nodeHash(roots[roots.count - 1], roots[roots.count - 1]))
    }

    package let root: [UInt8]
    /// Slots, empty ones included.
    package var count: Int64 { 1 << Int64(depth) }
    private let depth: Int
    /// Roots of subtrees whose sibling is not empty.
    private let nodes: [MerkleNode: [UInt8]]

    /// - Parameter leaves: Leaf hashes by name.
    /// - Throws: `slots-taken` when there is no depth without two names in one slot.
    package init(_ leaves: [String: [UInt8]], depths: ClosedRange<Int> = depths) throws(TrustError) {
        let found = depths.first { depth in
            Set(leaves.keys.map { Self.slot(of: $0, depth: depth) }).count == leaves.count
        }
        guard let found else { throw TrustError("slots-taken", "two of \(leaves.count) names share every slot") }
        depth = found
        let placed = leaves.map { (slot: Self.slot(of: $0.key, depth: found), hash: $0.value) }
        var nodes: [MerkleNode: [UInt8]] = [:]
        root = Self.subtree(placed.sorted { $0.slot < $1.slot }[...], level: found, keeping: &nodes)
        self.nodes = nodes
    }

    /// The hashes that lead from the name's slot to the root (RFC 9162, section 2.1.3.1).
    /// - Parameter name: of one of the leaves; of others nothing is proved.
    package func proof(of name: String) -> (index: Int64, path: [[UInt8]]) {
        let slot = Self.slot(of: name, depth: depth)
        let path = (0..<depth).map { level in
            nodes[MerkleNode(level: level, index: slot >> Int64(level) ^ 1)] ?? Self.empty[level]
        }
        return (slot, path)
    }

    /// Proves that `leafHash` is the one leaf that the tree under `root` has for the name.
    /// - Throws: `bad-proof`; `other-slot` for a tree that is none of slots, and for a leaf that is not in the name's.
    package static func verify(
        _ leafHash: [UInt8], of name: String, index: Int64, count: Int64, proof: [[UInt8]], root: [UInt8]
    ) throws(TrustError) {
        guard isCount(count), index == slot(of: name, depth: count.trailingZeroBitCount)
        else {
            throw TrustError("other-slot", "leaf \(index) of \(count) is not the one place of \(backticked(name))")
        }
        try MerkleTree.verifyInclusion(leafHash: leafHash, index: index, size: count, proof: proof, root: root)
    }

    /// Whether a tree of slots can have that many leaves.
    package static func isCount(_ count: Int64) -> Bool {
        count > 0 && count.nonzeroBitCount == 1 && depths.contains(count.trailingZeroBitCount)
    }

    /// The first `depth` bits of `SHA-256("DEPTH NAME")`.
    package static func slot(of name: String, depth: Int) -> Int64 {
        let bits = SHA256.hash(Array("\(depth) \(name)".utf8)).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Int64(bits >> UInt64(64 - depth))
    }

    private static func subtree(
        _ leaves: ArraySlice<(slot: Int64, hash: [UInt8])>, level: Int, keeping nodes: inout [MerkleNode: [UInt8]]
    ) -> [UInt8] {
        guard let first = leaves.first else { return empty[level] }
        guard level > 0 else { return first.hash }
        let half = Int64(level - 1)
        let middle = leaves.firstIndex { $0.slot >> half & 1 == 1 } ?? leaves.endIndex
        let left = subtree(leaves[..<middle], level: level - 1, keeping: &nodes)
        let right = subtree(leaves[middle...], level: level - 1, keeping: &nodes)
        if middle > leaves.startIndex, middle < leaves.endIndex {
            let index = first.slot >> half & ~1
            nodes[MerkleNode(level: level - 1, index: index)] = left
            nodes[MerkleNode(level: level - 1, index: index | 1)] = right
        }
        return MerkleTree.nodeHash(left, right)
    }
}
