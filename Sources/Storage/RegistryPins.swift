import GRDB
import Model

/// The definitions of tools that were approved. A tool whose approval was withdrawn has one row, with an empty digest.
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
        try repin(Set(body.definitions.map(\.name)), of: body.server, index, db)
        for definition in body.definitions {
            try pin(definition.name, definition.digest, definition.readOnly, of: body.server, index, db)
        }
    }

    static func withdrawTools(_ body: ToolsWithdrawn, _ index: Int64, _ db: Database) throws {
        try repin(Set(body.tools), of: body.server, index, db)
        for tool in body.tools { try pin(tool, "", nil, of: body.server, index, db) }
    }

    /// Forgets what held of these tools.
    private static func repin(_ tools: Set<String>, of server: String, _ index: Int64, _ db: Database) throws {
        let object = ObjectName(kind: .server, name: server)
        let isThere = try Bool.fetchOne(
            db, sql: "SELECT EXISTS (SELECT 1 FROM objects WHERE kind = ? AND name = ?)",
            arguments: [object.kind.rawValue, object.name])
        guard isThere == true else {
            throw StorageError(
                "no-object", "there is no server `\(server.prefix(130))` whose tools could be approved")
        }
        for tool in tools.sorted() {
            try db.run("DELETE FROM pins WHERE server = ? AND tool = ?", [server, tool])
        }
        try change(object.scope, index, db)
    }

    private static func pin(
        _ tool: String, _ digest: String, _ readOnly: Bool?, of server: String, _ index: Int64, _ db: Database
    ) throws {
        try db.run(
            """
            INSERT INTO pins (server, tool, digest, read_only, idx) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (server, tool, digest) DO NOTHING
            """, [server, tool, digest, readOnly, index])
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
                db,
                sql: "SELECT server, tool, digest, read_only FROM pins WHERE digest <> '' ORDER BY server, tool, digest"
            )
            while let row = try rows.next() {
                pins[row["server"], default: []].append(
                    ToolDefinition(name: row["tool"], digest: row["digest"], readOnly: row["read_only"]))
            }
            return pins
        }
    }

    /// The tools whose approval was withdrawn, and that nobody approved since, by the server's full name.
    package func withdrawnTools() throws -> [String: Set<String>] {
        try read {
            var tools: [String: Set<String>] = [:]
            let rows = try Row.fetchCursor(db, sql: "SELECT server, tool FROM pins WHERE digest = ''")
            while let row = try rows.next() { tools[row["server"], default: []].insert(row["tool"]) }
            return tools
        }
    }
}
