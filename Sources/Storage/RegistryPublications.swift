import GRDB
import Model

/// A publication of bundles that stands in the ledger.
package struct LoggedPublication: Hashable, Sendable {
    /// Of its entry.
    package var index: Int64
    package var body: BundlesPublished
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
