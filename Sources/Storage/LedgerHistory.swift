import GRDB
import Model

/// The registry as it stood at some moment: objects, revocations of grants and reviews, folded again from the leaves that
/// had been appended by then, in a database in memory. One at a time, and never more than `maximumEntries`.
package actor LedgerHistory {
    /// Entries that are folded at most; more than ten years of a busy organization.
    package static let maximumEntries = 200_000

    /// What no decision reads, and what is most of a ledger.
    private static let skipped = [
        "role.granted", "invitation.created", "certificate.issued", "certificate.revoked", "identity.revoked",
        "topology.applied", "bundles.published", "manifest.published", "journals.anchored", "person.erased",
        "epoch.opened", "authority.prepared", "authority.activated", "authority.tainted", "authority.retired",
    ]

    private let database: HubDatabase
    private let maximumEntries: Int
    private var isFolding = false
    private var searched = Searched()

    package init(database: HubDatabase, maximumEntries: Int = LedgerHistory.maximumEntries) {
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
        let (before, maximum) = (searched, maximumEntries)
        do {
            let (size, now) = try await database.pool.read { db in
                let size = try Self.size(at: moment, db)
                return (size, try before.through(size, limit: maximum + 1, db))
            }
            searched = now
            guard size > 0 else {
                throw StorageError("before-the-ledger", "the ledger began after \(moment)")
            }
            let indices = now.found.prefix { $0 < size }
            guard indices.count <= maximum else {
                throw StorageError(
                    "history-too-long", "more than \(maximum) entries would have to be folded again",
                    hint: "`nave-hub restore` a backup of that time elsewhere, and ask there")
            }
            return (try await database.pool.read { db in try Self.fold(indices, db) }, size)
        } catch {
            throw StorageError.wrapping(error, "cannot look into the past")
        }
    }

    /// Which entries are folded. To learn an entry's type its JSON is parsed, and entries never change: each is looked at once.
    private struct Searched: Sendable {
        private var size: Int64 = 0
        /// Their indices, in order.
        private(set) var found: [Int64] = []

        /// Searches on, up to a size, or until so many are found.
        func through(_ end: Int64, limit: Int, _ db: Database) throws -> Searched {
            guard size < end, found.count < limit else { return self }
            let skipped = LedgerHistory.skipped.map { "'\($0)'" }.joined(separator: ", ")
            let more = try Int64.fetchAll(
                db,
                sql: """
                    SELECT idx FROM ledger
                    WHERE idx >= ? AND idx < ? AND json_extract(CAST(bytes AS TEXT), '$.type') NOT IN (\(skipped))
                    ORDER BY idx LIMIT ?
                    """, arguments: [size, end, limit - found.count])
            var next = self
            next.size = end
            next.found += more
            return next
        }
    }

    private static func fold(_ indices: ArraySlice<Int64>, _ db: Database) throws -> RegistryState {
        let scratch = try DatabaseFile.scratch(migrations: HubSchema.migrations)
        return try scratch.write { scratch in
            let leaf = try db.cachedStatement(sql: "SELECT bytes FROM ledger WHERE idx = ?")
            for index in indices {
                let bytes = try Blob.fetchOne(leaf, arguments: [index])?.bytes ?? []
                try Fold.apply(try Leaf(stored: bytes), at: index, to: scratch)
            }
            // What was erased since stays erased, in the past too.
            let disclosures = try Row.fetchCursor(db, sql: "SELECT commitment, salt, value FROM disclosures")
            while let row = try disclosures.next() {
                try scratch.run(
                    "INSERT INTO disclosures (commitment, salt, value) VALUES (?, ?, ?)",
                    [row["commitment"] as String, row["salt"] as Blob, row["value"] as String])
            }
            return try Registry(scratch).state()
        }
    }

    /// How many entries there were. The hub's clock gave them their times, in order but for its corrections: the first that is
    /// later than the moment ends it.
    private static func size(at moment: Instant, _ db: Database) throws -> Int64 {
        var (low, high) = (Int64(0), try Registry(db).size())
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
