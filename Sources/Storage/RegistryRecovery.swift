import GRDB
import Model

/// An owner that nobody who was owner before has made.
package struct RecoveredOwner: Hashable, Sendable {
    package var identity: SPIFFEID
    package var at: Instant
    /// Ledger index of the grant.
    package var index: Int64
}

extension Author {
    /// Who could write in the hub's data directory, and did.
    package static let recoverAdmin = Author(robot: "recover-admin")
}

extension Registry {
    /// Owners that `nave-hub recover-admin` made and whose identity is not revoked since, oldest first.
    package func recoveredOwners() throws -> [RecoveredOwner] {
        try read {
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT r.identity, r.idx, l.bytes FROM roles r JOIN ledger l ON l.idx = r.idx
                    WHERE r.role = 'owner' AND r.identity NOT IN (SELECT identity FROM revoked_identities) ORDER BY r.idx
                    """)
            return try rows.compactMap { row in
                let entry = try Leaf(stored: (row["bytes"] as Blob).bytes).entry
                guard entry.by == .recoverAdmin else { return nil }
                return RecoveredOwner(identity: try SPIFFEID(row["identity"]), at: entry.at, index: row["idx"])
            }
        }
    }
}
