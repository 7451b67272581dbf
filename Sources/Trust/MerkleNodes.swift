import Model

/// The place of a complete node in the tree of RFC 9162, section 2.1: the root over the leaves
/// `index << level ..< (index + 1) << level`. Level 0 are the leaf hashes. A complete node never changes again.
package struct MerkleNode: Hashable, Sendable {
    package let level: Int
    package let index: Int64

    package init(level: Int, index: Int64) {
        self.level = level
        self.index = index
    }

    /// The two nodes of the level below that it is hashed from; not of level 0.
    package var children: (left: MerkleNode, right: MerkleNode) {
        (MerkleNode(level: level - 1, index: index << 1), MerkleNode(level: level - 1, index: index << 1 | 1))
    }
}

/// Which complete nodes proofs are made of, so that a store which keeps them answers with O(log n) of them and
/// reads no other leaf. Pure addressing: no hash is known here.
package enum MerkleNodes {
    /// The proof that leads from the leaf at `index` to the root over `size` leaves (section 2.1.3.1).
    /// - Throws: `out-of-range`.
    package static func inclusionProof(index: Int64, size: Int64) throws(TrustError) -> [MerkleFold] {
        guard index >= 0, index < size else {
            throw TrustError("out-of-range", "no leaf \(index) in a tree of \(size)")
        }
        var proof: [MerkleFold] = []
        var range = 0..<size
        while range.count > 1 {
            let (left, right) = split(range)
            proof.append(cover(index < right.lowerBound ? right : left))
            range = index < right.lowerBound ? left : right
        }
        return proof.reversed()
    }

    /// The proof that leads from the root over `first` leaves to the root over `second` (section 2.1.4.1); empty for equal
    /// sizes and for size 0.
    /// - Throws: `out-of-range`.
    package static func consistencyProof(first: Int64, second: Int64) throws(TrustError) -> [MerkleFold] {
        guard first >= 0, first <= second else {
            throw TrustError("out-of-range", "a tree of \(second) never had \(first) leaves")
        }
        guard first > 0 else { return [] }
        var proof: [MerkleFold] = []
        var range = 0..<second
        while range.upperBound > first {
            let (left, right) = split(range)
            proof.append(cover(first <= right.lowerBound ? right : left))
            range = first <= right.lowerBound ? left : right
        }
        // The first tree's last subtree; who asks knows it where it is the whole first tree.
        if range.lowerBound > 0 { proof.append(cover(range)) }
        return proof.reversed()
    }

    /// At the largest power of two below the count, as the tree splits.
    private static func split(_ range: Range<Int64>) -> (left: Range<Int64>, right: Range<Int64>) {
        let count = range.upperBound - range.lowerBound
        let middle = range.lowerBound + (1 << Int64(63 - (count - 1).leadingZeroBitCount))
        return (range.lowerBound..<middle, middle..<range.upperBound)
    }

    /// The complete nodes of a subtree: one for each one bit of its count. Its start is a multiple of a power of two that
    /// is at least its count, so each lies on a border of its level.
    private static func cover(_ range: Range<Int64>) -> MerkleFold {
        var nodes: [MerkleNode] = []
        var start = range.lowerBound
        while start < range.upperBound {
            let level = 63 - (range.upperBound - start).leadingZeroBitCount
            nodes.append(MerkleNode(level: level, index: start >> Int64(level)))
            start += 1 << Int64(level)
        }
        return MerkleFold(nodes: nodes)
    }
}

/// One hash of a proof, as the complete nodes it is made of, from left to right.
package struct MerkleFold: Hashable, Sendable {
    /// Each larger than the next.
    package let nodes: [MerkleNode]

    /// - Parameter read: The stored hash of a node.
    /// - Throws: What `read` throws.
    package func hash<Failure: Error>(_ read: (MerkleNode) throws(Failure) -> [UInt8]) throws(Failure) -> [UInt8] {
        guard let last = nodes.last else { return MerkleTree.emptyRoot }
        var hash = try read(last)
        for node in nodes.dropLast().reversed() { hash = MerkleTree.nodeHash(try read(node), hash) }
        return hash
    }
}
