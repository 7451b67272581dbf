import Model
import Trust

/// `head.json`: the newest checkpoint that this spoke has signed.
struct JournalHead {
    var envelope: JSON
    var checkpoint: JournalCheckpoint

    static func path(in directory: String) -> String { directory + "/head.json" }

    /// What it says, its signature not verified: this host's own file, signed with a key that may have been renewed since.
    /// - Returns: nil when nothing was signed yet.
    /// - Throws: `not-readable`, `bad-journal`.
    static func stored(in directory: String) throws(SpokeError) -> JournalHead? {
        guard let bytes = try DurableFile.read(path(in: directory)) else { return nil }
        do {
            let envelope = try DSSEEnvelope(parsing: bytes)
            return JournalHead(
                envelope: try JSON(parsing: bytes),
                checkpoint: try JSONCoding.decodeCanonical(
                    JournalCheckpoint.self, from: Base64.decode(envelope.payload) ?? []))
        } catch {
            throw SpokeError("bad-journal", "`\(path(in: directory))` is no signed checkpoint: \(error)")
        }
    }
}
