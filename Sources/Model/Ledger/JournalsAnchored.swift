/// The newest checkpoints of the journals of all spokes that had anything new to tell, in one hash; at most one entry a minute.
package struct JournalsAnchored: Hashable, Sendable, Codable {
    /// `sha256:…` of the Merkle root (RFC 9162) over the canonical bytes of each `JournalCheckpoint`, sorted by spoke and
    /// journal.
    package var root: String
    /// How many checkpoints.
    package var count: Int64

    package init(root: String, count: Int64) {
        self.root = root
        self.count = count
    }
}
