import Model

/// The head of a ledger's Merkle tree (C2SP tlog-checkpoint): what a signed note of it says in three lines.
package struct Checkpoint: Hashable, Sendable {
    /// The ledger's name, `corp.example/nave/EPOCH`; also the name of the keys that sign for it.
    package var origin: String
    /// How many entries the ledger holds.
    package var size: Int64
    /// 32 bytes.
    package var root: [UInt8]

    /// - Throws: `bad-checkpoint`.
    package init(origin: String, size: Int64, root: [UInt8]) throws(TrustError) {
        guard isNoteKeyName(origin), size >= 0, root.count == SHA256.byteCount else {
            throw TrustError(
                "bad-checkpoint", "not a checkpoint: \(backticked(origin)), size \(size), \(root.count) bytes of root")
        }
        self.origin = origin
        self.size = size
        self.root = root
    }

    /// Reads the text of a note whose signatures were verified. Extension lines are refused: no auditor could check them.
    /// - Throws: `bad-checkpoint`.
    package init(text: String) throws(TrustError) {
        let lines = text.utf8.split(separator: 0x0a, omittingEmptySubsequences: false).map { String(Substring($0)) }
        guard lines.count == 4, lines[3].isEmpty, let size = Int64(lines[1]), String(size) == lines[1],
            let root = Base64.decode(lines[2])
        else { throw TrustError("bad-checkpoint", "\(backticked(text)) is not a checkpoint") }
        try self.init(origin: lines[0], size: size, root: root)
    }

    /// What a note says, whoever signed it: to show it, and to find what to ask for. Nothing of it is believed.
    /// - Throws: `bad-note`, `bad-checkpoint`.
    package init(claimedBy note: String) throws(TrustError) { try self.init(text: SignedNote(parsing: note).text) }

    package var text: String { "\(origin)\n\(size)\n\(Base64.encode(root))\n" }

    /// The signed note of this checkpoint, each key under the origin's name.
    /// - Throws: `bad-note-key`, `cannot-sign`.
    package func signed(by keys: [PrivateKey]) throws(TrustError) -> String {
        let origin = origin
        return try SignedNote(text: text, signers: keys.map { (name: origin, key: $0) }).description
    }

    /// The checkpoint of a note, if it is `origin`'s and at least `threshold` distinct ones of the keys signed it.
    /// - Throws: `bad-note`, `bad-note-key`, `bad-threshold`, `bad-signature`, `below-threshold`, `bad-checkpoint`,
    ///   `foreign-origin`.
    package static func verified(
        note: String, origin: String, keys: [PublicKey], threshold: Int = 1
    ) throws(TrustError) -> Checkpoint {
        var noteKeys: [NoteKey] = []
        for key in keys { noteKeys.append(try NoteKey(name: origin, publicKey: key)) }
        let text = try SignedNote(parsing: note).verify(noteKeys, threshold: threshold)
        let checkpoint = try Checkpoint(text: text)
        guard sameBytes(checkpoint.origin, origin) else {
            throw TrustError(
                "foreign-origin", "the checkpoint is of \(backticked(checkpoint.origin)), not of \(backticked(origin))")
        }
        return checkpoint
    }
}
