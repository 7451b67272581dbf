import GRDB
import Model

/// How the hub's SQLite files are opened: write-ahead log, every commit on disk before it is answered, numbered migrations.
enum DatabaseFile {
    /// One step of a schema from the version before.
    struct Migration: ExpressibleByStringLiteral, Sendable {
        var sql: String
        /// Fills new tables from old ones; in the step's transaction, after its SQL.
        var fill: (@Sendable (Database) throws -> Void)?

        init(_ sql: String, fill: (@Sendable (Database) throws -> Void)? = nil) {
            self.sql = sql
            self.fill = fill
        }

        init(stringLiteral sql: String) { self.init(sql) }
    }

    /// Opens a file, or makes it, and brings it to the newest version.
    /// - Throws: `not-writable`, `disk-full`, `database-damaged`, `database-newer`.
    static func open(_ path: String, migrations: [Migration]) throws -> DatabasePool {
        try translating("cannot open \(path)") {
            let pool = try DatabasePool(path: path, configuration: settings(readerCache: poolReaderCache))
            try pool.writeWithoutTransaction { db in try migrate(db, to: migrations, path: path) }
            return pool
        }
    }

    /// Opens an existing file to look at it.
    /// - Throws: `not-writable`, `database-damaged`, `database-newer`.
    static func openReadOnly(_ path: String, migrations: [Migration]) throws -> DatabaseQueue {
        try translating("cannot open \(path)") {
            var configuration = settings()
            configuration.readonly = true
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let found = try queue.read { db in try version(db) }
            guard found <= migrations.count else { throw newer(path, found, migrations.count) }
            guard found == migrations.count else {
                throw StorageError(
                    "database-older", "\(path) has version \(found), not \(migrations.count)",
                    hint: "start the hub once; it migrates the database")
            }
            return queue
        }
    }

    /// An empty database in memory with the newest schema.
    static func scratch(migrations: [Migration]) throws -> DatabaseQueue {
        let queue = try DatabaseQueue(configuration: settings())
        try queue.writeWithoutTransaction { db in try migrate(db, to: migrations, path: "a scratch database") }
        return queue
    }

    /// KiB of pages that a connection keeps.
    private static let writerCache = 64 << 10
    /// Of each reader beside a writer, of which there are up to five.
    private static let poolReaderCache = 4 << 10

    private static func settings(readerCache: Int = writerCache) -> Configuration {
        var configuration = Configuration()
        // A command such as `nave-hub recover-admin` may write while the hub serves.
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            // In WAL mode only FULL flushes the log at each COMMIT: what was answered survives a loss of power.
            try db.execute(sql: "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF")
            // With 64 MiB the newest certificates of many identities need not be read again, and the log is carried over every
            // 32 MiB, each page once.
            let cache = db.configuration.readonly ? readerCache : writerCache
            try db.execute(sql: "PRAGMA cache_size = -\(cache); PRAGMA wal_autocheckpoint = 8192")
        }
        return configuration
    }

    private static func version(_ db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
    }

    private static func migrate(_ db: Database, to migrations: [Migration], path: String) throws {
        let found = try version(db)
        guard found <= migrations.count else { throw newer(path, found, migrations.count) }
        for number in found..<migrations.count {
            // Schema and version change in one transaction: if the process dies here, the step was not made.
            try db.inTransaction(.immediate) {
                // Another process may have made the step while this one waited for the lock.
                guard try version(db) == number else { return .commit }
                try db.execute(sql: migrations[number].sql)
                try migrations[number].fill?(db)
                try db.execute(sql: "PRAGMA user_version = \(number + 1)")
                return .commit
            }
        }
    }

    private static func newer(_ path: String, _ found: Int, _ known: Int) -> StorageError {
        StorageError(
            "database-newer", "\(path) has version \(found), this program knows \(known)",
            hint: "a newer program has written it; run that one")
    }
}
