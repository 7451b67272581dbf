import GRDB
import Trust

/// The tables of `hub.sqlite`.
enum HubSchema {
    /// A table that the fold fills from the ledger alone, and the columns of its key.
    struct FoldTable: Sendable {
        var name: String
        var key: [String]
    }

    /// What `verify` compares row by row. `ledger`, `checkpoints`, `disclosures` and `artifacts` are not folded.
    static let foldTables = [
        FoldTable(name: "opened", key: ["idx"]),
        FoldTable(name: "publications", key: ["idx"]),
        FoldTable(name: "objects", key: ["kind", "name"]),
        FoldTable(name: "changes", key: ["scope"]),
        FoldTable(name: "invitations", key: ["id"]),
        FoldTable(name: "certificates", key: ["idx"]),
        FoldTable(name: "newest_certificates", key: ["identity"]),
        FoldTable(name: "revoked_serials", key: ["serial"]),
        FoldTable(name: "revoked_identities", key: ["identity"]),
        FoldTable(name: "revocations", key: ["id"]),
        FoldTable(name: "roles", key: ["identity", "role"]),
        FoldTable(name: "users", key: ["id"]),
        FoldTable(name: "reviews", key: ["id"]),
        FoldTable(name: "review_items", key: ["review", "number"]),
        FoldTable(name: "manifests", key: ["version"]),
        FoldTable(name: "epochs", key: ["epoch"]),
        FoldTable(name: "authorities", key: ["serial"]),
        FoldTable(name: "anchors", key: ["idx"]),
        FoldTable(name: "pins", key: ["server", "tool", "digest"]),
    ]

    /// Complete nodes of the Merkle tree; compared like a folded table.
    static let nodes = FoldTable(name: "nodes", key: ["level", "idx"])

    static let migrations: [DatabaseFile.Migration] = [
        version1, ManifestSchema.table, version2, EpochSchema.table, AuthoritySchema.table, AnchorSchema.table,
        CertificateSchema.withoutValues, PinSchema.table, AuthoritySchema.retiredKeys,
        CertificateSchema.chained, nodesFromFour,
    ]

