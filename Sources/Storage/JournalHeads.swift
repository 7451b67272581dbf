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

/// One leaf of a root that is to be anchored.
package struct AnchorLeaf: Hashable, Sendable {
    package var head: ReportedHead
    package var path: [String]

    package init(head: ReportedHead, path: [String]) {
        self.head = head
        self.path = path
    }
}

extension UsageStore {
    /// The newest checkpoint of a journal, as an envelope; nil before the first.
    package func head(spoke: String, journal: String) async throws -> JSON? {
        try await reading("cannot read journal heads") { db in
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
        try await writing("cannot keep a journal's head") { db in
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
        try await reading("cannot read journal heads") { db in
            try Row.fetchAll(
                db, sql: "SELECT spoke, envelope FROM journal_heads WHERE is_anchored = 0 ORDER BY spoke, journal"
            ).map { ($0["spoke"], try JSON(parsing: Array(($0["envelope"] as String).utf8))) }
        }
    }

    /// Roots that were to be anchored when it was not known yet whether they are.
    package func pendingRoots() async throws -> [String] {
        try await reading("cannot read journal anchors") { db in
            try String.fetchAll(db, sql: "SELECT DISTINCT root FROM journal_anchors WHERE idx IS NULL")
        }
    }

    /// Keeps what a root is made of, before the ledger has it.
    package func prepare(root: String, _ leaves: [AnchorLeaf], now: Instant) async throws {
        try await writing("cannot keep journal anchors") { db in
            for (number, leaf) in leaves.enumerated() {
                let checkpoint = leaf.head.checkpoint
                try db.run(
                    """
                    INSERT INTO journal_anchors (root, leaf, spoke, journal, segment, line, at, envelope, path)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (root, leaf) DO NOTHING
                    """,
                    [
                        root, number, leaf.head.spoke, checkpoint.journal, checkpoint.segment, checkpoint.line,
                        now.milliseconds, leaf.head.envelope.canonicalText,
                        try JSONCoding.encode(leaf.path).canonicalText,
                    ])
            }
        }
    }

    /// Says where a root stands in the ledger; nil for nowhere, then it is forgotten and made anew.
    package func settle(root: String, at index: Int64?, now: Instant) async throws {
        try await writing("cannot keep journal anchors") { db in
            guard let index else {
                try db.run("DELETE FROM journal_anchors WHERE root = ? AND idx IS NULL", [root])
                return
            }
            try db.run("UPDATE journal_anchors SET idx = ? WHERE root = ?", [index, root])
            try db.run(
                """
                UPDATE journal_heads SET is_anchored = 1 WHERE EXISTS (
                    SELECT 1 FROM journal_anchors a WHERE a.root = ? AND a.spoke = journal_heads.spoke
                    AND a.journal = journal_heads.journal AND a.line >= journal_heads.line)
                """, [root])
            try db.run(
                """
                DELETE FROM journal_anchors WHERE at < ? AND EXISTS (
                    SELECT 1 FROM journal_anchors b WHERE b.spoke = journal_anchors.spoke
                    AND b.journal = journal_anchors.journal AND b.segment = journal_anchors.segment
                    AND b.line > journal_anchors.line AND b.idx IS NOT NULL)
                """, [(now - JournalHeadSchema.everyAnchor).milliseconds])
        }
    }

    /// What ledger entries anchor of a spoke's journals, newest first.
    /// - Parameter journal: nil for all of them.
    package func anchors(spoke: String, journal: String?, limit: Int) async throws -> [JournalAnchor] {
        try await reading("cannot read journal anchors") { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT envelope, idx, leaf, path FROM journal_anchors
                    WHERE spoke = ? AND idx IS NOT NULL AND (? IS NULL OR journal = ?) ORDER BY idx DESC, leaf LIMIT ?
                    """, arguments: [spoke, journal, journal, limit]
            ).map {
                JournalAnchor(
                    checkpoint: try JSON(parsing: Array(($0["envelope"] as String).utf8)), entry: $0["idx"],
                    leaf: $0["leaf"],
                    path: try JSONCoding.decode([String].self, from: Array(($0["path"] as String).utf8)))
            }
        }
    }

    private func reading<T: Sendable>(
        _ attempt: String, _ body: @escaping @Sendable (Database) throws -> T
    ) async throws -> T {
        do { return try await pool.read(body) } catch { throw StorageError.wrapping(error, attempt) }
    }

    private func writing(_ attempt: String, _ body: @escaping @Sendable (Database) throws -> Void) async throws {
        do { try await pool.write(body) } catch { throw StorageError.wrapping(error, attempt) }
    }
}
