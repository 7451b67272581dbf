import GRDB
import Model

extension UsageStore {
    /// Takes a person's address out of everything that spokes reported, and leaves no byte of it in the file. Doing it
    /// again does what is left to do.
    /// - Parameter pseudonym: What stands in recorded decisions in the address's place.
    /// - Throws: `disk-full`, `database-busy`.
    package func erase(_ address: PersonalAddress, pseudonym: String) async throws {
        do {
            try await pool.write { db in
                for column in ["principal", "caller", "capability", "rule"] {
                    let values = try String.fetchAll(db, sql: "SELECT DISTINCT \(column) FROM usage")
                    for value in values where address.occurs(in: value) {
                        try db.run("DELETE FROM usage WHERE \(column) = ?", [value])
                    }
                }
                try Self.redactDecisions(address, pseudonym, db)
                try ToolSchema.erase(address, db)
                for row in try Row.fetchAll(db, sql: "SELECT spoke, status FROM spokes") {
                    let status: String = row["status"]
                    guard address.occurs(in: status) else { continue }
                    try db.run(
                        "UPDATE spokes SET status = ? WHERE spoke = ?",
                        [address.replaced(in: status, by: pseudonym), row["spoke"] as String])
                }
            }
        } catch { throw StorageError.wrapping(error, "cannot erase a person from the reports") }
        try await Compaction.compact(pool)
    }

    private static func redactDecisions(
        _ address: PersonalAddress, _ pseudonym: String, _ db: Database
    ) throws {
        var found: [(journal: String, number: Int64)] = []
        let rows = try Row.fetchCursor(db, sql: "SELECT journal, number, caller, record FROM decisions")
        while let row = try rows.next() {
            let record = try JSON(parsing: Array((row["record"] as String).utf8))
            if address.occurs(in: record) || address.occurs(in: row["caller"] as String) {
                found.append((row["journal"], row["number"]))
            }
        }
        for (journal, number) in found {
            guard
                let row = try Row.fetchOne(
                    db, sql: "SELECT caller, record FROM decisions WHERE journal = ? AND number = ?",
                    arguments: [journal, number])
            else { continue }
            let record = try JSON(parsing: Array((row["record"] as String).utf8))
            try db.run(
                "UPDATE decisions SET caller = ?, record = ? WHERE journal = ? AND number = ?",
                [
                    address.replaced(in: row["caller"] as String, by: pseudonym),
                    address.replaced(in: record, by: pseudonym).canonicalText, journal, number,
                ])
        }
    }
}