    // Times are milliseconds since the epoch, `idx` columns are ledger indices. Columns of JSON hold it canonical, with
    // commitments in the place of personal values, just as the leaf does.
    private static let version1: DatabaseFile.Migration = """
        CREATE TABLE ledger (
            idx INTEGER PRIMARY KEY,
            bytes BLOB NOT NULL,
            hash BLOB NOT NULL
        ) STRICT;
        CREATE TRIGGER ledger_grows BEFORE INSERT ON ledger
        WHEN NEW.idx <> (SELECT coalesce(max(idx) + 1, 0) FROM ledger)
        BEGIN SELECT RAISE(ABORT, 'the ledger only grows, at its end'); END;
        CREATE TRIGGER ledger_keeps BEFORE UPDATE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
        CREATE TRIGGER ledger_stays BEFORE DELETE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

        CREATE TABLE checkpoints (
            size INTEGER PRIMARY KEY,
            root BLOB NOT NULL,
            frontier TEXT NOT NULL,
            note TEXT
        ) STRICT;
        CREATE TABLE disclosures (
            commitment TEXT PRIMARY KEY,
            salt BLOB NOT NULL,
            value TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE artifacts (
            digest TEXT PRIMARY KEY,
            bytes BLOB NOT NULL
        ) STRICT;

        CREATE TABLE opened (
            idx INTEGER PRIMARY KEY,
            organization TEXT NOT NULL,
            epoch INTEGER NOT NULL,
            origin TEXT NOT NULL,
            root TEXT NOT NULL
        ) STRICT;
        CREATE TABLE objects (
            kind TEXT NOT NULL,
            name TEXT NOT NULL,
            value TEXT NOT NULL,
            revision INTEGER NOT NULL,
            author TEXT NOT NULL,
            PRIMARY KEY (kind, name)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE changes (
            scope TEXT PRIMARY KEY,
            idx INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE invitations (
            id TEXT PRIMARY KEY,
            secret_hash TEXT NOT NULL UNIQUE,
            identity TEXT NOT NULL,
            value TEXT NOT NULL,
            author TEXT NOT NULL,
            idx INTEGER NOT NULL,
            spent INTEGER,
            voided INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX invitations_identity ON invitations (identity);
        CREATE TABLE certificates (
            serial TEXT PRIMARY KEY,
            identity TEXT NOT NULL,
            invitation TEXT,
            value TEXT NOT NULL,
            idx INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX certificates_identity ON certificates (identity, idx);
        CREATE UNIQUE INDEX certificates_invitation ON certificates (invitation) WHERE invitation IS NOT NULL;
        CREATE TABLE revoked_serials (
            serial TEXT PRIMARY KEY,
            idx INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE revoked_identities (
            identity TEXT PRIMARY KEY,
            issued_before INTEGER NOT NULL,
            idx INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE revocations (
            id TEXT PRIMARY KEY,
            server TEXT NOT NULL,
            value TEXT NOT NULL,
            item TEXT,
            at INTEGER NOT NULL,
            idx INTEGER NOT NULL,
            lifted INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE roles (
            identity TEXT NOT NULL,
            role TEXT NOT NULL,
            idx INTEGER NOT NULL,
            PRIMARY KEY (identity, role)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE users (
            id TEXT PRIMARY KEY,
            address TEXT NOT NULL,
            idx INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE reviews (
            id TEXT PRIMARY KEY,
            zone TEXT NOT NULL,
            due INTEGER NOT NULL,
            evidence TEXT NOT NULL,
            author TEXT NOT NULL,
            at INTEGER NOT NULL,
            idx INTEGER NOT NULL,
            closed_author TEXT,
            closed_at INTEGER,
            closed_idx INTEGER
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX reviews_open ON reviews (zone) WHERE closed_idx IS NULL;
        CREATE TABLE review_items (
            review TEXT NOT NULL REFERENCES reviews (id),
            number INTEGER NOT NULL,
            value TEXT NOT NULL,
            verdict TEXT,
            author TEXT,
            why TEXT,
            at INTEGER,
            idx INTEGER,
            revocation TEXT,
            PRIMARY KEY (review, number)
        ) STRICT, WITHOUT ROWID;
        """

    // The hashes of level 0 are those of `ledger`: here are complete nodes above them. They never change.
    private static let version2 = DatabaseFile.Migration(
        """
        CREATE TABLE nodes (
            level INTEGER NOT NULL,
            idx INTEGER NOT NULL,
            hash BLOB NOT NULL,
            PRIMARY KEY (level, idx)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER nodes_keep BEFORE UPDATE ON nodes
        BEGIN SELECT RAISE(ABORT, 'a complete node never changes'); END;
        CREATE TRIGGER nodes_stay BEFORE DELETE ON nodes
        BEGIN SELECT RAISE(ABORT, 'a complete node never goes'); END;

        CREATE TABLE publications (
            idx INTEGER PRIMARY KEY,
            revision INTEGER NOT NULL,
            root TEXT NOT NULL,
            count INTEGER NOT NULL
        ) STRICT;
        """
    ) { db in
        var frontier = MerkleFrontier()
        let hashes = try Row.fetchCursor(db, sql: "SELECT hash FROM ledger ORDER BY idx")
        while let row = try hashes.next() { try frontier.append(row.hash, keepingNodesIn: db) }
    }

    // What lies below `MerkleFrontier.lowestKept` is made of few leaves and is hashed again when it is asked for: seven of
    // eight nodes need not be written.
    private static let nodesFromFour: DatabaseFile.Migration = """
        DROP TRIGGER nodes_stay;
        DELETE FROM nodes WHERE level < 4;
        CREATE TRIGGER nodes_stay BEFORE DELETE ON nodes
        BEGIN SELECT RAISE(ABORT, 'a complete node never goes'); END;
        """
}
