import Model

/// A text signed by one or more keys (C2SP signed-note). Nothing of the text counts before a signature of a known key does.
package struct SignedNote: Hashable, Sendable, CustomStringConvertible {
    package struct Signature: Hashable, Sendable {
        package var name: String
        package var keyID: UInt32
        package var bytes: [UInt8]
    }

    package static let maximumBytes = 256 * 1024
    package static let maximumSignatures = 100

    /// Ends in a newline.
    package let text: String
    package let signatures: [Signature]

    /// Signs a text.
    /// - Parameter signers: Key names and Ed25519 keys, at least one.
    /// - Throws: `bad-note`, `bad-note-key`, `cannot-sign`.
    package init(text: String, signers: [(name: String, key: PrivateKey)]) throws(TrustError) {
        guard !signers.isEmpty, signers.count <= Self.maximumSignatures, Self.isText(text) else {
            throw TrustError(
                "bad-note", "a note is lines of text without control characters, and at least one signature")
        }
        var signatures: [Signature] = []
        for signer in signers {
            let key = try NoteKey(name: signer.name, publicKey: signer.key.publicKey)
            let bytes = try signer.key.sign(Array(text.utf8))
            signatures.append(Signature(name: key.name, keyID: key.keyID, bytes: bytes))
        }
        self.text = text
        self.signatures = signatures
    }

    /// Reads a note, strictly; believes nothing of it yet.
    /// - Throws: `bad-note`.
    package init(parsing note: String) throws(TrustError) {
        let bytes = Array(note.utf8)
        guard bytes.count <= Self.maximumBytes, bytes.last == 0x0a,
            let blank = (1..<max(1, bytes.count)).last(where: { bytes[$0] == 0x0a && bytes[$0 - 1] == 0x0a })
        else { throw TrustError("bad-note", "the note has no blank line between its text and its signatures") }
        text = String(decoding: bytes[..<blank], as: UTF8.self)
        guard Self.isText(text) else { throw TrustError("bad-note", "the text of the note holds control characters") }
        var signatures: [Signature] = []
        for line in bytes[(blank + 1)...].dropLast().split(separator: 0x0a, omittingEmptySubsequences: false) {
            guard signatures.count < Self.maximumSignatures, let signature = Self.signature(line) else {
                throw TrustError(
                    "bad-note", "signature line \(signatures.count + 1) of the note is malformed or one too many")
            }
            signatures.append(signature)
        }
        self.signatures = signatures
    }

    package var description: String {
        signatures.reduce(text + "\n") { note, signature in
            let id = (0..<4).map { UInt8(truncatingIfNeeded: signature.keyID >> (24 - 8 * $0)) }
            return note + "— \(signature.name) \(Base64.encode(id + signature.bytes))\n"
        }
    }

    /// The text, if at least `threshold` distinct ones of the keys signed it. Signatures of unknown keys are skipped; one
    /// that bears a known key's name and hash and does not verify refuses the note.
    /// - Throws: `bad-threshold`, `bad-signature`, `below-threshold`.
    package func verify(_ keys: [NoteKey], threshold: Int = 1) throws(TrustError) -> String {
        guard threshold >= 1 else {
            throw TrustError("bad-threshold", "a threshold of \(threshold) would trust anybody")
        }
        var signers: Set<PublicKey> = []
        for signature in signatures {
            for key in keys where key.keyID == signature.keyID && sameBytes(key.name, signature.name) {
                guard key.publicKey.verify(Array(text.utf8), signature: signature.bytes) else {
                    throw TrustError(
                        "bad-signature", "the signature of \(backticked(key.name)) on the note does not hold")
                }
                signers.insert(key.publicKey)
            }
        }
        guard signers.count >= threshold else {
            throw TrustError("below-threshold", "\(signers.count) known keys signed the note, \(threshold) are needed")
        }
        return text
    }

    /// Lines, each ended, without any ASCII control character but the newline.
    private static func isText(_ text: String) -> Bool {
        text.utf8.count <= maximumBytes && text.utf8.last == 0x0a && text.utf8.allSatisfy { $0 >= 0x20 || $0 == 0x0a }
    }

    /// `— NAME BASE64(keyID ‖ signature)`.
    private static func signature(_ line: ArraySlice<UInt8>) -> Signature? {
        let dash = Array("— ".utf8)
        guard line.starts(with: dash) else { return nil }
        let parts = line.dropFirst(dash.count).split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 2, let name = String(validating: parts[0], as: UTF8.self), isNoteKeyName(name),
            let base64 = String(validating: parts[1], as: UTF8.self), let bytes = Base64.decode(base64), bytes.count > 4
        else { return nil }
        let keyID = bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
        return Signature(name: name, keyID: keyID, bytes: Array(bytes.dropFirst(4)))
    }
}
