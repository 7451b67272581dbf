import GRDB
import Model

/// `hub.sqlite`: the ledger, the registry folded from it, the values that leaves only commit to, and frozen evidence.
package final class HubDatabase: Sendable {
    package static let fileName = "hub.sqlite"

    let pool: DatabasePool

    /// Opens the file in a directory that exists, or makes it, and migrates it to the newest version.
    /// - Throws: `StorageError` `not-writable`, `disk-full`, `database-damaged`, `database-newer`.
    package init(directory: String) throws {
        pool = try DatabaseFile.open("\(directory)/\(Self.fileName)", migrations: HubSchema.migrations)
    }
}
