import GRDB
import Model

/// The registry as it stood at some moment: objects, revocations of grants and reviews, folded again from the leaves that
/// had been appended by then, in a database in memory. One at a time, and never more than `maximumEntries`.
package actor LedgerHistory {
    /// Entries that are folded at most; more than ten years of a busy organization.
    package static let maximumEntries: Int64 = 200_000

    /// What no decision reads, and what is most of a ledger.
    private static let skipped = [
        "role.granted", "invitation.created", "certificate.issued", "certificate.revoked", "identity.revoked",
        "topology.applied", "bundles.published", "manifest.published", "journals.anchored", "person.erased",
        "epoch.opened", "authority.prepared", "authority.activated", "authority.tainted", "authority.retired",
    ]

    private let database: HubDatabase
    private let maximumEntries: Int64
    private var isFolding = false

    package init(database: HubDatabase, maximumEntries: Int64 = LedgerHistory.maximumEntries) {
        self.database = database
        self.maximumEntries = maximumEntries
    }

    /// - Returns: what the registry would have compiled, and how many entries the ledger had.
    /// - Throws: `StorageError` `before-the-ledger`, `history-too-long`, `history-busy`.
    package func state(at moment: Instant) async throws -> (state: RegistryState, size: Int64) {
        guard !isFolding else {
            throw StorageError("history-busy", "somebody else is looking into the past", hint: "ask again in a minute")
        }
        isFolding = true
        defer { isFolding = false }
        let maximum = maximumEntries
        do {
            return try await database.pool.read { db in try Self.state(at: moment, db, maximum) }
        } catch {
            throw StorageError.wrapping(error, "cannot look into the past")
        }
    }

    private static func state(at moment: Instant, _ db: Database, _ maximum: Int64) throws -> (RegistryState, Int64) {
        let size = try size(at: moment, db)
        guard size > 0 else {
            throw StorageError("before-the-ledger", "the ledger began after \(moment)")
        }
        let skipped = skipped.map { "'\($0)'" }.joined(separator: ", ")
        let clause = "FROM ledger WHERE idx < ? AND json_extract(CAST(bytes AS TEXT), '$.type') NOT IN (\(skipped))"
        let count = try Int64.fetchOne(db, sql: "SELECT count(*) \(clause)", arguments: [size]) ?? 0
        guard count <= maximum else {
            throw StorageError(
                "history-too-long", "\(count) entries would have to be folded again, which is more than \(maximum)",
                hint: "`nave-hub restore` a backup of that time elsewhere, and ask there")
        }
        let scratch = try DatabaseFile.scratch(migrations: HubSchema.migrations)
        return try scratch.write { scratch in
            let leaves = try Row.fetchCursor(db, sql: "SELECT idx, bytes \(clause) ORDER BY idx", arguments: [size])
            while let row = try leaves.next() {
                try Fold.apply(try Leaf(stored: (row["bytes"] as Blob).bytes), at: row["idx"], to: scratch)
            }
            // What was erased since stays erased, in the past too.
            let disclosures = try Row.fetchCursor(db, sql: "SELECT commitment, salt, value FROM disclosures")
            while let row = try disclosures.next() {
                try scratch.run(
                    "INSERT INTO disclosures (commitment, salt, value) VALUES (?, ?, ?)",
                    [row["commitment"] as String, row["salt"] as Blob, row["value"] as String])
            }
            return (try Registry(scratch).state(), size)
        }
    }

    /// How many entries there were. The hub's clock gave them their times, in order but for its corrections: the first that is
    /// later than the moment ends it.
    private static func size(at moment: Instant, _ db: Database) throws -> Int64 {
        var (low, high) = (Int64(0), try Int64.fetchOne(db, sql: "SELECT count(*) FROM ledger") ?? 0)
        while low < high {
            let middle = (low + high) / 2
            let at = try String.fetchOne(
                db, sql: "SELECT json_extract(CAST(bytes AS TEXT), '$.at') FROM ledger WHERE idx = ?",
                arguments: [middle])
            if (at ?? "") <= moment.description { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
