import GRDB
import Model
import Trust

/// A certification authority as the ledger knows it.
package struct AuthorityRecord: Hashable, Sendable {
    /// `root`, `organization`, or a zone's name.
    package var name: String
    /// Lower-case hex.
    package var serial: String
    package var state: AuthorityState
    /// Serial number of the root that signed it; its own for a root.
    package var issuer: String
    /// DER in Base64.
    package var certificate: String
    /// `sha256:…` of its SubjectPublicKeyInfo.
    package var key: String
    /// A root's key under the root before it, DER in Base64.
    package var cross: String?
    /// Ledger index of the entry that prepared it.
    package var index: Int64

    /// The certificate itself.
    /// - Throws: `bad-certificate`.
    package func decoded() throws(TrustError) -> Certificate { try Certificate(der: Base64.decode(certificate) ?? []) }
}

/// The certification authorities, one row each, for ever.
enum AuthoritySchema {
    static let table: DatabaseFile.Migration = """
        CREATE TABLE authorities (
            serial TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            state TEXT NOT NULL,
            issuer TEXT NOT NULL,
            certificate TEXT NOT NULL,
            cross_certificate TEXT,
            idx INTEGER NOT NULL,
            changed INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX authorities_prepared ON authorities (name) WHERE state = 'prepared';
        CREATE UNIQUE INDEX authorities_active ON authorities (name) WHERE state = 'active';
        """

    /// What `authority.retired` says of the key; null for one that retired before such entries did.
    static let retiredKeys: DatabaseFile.Migration = "ALTER TABLE authorities ADD COLUMN retired_key TEXT"
}

extension Fold {
    static func prepareAuthority(_ body: AuthorityPrepared, _ index: Int64, _ db: Database) throws {
        let waiting = try String.fetchOne(
            db, sql: "SELECT serial FROM authorities WHERE serial = ? OR (name = ? AND state = 'prepared')",
            arguments: [body.serial, body.name])
        guard waiting == nil else {
            throw StorageError("conflict", "an authority `\(body.name.prefix(64))` is prepared already")
        }
        try db.run(
            """
            INSERT INTO authorities (serial, name, state, issuer, certificate, cross_certificate, idx, changed)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                body.serial, body.name, AuthorityState.prepared.rawValue, body.issuer, body.certificate, body.cross,
                index, index,
            ])
    }

    static func activateAuthority(_ body: AuthorityStep, _ index: Int64, _ db: Database) throws {
        // There is one active authority of a name: the one before steps back first.
        try db.run(
            "UPDATE authorities SET state = ?, changed = ? WHERE name = ? AND state = ?",
            [AuthorityState.old.rawValue, index, body.name, AuthorityState.active.rawValue])
        try move(body, from: [.prepared], to: .active, index, db)
    }

    static func move(
        _ body: AuthorityStep, from states: [AuthorityState], to state: AuthorityState, _ index: Int64, _ db: Database
    ) throws {
        let found = try String.fetchOne(
            db, sql: "SELECT state FROM authorities WHERE serial = ? AND name = ?",
            arguments: [body.serial, body.name])
        guard let found else {
            throw StorageError("no-authority", "no authority `\(body.name.prefix(64))` has that serial number")
        }
        guard states.contains(where: { $0.rawValue == found }) else {
            throw StorageError("conflict", "an authority that is \(found) cannot become \(state.rawValue)")
        }
        try db.run(
            "UPDATE authorities SET state = ?, changed = ? WHERE serial = ?", [state.rawValue, index, body.serial])
    }

    static func retireAuthority(_ body: AuthorityStep, _ index: Int64, _ db: Database) throws {
        try move(body, from: [.prepared, .old, .tainted], to: .retired, index, db)
        guard let key = body.key else { return }
        try db.run("UPDATE authorities SET retired_key = ? WHERE serial = ?", [key, body.serial])
        try change("organization", index, db)
    }
}

extension Registry {
    /// Oldest first.
    package func authorities() throws -> [AuthorityRecord] {
        try read {
            try Row.fetchAll(db, sql: "SELECT * FROM authorities ORDER BY idx, serial").map { row in
                let text: String = row["certificate"]
                let key = (try? Certificate(der: Base64.decode(text) ?? []))?.publicKey.spkiDigest
                return AuthorityRecord(
                    name: row["name"], serial: row["serial"], state: try word(row["state"]), issuer: row["issuer"],
                    certificate: text, key: key ?? "", cross: row["cross_certificate"], index: row["idx"])
            }
        }
    }

    /// `sha256:…` of the keys of authorities that retired, sorted.
    package func retiredKeys() throws -> [String] {
        try read {
            try String.fetchAll(
                db,
                sql: "SELECT DISTINCT retired_key FROM authorities WHERE retired_key IS NOT NULL ORDER BY retired_key")
        }
    }
}

extension HubDatabase {
    /// Of a directory that nobody serves, oldest first.
    package static func authorities(directory: String) throws -> [AuthorityRecord] {
        try translating("cannot read the authorities") {
            let queue = try DatabaseFile.openReadOnly("\(directory)/\(fileName)", migrations: HubSchema.migrations)
            return try queue.read { db in try Registry(db).authorities() }
        }
    }
}
