import GRDB
import Model

/// Checkpoints of spokes' journals: the newest of each as it was reported, and those that ledger entries anchor.
enum JournalHeadSchema {
    /// How long every anchored checkpoint is kept; after it the newest of each segment, which covers the others.
    static let everyAnchor = Milliseconds.days(7)

    static let tables: DatabaseFile.Migration = """
        CREATE TABLE journal_heads (
            spoke TEXT NOT NULL,
            journal TEXT NOT NULL,
            segment INTEGER NOT NULL,
            line INTEGER NOT NULL,
            at INTEGER NOT NULL,
            envelope TEXT NOT NULL,
            is_anchored INTEGER NOT NULL,
            PRIMARY KEY (spoke, journal)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE journal_anchors (
            root TEXT NOT NULL,
            leaf INTEGER NOT NULL,
            spoke TEXT NOT NULL,
            journal TEXT NOT NULL,
            segment INTEGER NOT NULL,
            line INTEGER NOT NULL,
            at INTEGER NOT NULL,
            envelope TEXT NOT NULL,
            path TEXT NOT NULL,
            idx INTEGER,
            PRIMARY KEY (root, leaf)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX journal_anchors_spoke ON journal_anchors (spoke, journal, line);
        """

    static func prune(before: Instant, _ db: Database) throws {
        try db.run("DELETE FROM journal_anchors WHERE at < ?", [before.milliseconds])
    }
}

/// The newest checkpoint of one journal.
package struct ReportedHead: Hashable, Sendable {
    /// Full name.
    package var spoke: String
    package var checkpoint: JournalCheckpoint
    /// DSSE envelope.
    package var envelope: JSON

    package init(spoke: String, checkpoint: JournalCheckpoint, envelope: JSON) {
        self.spoke = spoke
        self.checkpoint = checkpoint
        self.envelope = envelope
    }
}

extension UsageStore {
    /// The newest checkpoint of a journal, as an envelope; nil before the first.
    package func head(spoke: String, journal: String) async throws -> JSON? {
        try await read("cannot read journal heads") { db in
            try String.fetchOne(
                db, sql: "SELECT envelope FROM journal_heads WHERE spoke = ? AND journal = ?",
                arguments: [spoke, journal]
            ).map { try JSON(parsing: Array($0.utf8)) }
        }
    }

    /// Takes a verified checkpoint in, unless one of the same line or a later one is held.
    /// - Parameter replaces: in any case, for a journal that was rewritten.
    package func keep(head: ReportedHead, replaces: Bool = false) async throws {
        let checkpoint = head.checkpoint
        try await write("cannot keep a journal's head") { db in
            try db.run(
                """
                INSERT INTO journal_heads (spoke, journal, segment, line, at, envelope, is_anchored)
                VALUES (?, ?, ?, ?, ?, ?, 0)
                ON CONFLICT (spoke, journal) DO UPDATE
                SET segment = excluded.segment, line = excluded.line, at = excluded.at, envelope = excluded.envelope,
                    is_anchored = 0
                WHERE excluded.line > line OR ?
                """,
                [
                    head.spoke, checkpoint.journal, checkpoint.segment, checkpoint.line, checkpoint.at.milliseconds,
                    head.envelope.canonicalText, replaces,
                ])
        }
    }

    /// Envelopes of the heads that no entry anchors yet, by spoke and journal.
    package func headsToAnchor() async throws -> [(spoke: String, envelope: JSON)] {
        try await read("cannot read journal heads") { db in
            try Row.fetchAll(
                db, sql: "SELECT spoke, envelope FROM journal_heads WHERE is_anchored = 0 ORDER BY spoke, journal"
            ).map { ($0["spoke"], try JSON(parsing: Array(($0["envelope"] as String).utf8))) }
        }
    }
}
