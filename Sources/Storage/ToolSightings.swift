import GRDB
import Model
import Trust

/// What tools servers list, as spokes told: every definition with when it was first told, and which spoke lists which now.
enum ToolSchema {
    /// Kept of one tool, and of all tools of one server, beside what is listed now: of one server each spoke lists
    /// `ToolSighting.maximumTools` at most.
    static let maximumPerTool = 32
    static let maximumPerServer = 4000

    static let tables: DatabaseFile.Migration = """
        CREATE TABLE tool_definitions (
            server TEXT NOT NULL,
            tool TEXT NOT NULL,
            digest TEXT NOT NULL,
            read_only INTEGER,
            definition TEXT,
            first INTEGER NOT NULL,
            PRIMARY KEY (server, tool, digest)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE tool_sightings (
            server TEXT NOT NULL,
            tool TEXT NOT NULL,
            spoke TEXT NOT NULL,
            digest TEXT NOT NULL,
            versions TEXT NOT NULL,
            at INTEGER NOT NULL,
            PRIMARY KEY (server, tool, spoke, digest)
        ) STRICT, WITHOUT ROWID;
        """

    /// Before it, a definition that was told by its digest alone kept what the spoke said of it.
    static let readOnlyByText: DatabaseFile.Migration = """
        UPDATE tool_definitions SET read_only = CASE json_type(definition, '$.annotations.readOnlyHint')
            WHEN 'true' THEN 1 WHEN 'false' THEN 0 END;
        """

    /// What a spoke lists is found by its name.
    static let bySpoke: DatabaseFile.Migration = """
        CREATE INDEX tool_sightings_spoke ON tool_sightings (spoke, server, tool);
        """

    /// Forgets that the spoke lists tools which its servers have no more, by their newest lists. A server whose lists it has
    /// not fetched yet, as after a start, keeps what was told of it.
    static func forget(_ report: Report, spoke: String, _ db: Database) throws {
        let unread = Set(report.servers.filter { $0.catalogAt == nil }.map(\.name))
        let listed = Dictionary(report.servers.map { ($0.name, Set($0.tools)) }) { first, _ in first }
        let rows = try Row.fetchAll(
            db, sql: "SELECT DISTINCT server, tool FROM tool_sightings WHERE spoke = ?", arguments: [spoke])
        for row in rows {
            let (server, tool): (String, String) = (row["server"], row["tool"])
            guard !unread.contains(server), listed[server]?.contains(tool) != true else { continue }
            try forget(tool, of: server, spoke: spoke, db)
        }
    }

    /// - Returns: whether it listed the tool.
    @discardableResult
    private static func forget(_ tool: String, of server: String, spoke: String, _ db: Database) throws -> Bool {
        try db.run(
            "DELETE FROM tool_sightings WHERE server = ? AND tool = ? AND spoke = ?", [server, tool, spoke])
        return db.changesCount > 0
    }

    /// Takes in what a spoke tells of the tools of one server, as many as one server has at most.
    static func merge(
        _ sightings: [ToolSighting], of server: String, spoke: String, _ now: Instant, _ db: Database
    ) throws {
        let sql = "SELECT count(DISTINCT tool) FROM tool_sightings WHERE spoke = ? AND server = ?"
        var room = ToolSighting.maximumTools - (try Int.fetchOne(db, sql: sql, arguments: [spoke, server]) ?? 0)
        for sighting in sightings {
            if try forget(sighting.tool, of: server, spoke: spoke, db) { room += 1 }
            guard !sighting.definitions.isEmpty, room > 0 else { continue }
            room -= 1
            try keep(sighting, spoke: spoke, now, db)
            try shorten("server = ? AND tool = ?", [server, sighting.tool], to: maximumPerTool, db)
        }
        try shorten("server = ?", [server], to: maximumPerServer, db)
    }

    /// A definition whose bytes have another digest is left out.
    ///
    /// Whether a definition is read-only is what its own text says, and not known before somebody told the text: what is
    /// kept here is approved and then holds on every spoke, so the word of one does not count.
    private static func keep(_ sighting: ToolSighting, spoke: String, _ now: Instant, _ db: Database) throws {
        for seen in sighting.definitions.prefix(ToolSighting.maximumDefinitions) {
            var text: String?
            var readOnly: Bool?
            if let definition = seen.definition {
                let bytes = definition.interchangeBytes
                guard digestText(of: bytes) == seen.digest, bytes.count <= SeenDefinition.maximumBytes else { continue }
                text = String(decoding: bytes, as: UTF8.self)
                readOnly = ToolDefinition.readOnlyHint(of: definition)
            }
            try db.run(
                """
                INSERT INTO tool_definitions (server, tool, digest, read_only, definition, first)
                VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (server, tool, digest) DO UPDATE
                SET definition = excluded.definition, read_only = excluded.read_only
                WHERE definition IS NULL AND excluded.definition IS NOT NULL
                """, [sighting.server, sighting.tool, seen.digest, readOnly, text, now.milliseconds])
            try db.run(
                """
                INSERT INTO tool_sightings (server, tool, spoke, digest, versions, at) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (server, tool, spoke, digest) DO NOTHING
                """,
                [
                    sighting.server, sighting.tool, spoke, seen.digest,
                    seen.versions.prefix(16).joined(separator: " "), now.milliseconds,
                ])
        }
    }

