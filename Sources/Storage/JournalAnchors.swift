import GRDB
import Model

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
    /// Roots that were to be anchored when it was not known yet whether they are.
    package func pendingRoots() async throws -> [String] {
        try await read("cannot read journal anchors") { db in
            try String.fetchAll(db, sql: "SELECT DISTINCT root FROM journal_anchors WHERE idx IS NULL")
        }
    }

    /// Keeps what a root is made of, before the ledger has it.
    package func prepare(root: String, _ leaves: [AnchorLeaf], now: Instant) async throws {
        try await write("cannot keep journal anchors") { db in
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
        try await write("cannot keep journal anchors") { db in
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
        try await read("cannot read journal anchors") { db in
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
}
