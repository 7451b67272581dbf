import GRDB
import Model

/// The roots over journal heads that stand in the ledger.
enum AnchorSchema {
    static let table: DatabaseFile.Migration = """
        CREATE TABLE anchors (
            idx INTEGER PRIMARY KEY,
            root TEXT NOT NULL UNIQUE,
            count INTEGER NOT NULL
        ) STRICT;
        """
}

extension Fold {
    static func anchorJournals(_ body: JournalsAnchored, _ index: Int64, _ db: Database) throws {
        try db.run("INSERT INTO anchors (idx, root, count) VALUES (?, ?, ?)", [index, body.root, body.count])
    }
}

extension Registry {
    /// Ledger index of the entry that anchors journals under that root; nil when there is none.
    package func anchor(root: String) throws -> Int64? {
        try read { try Int64.fetchOne(db, sql: "SELECT idx FROM anchors WHERE root = ?", arguments: [root]) }
    }
}