    /// Forgets definitions that nobody lists any more, the oldest first, until so many are left.
    private static func shorten(
        _ clause: String, _ arguments: StatementArguments, to maximum: Int, _ db: Database
    ) throws {
        let count =
            try Int.fetchOne(
                db, sql: "SELECT count(*) FROM tool_definitions WHERE \(clause)", arguments: arguments) ?? 0
        guard count > maximum else { return }
        try db.execute(
            sql: """
                DELETE FROM tool_definitions WHERE (server, tool, digest) IN (
                    SELECT server, tool, digest FROM tool_definitions d
                    WHERE \(clause) AND NOT EXISTS (
                        SELECT 1 FROM tool_sightings s
                        WHERE s.server = d.server AND s.tool = d.tool AND s.digest = d.digest)
                    ORDER BY first LIMIT ?)
                """, arguments: arguments + [count - maximum])
    }

    static func prune(before: Instant, _ db: Database) throws {
        try db.run("DELETE FROM tool_sightings WHERE at < ?", [before.milliseconds])
        try db.run(
            """
            DELETE FROM tool_definitions WHERE first < ? AND (server, tool, digest) NOT IN
                (SELECT server, tool, digest FROM tool_sightings)
            """, [before.milliseconds])
    }

    /// A definition that names the person is known by its digest alone from then on.
    static func erase(_ address: PersonalAddress, _ db: Database) throws {
        let rows = try Row.fetchAll(
            db, sql: "SELECT server, tool, digest, definition FROM tool_definitions WHERE definition IS NOT NULL")
        for row in rows where address.occurs(in: row["definition"] as String) {
            try db.run(
                "UPDATE tool_definitions SET definition = NULL WHERE server = ? AND tool = ? AND digest = ?",
                [row["server"] as String, row["tool"] as String, row["digest"] as String])
        }
    }
}

/// A definition of a tool that was told of once.
package struct KnownDefinition: Hashable, Sendable {
    package struct Sighting: Hashable, Sendable {
        /// Full name.
        package var spoke: String
        package var versions: [String]
    }

    /// Full name.
    package var server: String
    package var tool: String
    package var digest: String
    package var readOnly: Bool?
    package var first: Instant
    /// Who told last that the server lists it.
    package var sightings: [Sighting] = []
}

extension UsageStore {
    /// Every definition that is kept, by server, tool and digest.
    /// - Parameters:
    ///   - server: full name; nil for every server.
    ///   - tool: of that server; nil for every tool.
    package func definitions(server: String? = nil, tool: String? = nil) async throws -> [KnownDefinition] {
        try await read("cannot read the definitions of tools") { db in
            let arguments: StatementArguments = [server, server, tool, tool]
            let clause = "WHERE (? IS NULL OR server = ?) AND (? IS NULL OR tool = ?)"
            var sightings: [String: [KnownDefinition.Sighting]] = [:]
            let seen = try Row.fetchCursor(
                db, sql: "SELECT * FROM tool_sightings \(clause) ORDER BY spoke", arguments: arguments)
            while let row = try seen.next() {
                let versions = (row["versions"] as String).split(separator: " ").map(String.init)
                sightings[key(row), default: []].append(.init(spoke: row["spoke"], versions: versions))
            }
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT server, tool, digest, read_only, first FROM tool_definitions \(clause)
                    ORDER BY server, tool, first, digest
                    """, arguments: arguments)
            return rows.map { row in
                KnownDefinition(
                    server: row["server"], tool: row["tool"], digest: row["digest"], readOnly: row["read_only"],
                    first: Instant(milliseconds: row["first"]), sightings: sightings[key(row)] ?? [])
            }
        }
    }

    /// The definition itself; nil for one that was too large to tell, or that is not kept any more.
    package func definition(_ digest: String, of tool: String, server: String) async throws -> JSON? {
        try await read("cannot read the definitions of tools") { db in
            try String.fetchOne(
                db,
                sql: "SELECT definition FROM tool_definitions WHERE server = ? AND tool = ? AND digest = ?",
                arguments: [server, tool, digest]
            ).map { try JSON(parsing: Array($0.utf8)) }
        }
    }
}

/// No name holds a line's end.
private func key(_ row: Row) -> String {
    "\(row["server"] as String)\n\(row["tool"] as String)\n\(row["digest"] as String)"
}
