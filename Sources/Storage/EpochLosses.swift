import GRDB
import Model

extension DatabaseCopy {
    /// How many entries of each type a ledger has from an index on: what going back to that size gives up.
    package static func types(from first: Int64, in directory: String) throws -> [String: Int] {
        try translating("cannot read the ledger in \(directory)") {
            let path = "\(directory)/\(HubDatabase.fileName)"
            let queue = try DatabaseFile.openReadOnly(path, migrations: HubSchema.migrations)
            return try queue.read { db in
                var counts: [String: Int] = [:]
                let rows = try Row.fetchCursor(db, sql: "SELECT bytes FROM ledger WHERE idx >= ?", arguments: [first])
                while let row = try rows.next() {
                    counts[try Leaf(stored: (row["bytes"] as Blob).bytes).entry.event.type, default: 0] += 1
                }
                return counts
            }
        }
    }
}
