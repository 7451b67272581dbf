import Model

/// A growing tree of RFC 9162, section 2.1, kept as the roots of its complete subtrees, the largest first: enough to append
/// and to tell the root, with one hash for each bit of the size.
package struct MerkleFrontier: Hashable, Sendable {
    /// How many leaves were appended.
    package private(set) var size: Int64
    private var subtrees: [[UInt8]]

    package init() {
        size = 0
        subtrees = []
    }

    package mutating func append(leafHash: [UInt8]) { append(leafHash: leafHash) { _, _ in } }

    /// - Parameter completed: Called with the nodes that the leaf completes and their hashes, level 0 first: one more than the
    ///   leaf's index has trailing one bits.
    package mutating func append(leafHash: [UInt8], completed: (MerkleNode, [UInt8]) -> Void) {
        var hash = leafHash
        completed(MerkleNode(level: 0, index: size), hash)
        // Each trailing one bit of the size is a complete subtree that the new leaf completes to a larger one.
        var bits = size
        var level = 0
        while bits & 1 == 1, let left = subtrees.popLast() {
            hash = MerkleTree.nodeHash(left, hash)
            bits >>= 1
            level += 1
            completed(MerkleNode(level: level, index: bits), hash)
        }
        subtrees.append(hash)
        size += 1
    }

    package var root: [UInt8] {
        guard let last = subtrees.last else { return MerkleTree.emptyRoot }
        return subtrees.dropLast().reversed().reduce(last) { MerkleTree.nodeHash($1, $0) }
    }
}

/// As JSON: `{size, subtrees: [hex]}`.
extension MerkleFrontier: Codable {
    private enum CodingKeys: String, CodingKey { case size, subtrees }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        size = try container.decode(Int64.self, forKey: .size)
        subtrees = []
        for text in try container.decode([String].self, forKey: .subtrees) {
            guard let hash = Hex.decode(text), hash.count == SHA256.byteCount else {
                throw TrustError("bad-frontier", "\(backticked(text)) is not a SHA-256 digest")
            }
            subtrees.append(hash)
        }
        guard size >= 0, subtrees.count == size.nonzeroBitCount else {
            throw TrustError(
                "bad-frontier", "a tree of \(size) leaves does not have \(subtrees.count) complete subtrees")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(size, forKey: .size)
        try container.encode(subtrees.map { Hex.encode($0) }, forKey: .subtrees)
    }
}
