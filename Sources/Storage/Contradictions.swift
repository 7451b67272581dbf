import GRDB
import Model

extension UsageStore {
    /// Keeps two signed notes that no one ledger explains. The same note of the same source is kept once.
    /// - Returns: whether it is new.
    package func keep(_ found: LedgerContradiction) async throws -> Bool {
        try await write("cannot keep evidence") { db in
            try db.run(
                """
                INSERT INTO contradictions (source, seen, ours, code, problem, at) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (source, seen) DO NOTHING
                """,
                [found.source, found.seen, found.ours, found.code, found.problem, found.at.milliseconds])
            return db.changesCount == 1
        }
    }

    /// Newest first.
    package func contradictions(limit: Int) async throws -> [LedgerContradiction] {
        try await read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM contradictions ORDER BY at DESC, source, seen LIMIT ?", arguments: [limit]
            ).map {
                LedgerContradiction(
                    at: Instant(milliseconds: $0["at"]), source: $0["source"], code: $0["code"],
                    problem: $0["problem"], seen: $0["seen"], ours: $0["ours"])
            }
        }
    }
}
