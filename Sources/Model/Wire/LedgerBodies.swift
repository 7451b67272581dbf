/// What shows that a bundle was published, as a part of a `Delivery`. Not signed: everything in it is checked against the
/// delivery's signed checkpoint. Hashes are Base 64 of 32 bytes.
package struct DeliveryProof: Hashable, Sendable, Codable {
    /// The bundle's place among those of its publication.
    package struct Leaf: Hashable, Sendable, Codable {
        package var index: Int64
        /// To the root in the publication's entry.
        package var path: [String]

        package init(index: Int64, path: [String]) {
            self.index = index
            self.path = path
        }
    }

    package var leaf: Leaf
    /// Base 64 of the ledger entry `bundles.published`, as the ledger holds it.
    package var entry: String
    /// Of that entry in the ledger.
    package var index: Int64
    /// From that entry to the checkpoint's root.
    package var inclusion: [String]
    /// From checkpoints that the spoke may hold to this one; absent when it told of none.
    package var consistency: [ConsistencyProof]?

    package init(
        leaf: Leaf, entry: String, index: Int64, inclusion: [String], consistency: [ConsistencyProof]? = nil
    ) {
        self.leaf = leaf
        self.entry = entry
        self.index = index
        self.inclusion = inclusion
        self.consistency = consistency
    }
}

/// Shows that a ledger only grew since it had `size` entries.
package struct ConsistencyProof: Hashable, Sendable, Codable {
    package var size: Int64
    /// Base 64 of 32 bytes each (RFC 9162, section 2.1.4).
    package var path: [String]

    package init(size: Int64, path: [String]) {
        self.size = size
        self.path = path
    }
}

/// Two signed notes that no one ledger explains: evidence that somebody was shown another history. Or two heads of one spoke's
/// journal that no one journal explains.
package struct LedgerContradiction: Hashable, Sendable, Codable {
    /// What the evidence is about.
    package enum Subject: Hashable, Sendable { case ledger, journals }

    /// The code of evidence about journals.
    package static let journalRewritten = "journal-rewritten"

    package var at: Instant
    /// Who held the note: a SPIFFE ID, or `spoke ZONE/NAME`.
    package var source: String
    /// `checkpoint-older`, `split-view` or `fork`; `journal-rewritten`.
    package var code: String
    package var problem: String
    /// The note or head that was handed over.
    package var seen: String
    /// The newest one of the ledger at that time; the head that was held.
    package var ours: String
    /// How many of the same source were found before this one and are not kept; nil for none.
    package var more: Int64?

    package init(
        at: Instant, source: String, code: String, problem: String, seen: String, ours: String, more: Int64? = nil
    ) {
        self.at = at
        self.source = source
        self.code = code
        self.problem = problem
        self.seen = seen
        self.ours = ours
        self.more = more
    }

    package var subject: Subject { code == Self.journalRewritten ? .journals : .ledger }
}

/// `GET /v1/ledger/checkpoint?since=SIZE`: the newest signed note, and what leads to it from a size that is known.
package struct CheckpointAnswer: Hashable, Sendable, Codable {
    package var checkpoint: String
    package var consistency: ConsistencyProof?

    package init(checkpoint: String, consistency: ConsistencyProof? = nil) {
        self.checkpoint = checkpoint
        self.consistency = consistency
    }
}

/// A row of `GET /v1/ledger/entries`: an entry with the personal values that the hub still holds.
package struct LedgerRow: Hashable, Sendable, Codable {
    package var index: Int64
    package var type: String
    package var at: String
    package var by: JSON
    package var why: String?
    package var body: JSON

    package init(index: Int64, type: String, at: String, by: JSON, why: String?, body: JSON) {
        self.index = index
        self.type = type
        self.at = at
        self.by = by
        self.why = why
        self.body = body
    }
}

/// `GET /v1/ledger/leaves?since=INDEX&size=SIZE`: a run of entries as the ledger holds them, without personal values.
package struct LedgerLeaves: Hashable, Sendable, Codable {
    /// Index of the first.
    package var first: Int64
    /// Base 64 of each entry's bytes.
    package var entries: [String]
    /// Signed notes of the sizes that these entries reach.
    package var checkpoints: [String]

    package init(first: Int64, entries: [String], checkpoints: [String]) {
        self.first = first
        self.entries = entries
        self.checkpoints = checkpoints
    }
}
