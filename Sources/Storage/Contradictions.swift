import GRDB
import Model

/// Evidence is kept for ever, so each source has room for a few pieces only: it could make as many as it sends reports.
enum ContradictionSchema {
    /// Of one source and subject: the first ones, and the newest in the last place.
    static let maximumPerSource = 8

    static let uncounted: DatabaseFile.Migration = """
        ALTER TABLE contradictions ADD COLUMN more INTEGER NOT NULL DEFAULT 0;
        """

    /// Whether a row is about journals.
    static let isOfJournals = "(code = '\(LedgerContradiction.journalRewritten)')"

    /// Makes room for one more, if there is none.
    /// - Returns: how many were found before it and are not kept.
    static func makeRoom(for found: LedgerContradiction, _ db: Database) throws -> Int64 {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT seen, more FROM contradictions WHERE source = ? AND \(isOfJournals) = ?
                ORDER BY at DESC, more DESC, seen
                """, arguments: [found.source, found.subject == .journals])
        guard rows.count >= maximumPerSource, let newest = rows.first else { return 0 }
        try db.run(
            "DELETE FROM contradictions WHERE source = ? AND seen = ?", [found.source, newest["seen"] as String])
        let more: Int64 = newest["more"]
        return more + 1
    }
}

extension UsageStore {
    /// Keeps two signed notes that no one ledger explains. The same note of the same source is kept once.
    /// - Returns: whether it is new.
    package func keep(_ found: LedgerContradiction) async throws -> Bool {
        try await write("cannot keep evidence") { db in
            let isKnown = try Bool.fetchOne(
                db, sql: "SELECT EXISTS (SELECT 1 FROM contradictions WHERE source = ? AND seen = ?)",
                arguments: [found.source, found.seen])
            guard isKnown == false else { return false }
            let more = try ContradictionSchema.makeRoom(for: found, db)
            try db.run(
                "INSERT INTO contradictions (source, seen, ours, code, problem, at, more) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [found.source, found.seen, found.ours, found.code, found.problem, found.at.milliseconds, more])
            return true
        }
    }

    /// The newest of every source first, so that none can push another's out, then the others.
    package func contradictions(of subject: LedgerContradiction.Subject, limit: Int) async throws
        -> [LedgerContradiction]
    {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM contradictions WHERE \(ContradictionSchema.isOfJournals) = ?
                    ORDER BY row_number() OVER (PARTITION BY source ORDER BY at DESC, seen), at DESC, source LIMIT ?
                    """, arguments: [subject == .journals, limit]
            ).map { row in
                let more: Int64 = row["more"]
                return LedgerContradiction(
                    at: Instant(milliseconds: row["at"]), source: row["source"], code: row["code"],
                    problem: row["problem"], seen: row["seen"], ours: row["ours"], more: more > 0 ? more : nil)
            }
        }
    }
}
