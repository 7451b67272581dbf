import Model
import Trust

/// Roots and proofs as RFC 9162 defines them, over all leaf hashes: what those that are made from a few stored nodes are held
/// against.
extension MerkleTree {
    /// The root over leaf hashes (section 2.1.1).
    package static func root(of leaves: some RandomAccessCollection<[UInt8]>) -> [UInt8] {
        root(Array(leaves)[...])
    }

    private static func root(_ leaves: ArraySlice<[UInt8]>) -> [UInt8] {
        guard leaves.count > 1 else { return leaves.first ?? emptyRoot }
        let (left, right) = split(leaves)
        return nodeHash(root(left), root(right))
    }

    /// The hashes that lead from the leaf at `index` to the root over all leaves (section 2.1.3.1).
    /// - Throws: `out-of-range`.
    package static func inclusionProof(
        index: Int, leaves: some RandomAccessCollection<[UInt8]>
    ) throws(TrustError) -> [[UInt8]] {
        guard (0..<leaves.count).contains(index) else {
            throw TrustError("out-of-range", "no leaf \(index) in a tree of \(leaves.count)")
        }
        return path(index, Array(leaves)[...])
    }

    private static func path(_ index: Int, _ leaves: ArraySlice<[UInt8]>) -> [[UInt8]] {
        guard leaves.count > 1 else { return [] }
        let (left, right) = split(leaves)
        return index < left.count
            ? path(index, left) + [root(right)]
            : path(index - left.count, right) + [root(left)]
    }

    /// The hashes that lead from the root over the first `size` leaves to the root over all (section 2.1.4.1); empty for
    /// the same size and for size 0.
    /// - Throws: `out-of-range`.
    package static func consistencyProof(
        size: Int, leaves: some RandomAccessCollection<[UInt8]>
    ) throws(TrustError) -> [[UInt8]] {
        guard (0...leaves.count).contains(size) else {
            throw TrustError("out-of-range", "a tree of \(leaves.count) never had \(size) leaves")
        }
        guard size > 0, size < leaves.count else { return [] }
        return subproof(size, Array(leaves)[...], complete: true)
    }

    private static func subproof(_ size: Int, _ leaves: ArraySlice<[UInt8]>, complete: Bool) -> [[UInt8]] {
        guard size < leaves.count else { return complete ? [] : [root(leaves)] }
        let (left, right) = split(leaves)
        return size <= left.count
            ? subproof(size, left, complete: complete) + [root(right)]
            : subproof(size - left.count, right, complete: false) + [root(left)]
    }

    /// At the largest power of two below the count.
    private static func split(
        _ leaves: ArraySlice<[UInt8]>
    ) -> (left: ArraySlice<[UInt8]>, right: ArraySlice<[UInt8]>) {
        var power = 1
        while power << 1 < leaves.count { power <<= 1 }
        return (leaves.prefix(power), leaves.dropFirst(power))
    }
}
