import GRDB
import Model

/// A publication of bundles that stands in the ledger.
package struct LoggedPublication: Hashable, Sendable {
    /// Of its entry.
    package var index: Int64
    package var body: BundlesPublished
}

extension HubDatabase {
    /// What bundles are compiled from and the newest publication, of one moment; the database is only read.
    package static func published(directory: String) throws -> (state: RegistryState, publication: LoggedPublication?) {
        let queue = try DatabaseFile.openReadOnly("\(directory)/\(fileName)", migrations: HubSchema.migrations)
        return try translating("cannot read the registry") {
            try queue.read { db in (try Registry(db).state(), try Registry(db).publication()) }
        }
    }
}

extension Registry {
    /// The newest publication; nil before the first.
    package func publication() throws -> LoggedPublication? {
        try read {
            try Row.fetchOne(db, sql: "SELECT * FROM publications ORDER BY idx DESC LIMIT 1").map {
                LoggedPublication(
                    index: $0["idx"],
                    body: BundlesPublished(revision: $0["revision"], root: $0["root"], count: $0["count"]))
            }
        }
    }
}
