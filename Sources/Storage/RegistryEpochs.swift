import GRDB
import Model
import Trust

/// Epochs after the first.
enum EpochSchema {
    static let table: DatabaseFile.Migration = """
        CREATE TABLE epochs (
            epoch INTEGER PRIMARY KEY,
            origin TEXT NOT NULL,
            root TEXT NOT NULL,
            idx INTEGER NOT NULL
        ) STRICT;
        """
}

/// A part of the ledger under one origin: what the trust manifest says of it, or the ledger itself.
package struct LedgerEpoch: Hashable, Sendable {
    /// Of the checkpoints of every size above the start's.
    package var origin: String
    /// Nil for the first.
    package var start: TrustManifest.Start?
    /// That sign its checkpoints.
    package var keys: [PublicKey]

    package init(origin: String, start: TrustManifest.Start?, keys: [PublicKey]) {
        self.origin = origin
        self.start = start
        self.keys = keys
    }
}

extension Fold {
    /// The root is not judged here: the fold knows no hashes, `LedgerVerification` does.
    static func openEpoch(_ body: EpochOpened, _ index: Int64, _ db: Database) throws {
        let opened = try Int64.fetchOne(db, sql: "SELECT epoch FROM opened") ?? 1
        let current = try Int64.fetchOne(db, sql: "SELECT max(epoch) FROM epochs") ?? opened
        guard body.epoch == current + 1 else {
            throw StorageError("conflict", "epoch \(body.epoch) of the ledger does not follow epoch \(current)")
        }
        guard body.size == index else {
            throw StorageError("conflict", "epoch \(body.epoch) goes on from \(body.size) entries, not from \(index)")
        }
        try db.run(
            "INSERT INTO epochs (epoch, origin, root, idx) VALUES (?, ?, ?, ?)",
            [body.epoch, body.origin, body.root, index])
        // One that is open here may have been spent in what was lost.
        try db.run("UPDATE invitations SET voided = ? WHERE spent IS NULL AND voided IS NULL", [index])
        // The origin is in every bundle.
        try change("organization", index, db)
    }
}

extension Registry {
    /// Of the newest epoch's checkpoints; nil while the ledger is empty.
    package func origin() throws -> String? { try opened().map(origin) }

    func origin(after opened: LedgerOpened) throws -> String { try laterEpochs().last?.origin ?? opened.origin }

    /// Every epoch, oldest first, without keys: the ledger does not know them.
    package func epochs() throws -> [LedgerEpoch] {
        guard let opened = try opened() else { return [] }
        return [LedgerEpoch(origin: opened.origin, start: nil, keys: [])] + (try laterEpochs())
    }

    private func laterEpochs() throws -> [LedgerEpoch] {
        try read {
            try Row.fetchAll(db, sql: "SELECT origin, root, idx FROM epochs ORDER BY epoch").map {
                LedgerEpoch(
                    origin: $0["origin"], start: TrustManifest.Start(size: $0["idx"], root: $0["root"]), keys: [])
            }
        }
    }
}

extension HubDatabase {
    /// Appends the first entries of an epoch, and signs nothing: the key of the epoch before must not sign them, and the new
    /// one signs when the ledger is opened with it.
    /// - Returns: Their indices.
    /// - Throws: What the closure throws, `conflict`, `disk-full`: nothing was appended then.
    package func openEpoch(
        by author: Author, why: String, now: Instant, random: (Int) throws -> [UInt8],
        _ make: @escaping @Sendable (Registry) throws -> [Event]
    ) throws -> ClosedRange<Int64> {
        try translating("cannot open an epoch") {
            try pool.write { db in
                let group = try AppendGroup(
                    [AppendRequest(author: author, why: why, make: make)], on: try Snapshot(Registry(db)),
                    isolated: true,
                    now: { now }, random: random, db: db)
                guard let range = try group.outcomes.first?.get() else {
                    throw StorageError("conflict", "an epoch begins with an entry")
                }
                return range
            }
        }
    }
}
