import Model

/// The public half of a key that signs notes (C2SP signed-note, Ed25519): a name and a key. Its text is the verifier key
/// `NAME+HASH+BASE64` that public tools read.
package struct NoteKey: Hashable, Sendable, CustomStringConvertible {
    /// The signature type byte of Ed25519.
    private static let ed25519Type: UInt8 = 1

    package let name: String
    package let publicKey: PublicKey
    /// The first four bytes of `SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key)`, big endian; together with the name it tells keys apart.
    package let keyID: UInt32
    private let keyBytes: [UInt8]

    /// - Throws: `bad-note-key` for a name with a space or a plus, or a key that is not Ed25519.
    package init(name: String, publicKey: PublicKey) throws(TrustError) {
        guard isNoteKeyName(name) else {
            throw TrustError("bad-note-key", "\(backticked(name)) is not a name of a note's key")
        }
        guard let bytes = publicKey.ed25519Bytes else {
            throw TrustError("bad-note-key", "the key of \(backticked(name)) is not Ed25519")
        }
        self.name = name
        self.publicKey = publicKey
        keyBytes = [Self.ed25519Type] + bytes
        keyID = SHA256.hash(Array(name.utf8) + [0x0a] + keyBytes).prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Reads a verifier key in its one spelling.
    /// - Throws: `bad-note-key`.
    package init(_ text: String) throws(TrustError) {
        // Base 64 may hold plus signs: only the first two separate.
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard text.utf8.count <= 1024, parts.count == 3, let bytes = Base64.decode(parts[2]), bytes.count == 33,
            bytes[0] == Self.ed25519Type
        else { throw TrustError("bad-note-key", "\(backticked(text)) is not an Ed25519 verifier key") }
        try self.init(name: parts[0], publicKey: PublicKey(ed25519: Array(bytes.dropFirst())))
        guard sameBytes(description, text) else {
            throw TrustError("bad-note-key", "the hash in \(backticked(text)) is not that of its key")
        }
    }

    package var description: String { "\(name)+\(Hex.encode(keyIDBytes))+\(Base64.encode(keyBytes))" }

    var keyIDBytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: keyID >> (24 - 8 * $0)) } }
}

/// Key names are not empty and hold no Unicode space, no plus, no control character (C2SP signed-note, "Format").
func isNoteKeyName(_ name: String) -> Bool {
    (1...512).contains(name.utf8.count)
        && name.unicodeScalars.allSatisfy { $0 != "+" && $0.value >= 0x20 && !$0.properties.isWhitespace }
}
