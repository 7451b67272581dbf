import Model

/// The Merkle tree of RFC 9162, section 2.1, over SHA-256. All hashes are 32 bytes; indices are 0-based.
package enum MerkleTree {
    /// The root of no leaves.
    package static let emptyRoot = SHA256.hash([])

    /// `SHA-256(0x00 ‖ entry)`: what stands for an entry's bytes.
    package static func leafHash(_ entry: some Sequence<UInt8>) -> [UInt8] {
        var stream = SHA256.Stream()
        stream.update(CollectionOfOne(0))
        stream.update(entry)
        return stream.finish()
    }

    /// `SHA-256(0x01 ‖ left ‖ right)`.
    package static func nodeHash(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        var stream = SHA256.Stream()
        stream.update(CollectionOfOne(1))
        stream.update(left)
        stream.update(right)
        return stream.finish()
    }

    /// The root over leaf hashes (section 2.1.1).
    package static func root(of leaves: some RandomAccessCollection<[UInt8]>) -> [UInt8] {
        var frontier = MerkleFrontier()
        for leaf in leaves { frontier.append(leafHash: leaf) }
        return frontier.root
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
        let split = largestPowerOfTwo(below: leaves.count)
        let left = leaves.prefix(split)
        let right = leaves.dropFirst(split)
        return index < split
            ? path(index, left) + [root(of: right)]
            : path(index - split, right) + [root(of: left)]
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
        guard size < leaves.count else { return complete ? [] : [root(of: leaves)] }
        let split = largestPowerOfTwo(below: leaves.count)
        let left = leaves.prefix(split)
        let right = leaves.dropFirst(split)
        return size <= split
            ? subproof(size, left, complete: complete) + [root(of: right)]
            : subproof(size - split, right, complete: false) + [root(of: left)]
    }

    private static func largestPowerOfTwo(below count: Int) -> Int {
        var power = 1
        while power << 1 < count { power <<= 1 }
        return power
    }
}

extension MerkleTree {
    /// Proves that `leafHash` is the leaf at `index` under `root` (section 2.1.3.2).
    /// - Throws: `bad-proof`.
    package static func verifyInclusion(
        leafHash: [UInt8], index: Int64, size: Int64, proof: [[UInt8]], root: [UInt8]
    ) throws(TrustError) {
        guard index >= 0, index < size, proof.count <= 63, allDigests(proof + [leafHash, root]) else {
            throw TrustError("bad-proof", "malformed proof for leaf \(index) of \(size)")
        }
        var node = index
        var last = size - 1
        var hash = leafHash
        for sibling in proof {
            guard last > 0 else { throw TrustError("bad-proof", "the proof for leaf \(index) of \(size) is too long") }
            if node & 1 == 1 || node == last {
                hash = nodeHash(sibling, hash)
                while node & 1 == 0, node != 0 {
                    node >>= 1
                    last >>= 1
                }
            } else {
                hash = nodeHash(hash, sibling)
            }
            node >>= 1
            last >>= 1
        }
        guard last == 0, hash == root else {
            throw TrustError("bad-proof", "the proof for leaf \(index) of \(size) does not lead to the root")
        }
    }

    /// Proves that the tree under `second` only grew since `first` (section 2.1.4.2). Size 0 is consistent with all.
    /// - Throws: `bad-proof`.
    package static func verifyConsistency(
        first: (size: Int64, root: [UInt8]), second: (size: Int64, root: [UInt8]), proof: [[UInt8]]
    ) throws(TrustError) {
        let failure = TrustError("bad-proof", "the tree of \(second.size) does not continue the tree of \(first.size)")
        guard first.size >= 0, first.size <= second.size, proof.count <= 64,
            allDigests(proof + [first.root, second.root])
        else { throw failure }
        if first.size == 0 || first.size == second.size {
            let known = first.size == 0 ? emptyRoot : second.root
            guard proof.isEmpty, first.root == known else { throw failure }
            return
        }
        var hashes = proof[...]
        // A complete first tree is itself the first node of the proof.
        if first.size & (first.size - 1) == 0 { hashes = ([first.root] + proof)[...] }
        guard let start = hashes.popFirst() else { throw failure }
        var node = first.size - 1
        var last = second.size - 1
        while node & 1 == 1 {
            node >>= 1
            last >>= 1
        }
        var old = start
        var new = start
        for sibling in hashes {
            guard last > 0 else { throw failure }
            if node & 1 == 1 || node == last {
                old = nodeHash(sibling, old)
                new = nodeHash(sibling, new)
                while node & 1 == 0, node != 0 {
                    node >>= 1
                    last >>= 1
                }
            } else {
                new = nodeHash(new, sibling)
            }
            node >>= 1
            last >>= 1
        }
        guard last == 0, old == first.root, new == second.root else { throw failure }
    }

    private static func allDigests(_ hashes: [[UInt8]]) -> Bool { hashes.allSatisfy { $0.count == SHA256.byteCount } }
}
