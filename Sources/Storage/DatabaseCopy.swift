import Foundation
import GRDB
import Model
import Trust

/// How far a ledger has come, as its database says.
package struct LedgerExtent: Hashable, Sendable {
    /// Entries.
    package var size: Int64
    /// Merkle root over them.
    package var root: [UInt8]
    /// When the newest entry was made; nil for an empty ledger.
    package var newest: Instant?
}

/// Copies of the hub's databases, each as of one moment, made while the hub may serve.
package enum DatabaseCopy {
    /// Copies `hub.sqlite`, and `usage.sqlite` where there is one. The two are as of different moments, which is no
    /// contradiction: neither refers to the other.
    /// - Throws: `disk-full`, `not-writable`, `database-damaged`, `database-older`, `database-newer`.
    package static func copy(from directory: String, to target: String) throws {
        for (name, migrations) in try databases(in: directory) {
            try translating("cannot copy \(directory)/\(name)") {
                let queue = try DatabaseFile.openReadOnly("\(directory)/\(name)", migrations: migrations)
                // One read transaction: what is committed meanwhile is not in the copy. Free pages are left behind.
                try queue.writeWithoutTransaction { db in
                    try db.execute(sql: "VACUUM INTO ?", arguments: ["\(target)/\(name)"])
                }
            }
        }
    }

    /// Names of the databases that a directory holds; `hub.sqlite` has to be one.
    package static func names(in directory: String) throws -> [String] { try databases(in: directory).map(\.name) }

    /// Looks at every page of the databases.
    /// - Returns: What SQLite finds wrong, each with the file's name.
    package static func damage(in directory: String) throws -> [String] {
        try databases(in: directory).flatMap { name, migrations in
            try translating("cannot check \(directory)/\(name)") {
                let found = try DatabaseFile.openReadOnly("\(directory)/\(name)", migrations: migrations).read { db in
                    try String.fetchAll(db, sql: "PRAGMA integrity_check(10)")
                }
                return found == ["ok"] ? [] : found.map { "\(name): \($0)" }
            }
        }
    }

    package static func extent(of directory: String) throws -> LedgerExtent {
        try reading(directory) { db in
            let head = try LedgerHead(db)
            let last = try Blob.fetchOne(db, sql: "SELECT bytes FROM ledger ORDER BY idx DESC LIMIT 1")
            return LedgerExtent(
                size: head.size, root: head.frontier.root, newest: try last.map { try Leaf(stored: $0.bytes).entry.at })
        }
    }

    /// The Merkle root that a ledger had when it was that long; nil when it never stopped there.
    package static func root(at size: Int64, in directory: String) throws -> [UInt8]? {
        try reading(directory) { db in
            try Blob.fetchOne(db, sql: "SELECT root FROM checkpoints WHERE size = ?", arguments: [size])?.bytes
        }
    }

    private static func reading<T>(_ directory: String, _ body: (Database) throws -> T) throws -> T {
        try translating("cannot read the ledger in \(directory)") {
            let path = "\(directory)/\(HubDatabase.fileName)"
            return try DatabaseFile.openReadOnly(path, migrations: HubSchema.migrations).read(body)
        }
    }

    private static func databases(
        in directory: String
    ) throws -> [(name: String, migrations: [DatabaseFile.Migration])] {
        let hub = (name: HubDatabase.fileName, migrations: HubSchema.migrations)
        // A hub that was made and never served has no reports yet.
        guard access("\(directory)/\(UsageStore.fileName)", F_OK) == 0 else { return [hub] }
        return [hub, (name: UsageStore.fileName, migrations: UsageSchema.migrations)]
    }
}
