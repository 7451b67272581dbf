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
