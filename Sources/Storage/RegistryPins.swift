import GRDB
import Model

/// The definitions of tools that were approved.
enum PinSchema {
    static let table: DatabaseFile.Migration = """
        CREATE TABLE pins (
            server TEXT NOT NULL,
            tool TEXT NOT NULL,
            digest TEXT NOT NULL,
            read_only INTEGER,
            idx INTEGER NOT NULL,
            PRIMARY KEY (server, tool, digest)
        ) STRICT, WITHOUT ROWID;
        """
}

extension Fold {
    static func approveTools(_ body: ToolsApproved, _ index: Int64, _ db: Database) throws {
        let object = ObjectName(kind: .server, name: body.server)
        let isThere = try Bool.fetchOne(
            db, sql: "SELECT EXISTS (SELECT 1 FROM objects WHERE kind = ? AND name = ?)",
            arguments: [object.kind.rawValue, object.name])
        guard isThere == true else {
            throw StorageError(
                "no-object", "there is no server `\(body.server.prefix(130))` whose tools could be approved")
        }
        for tool in Set(body.definitions.map(\.name)).sorted() {
            try db.run("DELETE FROM pins WHERE server = ? AND tool = ?", [body.server, tool])
        }
        for definition in body.definitions {
            try db.run(
                """
                INSERT INTO pins (server, tool, digest, read_only, idx) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (server, tool, digest) DO NOTHING
                """, [body.server, definition.name, definition.digest, definition.readOnly, index])
        }
        try change(object.scope, index, db)
    }

    /// Another server of the same name begins with nothing approved.
    static func forgetPins(of object: ObjectName, _ db: Database) throws {
        guard object.kind == .server else { return }
        try db.run("DELETE FROM pins WHERE server = ?", [object.name])
    }
}

extension Registry {
    /// The approved definitions by the server's full name, in the order of tools and digests.
    package func pins() throws -> [String: [ToolDefinition]] {
        try read {
            var pins: [String: [ToolDefinition]] = [:]
            let rows = try Row.fetchCursor(
                db, sql: "SELECT server, tool, digest, read_only FROM pins ORDER BY server, tool, digest")
            while let row = try rows.next() {
                pins[row["server"], default: []].append(
                    ToolDefinition(name: row["tool"], digest: row["digest"], readOnly: row["read_only"]))
            }
            return pins
        }
    }
}
