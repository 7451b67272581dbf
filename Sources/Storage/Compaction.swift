import GRDB

/// Leaving no deleted byte behind: SQLite keeps what was deleted in free pages and in the write-ahead log until both are
/// written anew.
enum Compaction {
    /// Rewrites the file and empties its log. Readers of before keep the log from being emptied; it waits for them as long
    /// as the connection waits for locks.
    /// - Throws: `disk-full`: the rewriting needs as much room again as the file has; `database-busy`. Nothing is lost then.
    static func compact(_ pool: DatabasePool) async throws {
        do {
            try await pool.writeWithoutTransaction { db in
                try db.execute(sql: "VACUUM")
                // If the process dies here the deleted bytes may still stand in the old pages: compacting again ends it.
                try db.checkpoint(.truncate)
            }
        } catch { throw StorageError.wrapping(error, "cannot compact the database") }
    }
}

extension Ledger {
    /// Leaves no byte of deleted rows in the files of the database.
    /// - Throws: `disk-full`, `database-busy`.
    package nonisolated func compact() async throws { try await Compaction.compact(database.pool) }
}
