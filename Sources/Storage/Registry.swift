import GRDB
import Model
import Trust

/// The registry as it stands inside one transaction: the facts that an append's closure reads before it decides, entries
/// of the same append's predecessors included. Valid during the closure only.
///
/// Every read throws `StorageError` when SQLite fails, and `ModelError` where a row does not decode.
package struct Registry {
    let db: Database
    /// The topology, if it is known that no object has changed since it was decoded.
    var known: Topology?

    init(_ db: Database, known: Topology? = nil) {
        self.db = db
        self.known = known
    }

    /// How many entries the ledger holds.
    package func size() throws -> Int64 {
        try read { try Int64.fetchOne(db, sql: "SELECT coalesce(max(idx) + 1, 0) FROM ledger") ?? 0 }
    }

    /// The first entry, nil while the ledger is empty.
    package func opened() throws -> LedgerOpened? {
        try read {
            try Row.fetchOne(db, sql: "SELECT organization, epoch, origin, root FROM opened").map {
                LedgerOpened(
                    organization: $0["organization"], epoch: $0["epoch"], origin: $0["origin"], root: $0["root"])
            }
        }
    }

    /// What the files state, as applied last; nil before the first apply.
    package func topology() throws -> Topology? {
        if let known { return known }
        return try read {
            let rows = try Row.fetchAll(db, sql: "SELECT kind, value FROM objects")
            return try Topology(objects: rows.map { (kind: try word($0["kind"]), value: try revealed($0["value"])) })
        }
    }

    /// Everything that bundles are compiled from. Before the first apply the topology is an organization without zones.
    package func state() throws -> RegistryState {
        let opened = try opened()
        return RegistryState(
            origin: try opened.map(origin) ?? "",
            topology: try topology() ?? Topology(organization: Organization(domain: opened?.organization ?? "")),
            masks: try masks(), pins: try pins(), revokedSerials: try revokedSerials(), retiredKeys: try retiredKeys(),
            revokedIdentities: try revokedIdentities(), changes: try changes())
    }

    /// Ledger index of the last change by scope.
    package func changes() throws -> [String: Int64] {
        try read {
            let rows = try Row.fetchAll(db, sql: "SELECT scope, idx FROM changes")
            return Dictionary(rows.map { ($0["scope"], $0["idx"]) }) { first, _ in first }
        }
    }

    /// Ledger index at which an object was set last; nil when there is no such object.
    package func objectRevision(_ object: ObjectName) throws -> Int64? {
        try read {
            try Int64.fetchOne(
                db, sql: "SELECT revision FROM objects WHERE kind = ? AND name = ?",
                arguments: [object.kind.rawValue, object.name])
        }
    }

    /// Who set an object last; nil when there is no such object.
    package func objectAuthor(_ object: ObjectName) throws -> Author? {
        try read {
            try String.fetchOne(
                db, sql: "SELECT author FROM objects WHERE kind = ? AND name = ?",
                arguments: [object.kind.rawValue, object.name]
            ).map(author)
        }
    }

    package func objectAuthors() throws -> [ObjectName: Author] {
        try read {
            let rows = try Row.fetchAll(db, sql: "SELECT kind, name, author FROM objects")
            var authors: [ObjectName: Author] = [:]
            for row in rows {
                authors[ObjectName(kind: try word(row["kind"]), name: row["name"])] = try author(row["author"])
            }
            return authors
        }
    }

    /// Keeps bytes that an entry names by digest; written with the entry or not at all.
    /// - Returns: `sha256:…` of the bytes.
    package func keep(artifact bytes: [UInt8]) throws -> String {
        let digest = digestText(of: bytes)
        // The same bytes may be kept already, by an older entry.
        try read {
            try db.run(
                "INSERT INTO artifacts (digest, bytes) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING",
                [digest, Blob(bytes)])
        }
        return digest
    }

    /// - Returns: nil when nothing of that digest was kept; what stands in its place where a person in it was erased.
    package func artifact(_ digest: String) throws -> [UInt8]? {
        try read {
            let sql = "SELECT bytes FROM artifacts WHERE digest = ?"
            if let kept = try Blob.fetchOne(db, sql: sql, arguments: [digest]) { return kept.bytes }
            guard let newest = try redaction(of: digest) else { return nil }
            return try Blob.fetchOne(db, sql: sql, arguments: [newest])?.bytes
        }
    }

    // MARK: Reading rows

    func read<T>(_ body: () throws -> T) throws -> T { try translating("cannot read the registry", body) }

    /// Puts personal values back into a column of JSON.
    func revealed(_ text: String) throws -> JSON { try revealed(JSON(parsing: Array(text.utf8))) }

    func revealed(_ json: JSON) throws -> JSON {
        let statement = try db.cachedStatement(sql: "SELECT value FROM disclosures WHERE commitment = ?")
        var failure: (any Error)?
        let revealed = PersonalData.reveal(json) { commitment in
            do { return try String.fetchOne(statement, arguments: [commitment]) } catch {
                failure = error
                return nil
            }
        }
        if let failure { throw failure }
        return revealed
    }

    func author(_ text: String) throws -> Author { try JSONCoding.decode(Author.self, from: Array(text.utf8)) }

    func word<T: RawRepresentable<String>>(_ text: String) throws -> T {
        guard let value = T(rawValue: text) else {
            throw StorageError("database-damaged", "the registry holds the unknown word `\(text.prefix(40))`")
        }
        return value
    }
}
