import GRDB
import Model

/// The versions of the trust manifest.
enum ManifestSchema {
    static let table: DatabaseFile.Migration = """
        CREATE TABLE manifests (
            version INTEGER PRIMARY KEY,
            digest TEXT NOT NULL,
            idx INTEGER NOT NULL
        ) STRICT;
        """
}

extension Fold {
    static func publishManifest(_ body: ManifestPublished, _ index: Int64, _ db: Database) throws {
        let newest = try Int64.fetchOne(db, sql: "SELECT coalesce(max(version), 0) FROM manifests") ?? 0
        guard body.version == newest + 1 else {
            throw StorageError(
                "conflict", "version \(body.version) of the trust manifest does not follow version \(newest)")
        }
        try db.run(
            "INSERT INTO manifests (version, digest, idx) VALUES (?, ?, ?)", [body.version, body.digest, index])
    }
}

/// A version of the trust manifest in the ledger.
package struct PublishedManifest: Hashable, Sendable {
    package var version: Int64
    /// Of its entry.
    package var index: Int64
    /// As it was published.
    package var envelope: [UInt8]
}

extension Registry {
    /// The version in force; nil before the first.
    package func newestManifest() throws -> PublishedManifest? {
        try read { try Row.fetchOne(db, sql: "\(Self.allPublished) DESC LIMIT 1").map(Self.published) }
    }

    /// The envelopes of every version of the trust manifest as they were published, oldest first.
    package func manifests() throws -> [[UInt8]] {
        try read { try Row.fetchAll(db, sql: Self.allPublished).map { try Self.published($0).envelope } }
    }

    private static let allPublished = """
        SELECT m.version, m.idx, a.bytes FROM manifests m LEFT JOIN artifacts a ON a.digest = m.digest ORDER BY m.version
        """

    private static func published(_ row: Row) throws -> PublishedManifest {
        let version: Int64 = row["version"]
        guard let bytes = row["bytes"] as Blob? else {
            throw StorageError(
                "ledger-damaged", "version \(version) of the trust manifest is missing", hint: "restore a backup")
        }
        return PublishedManifest(version: version, index: row["idx"], envelope: bytes.bytes)
    }
}

extension HubDatabase {
    /// The same of a directory's file, which is only read.
    package static func manifests(directory: String) throws -> [[UInt8]] {
        try translating("cannot read the trust manifest") {
            let queue = try DatabaseFile.openReadOnly("\(directory)/\(fileName)", migrations: HubSchema.migrations)
            return try queue.read { db in try Registry(db).manifests() }
        }
    }

    /// Before the ledger is opened: the newest version says which keys sign it.
    package func manifests() throws -> [[UInt8]] {
        try translating("cannot read the trust manifest") { try pool.read { db in try Registry(db).manifests() } }
    }
}
