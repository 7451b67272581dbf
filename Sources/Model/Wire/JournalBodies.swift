/// What a spoke signs of its journal: every line up to one, in one hash. In a DSSE envelope of the key of the spoke's
/// certificate, whose bytes stand in the ledger; its canonical bytes are a leaf of `JournalsAnchored`.
package struct JournalCheckpoint: Hashable, Sendable, Codable {
    package static let payloadType = "application/vnd.nave.journal-checkpoint.v1+json"

    package var v: Int64
    package var spoke: SPIFFEID
    /// Name of the journal, as in reports.
    package var journal: String
    /// Position of the first line of the segment in which the last line stands.
    package var segment: Int64
    /// Position of the last line that this covers, from 1.
    package var line: Int64
    /// Number of the last decision among them; 0 before the first.
    package var number: Int64
    /// `sha256:…` of that line's bytes, which hold the hash of the line before.
    package var head: String
    package var at: Instant

    package init(
        spoke: SPIFFEID, journal: String, segment: Int64, line: Int64, number: Int64, head: String, at: Instant
    ) {
        v = 1
        self.spoke = spoke
        self.journal = journal
        self.segment = segment
        self.line = line
        self.number = number
        self.head = head
        self.at = at
    }
}

/// What keeps a spoke's journal from being written as it should be; a part of its reports while it lasts.
package struct JournalTrouble: Hashable, Sendable, Codable {
    package enum State: String, Codable, Hashable, Sendable {
        /// Nothing can be written: calls are denied.
        case full
        /// Lines go to the second place that the host's owner gave.
        case spilling
    }

    package var state: State
    package var since: Instant
    /// Lines of denials and outcomes that found no room.
    package var lost: Int64
    package var detail: String

    package init(state: State, since: Instant, lost: Int64, detail: String) {
        self.state = state
        self.since = since
        self.lost = lost
        self.detail = detail
    }
}

/// A row of `GET /v1/ledger/journals`: a journal checkpoint and what shows that it stands in the ledger.
package struct JournalAnchor: Hashable, Sendable, Codable {
    /// DSSE envelope of a `JournalCheckpoint`.
    package var checkpoint: JSON
    /// Of the ledger entry `journals.anchored`.
    package var entry: Int64
    /// Index of the checkpoint's leaf under that entry's root.
    package var leaf: Int64
    /// From the leaf to the root: Base 64 of 32 bytes each (RFC 9162, section 2.1.3).
    package var path: [String]

    package init(checkpoint: JSON, entry: Int64, leaf: Int64, path: [String]) {
        self.checkpoint = checkpoint
        self.entry = entry
        self.leaf = leaf
        self.path = path
    }
}
