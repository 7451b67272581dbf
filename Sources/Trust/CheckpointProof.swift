import Model

extension Checkpoint {
    /// Demands that a newer checkpoint of the same ledger only adds to this one.
    /// - Parameter proof: From this size to the newer one (RFC 9162, section 2.1.4); nil where none was given, which is
    ///   enough for equal checkpoints only.
    /// - Throws: `foreign-origin`; `checkpoint-older` for a smaller one; `split-view` for the same size with another root;
    ///   `checkpoint-unproved` without a proof; `fork` for a proof that does not hold.
    package func demandExtended(by newer: Checkpoint, proof: [[UInt8]]?) throws(TrustError) {
        guard sameBytes(origin, newer.origin) else {
            throw TrustError("foreign-origin", "the checkpoint is of \(backticked(newer.origin))")
        }
        guard newer.size >= size else {
            throw TrustError(
                "checkpoint-older", "the ledger's size \(newer.size) is below \(size), which was seen before",
                hint: "a ledger never shrinks: keep both checkpoints and ask who changed the hub")
        }
        guard newer.size > size else {
            guard newer.root == root else {
                throw TrustError(
                    "split-view", "size \(size) of the ledger came with another root",
                    hint: "two views of one ledger: keep both checkpoints as evidence")
            }
            return
        }
        guard let proof else {
            throw TrustError(
                "checkpoint-unproved",
                "nothing shows that the ledger of size \(newer.size) continues the one of size \(size)")
        }
        do throws(TrustError) {
            try MerkleTree.verifyConsistency(first: (size, root), second: (newer.size, newer.root), proof: proof)
        } catch {
            throw TrustError(
                "fork", "the ledger of size \(newer.size) does not continue the one of size \(size)",
                hint: "two histories of one ledger, or a spoiled proof: keep both checkpoints as evidence")
        }
    }
}

/// Hashes as texts of Base 64, the way proofs travel.
package enum ProofText {
    package static func encode(_ hashes: [[UInt8]]) -> [String] { hashes.map { Base64.encode($0) } }

    /// - Throws: `bad-proof`.
    package static func decode(_ texts: [String]) throws(TrustError) -> [[UInt8]] {
        guard texts.count <= 64 else { throw TrustError("bad-proof", "a proof has at most 64 hashes") }
        var hashes: [[UInt8]] = []
        for text in texts {
            guard let hash = Base64.decode(text), hash.count == SHA256.byteCount else {
                throw TrustError("bad-proof", "\(backticked(text)) is not a hash of a proof")
            }
            hashes.append(hash)
        }
        return hashes
    }
}

/// The header `Nave-Checkpoint`: Base 64 of a signed note, which has line breaks itself; and `Nave-Consistency`, the hashes of
/// a proof, separated by commas.
package enum CheckpointHeader {
    package static let name = "Nave-Checkpoint"
    package static let consistency = "Nave-Consistency"
    /// Longer ones are not read.
    private static let maximumBytes = 8 << 10

    package static func encode(_ note: String) -> String { Base64.encode(Array(note.utf8)) }

    /// - Returns: Nil for what is no note's text at all.
    package static func decode(_ value: String) -> String? {
        guard value.utf8.count <= maximumBytes else { return nil }
        return Base64.decode(value).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// - Parameter path: As `ProofText` writes it.
    package static func encode(proof path: [String]) -> String { path.joined(separator: ",") }

    /// - Throws: `bad-proof`.
    package static func decode(proof: String) throws(TrustError) -> [[UInt8]] {
        try ProofText.decode(proof.split(separator: ",").map(String.init))
    }
}
