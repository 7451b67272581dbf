import GRDB
import Model
@testable import Storage
import TestSupport
import Testing
import Trust

@Suite struct ToolSightingTests {
    private let directory: TemporaryDirectory
    private let store: UsageStore
    private static let spoke = "finance/fin-1"
    private static let other = "finance/fin-2"

    init() throws {
        directory = try TemporaryDirectory()
        store = try UsageStore(directory: directory.path)
    }

    private static func definition(readOnly: Bool?) -> JSON {
        var definition = JSONObject([("name", "delete"), ("description", "deletes")])
        if let readOnly { definition["annotations"] = ["readOnlyHint": .bool(readOnly)] }
        return .object(definition)
    }

    private static func seen(_ definition: JSON, inFull: Bool, claiming readOnly: Bool?) -> SeenDefinition {
        SeenDefinition(
            digest: digestText(of: definition.interchangeBytes), readOnly: readOnly, versions: [],
            definition: inFull ? definition : JSON?.none)
    }

    private func tell(_ definition: SeenDefinition, of tool: String = "delete", by spoke: String) async throws {
        let report = Report(
            journal: "j-\(spoke)", sequence: 0, applied: nil, refused: nil, servers: [], usage: [], decisions: [],
            checkpoint: nil, listener: nil, since: TestHub.start, at: TestHub.start,
            tools: [ToolSighting(server: "finance/ledger", tool: tool, definitions: [definition])])
        _ = try await store.merge(report, spoke: spoke, now: TestHub.start)
    }

    private func readOnly(of tool: String = "delete") async throws -> [Bool?] {
        try await store.definitions(server: "finance/ledger", tool: tool).map(\.readOnly)
    }

    @Test(
        "of being read-only a definition's text speaks, not the spoke that told its digest",
        arguments: [nil, false, true] as [Bool?], [true, false])
    func readOnlyIsOfTheText(hint: Bool?, isDigestFirst: Bool) async throws {
        let definition = Self.definition(readOnly: hint)
        let lie = Self.seen(definition, inFull: false, claiming: hint != true)
        let honest = Self.seen(definition, inFull: true, claiming: hint)
        if isDigestFirst {
            try await tell(lie, by: Self.other)
            #expect(try await readOnly() == [nil])
            try await tell(honest, by: Self.spoke)
        } else {
            try await tell(honest, by: Self.spoke)
            try await tell(lie, by: Self.other)
        }
        #expect(try await readOnly() == [hint])
    }

    @Test("the step of the schema reads in the text what was believed of a spoke before")
    func whatWasBelievedBefore() async throws {
        try await tell(
            Self.seen(Self.definition(readOnly: nil), inFull: true, claiming: nil), of: "none", by: Self.spoke)
        try await tell(
            Self.seen(Self.definition(readOnly: true), inFull: true, claiming: nil), of: "yes", by: Self.spoke)
        try await tell(
            Self.seen(Self.definition(readOnly: true), inFull: false, claiming: nil), of: "bare", by: Self.spoke)
        let queue = try DatabaseQueue(path: directory.file(UsageStore.fileName))
        try await queue.write { db in
            try db.execute(sql: "UPDATE tool_definitions SET read_only = tool <> 'yes'")
            try db.execute(sql: ToolSchema.readOnlyByText.sql)
        }
        let found = try await store.definitions().map { "\($0.tool) \($0.readOnly.map { "\($0)" } ?? "-")" }
        #expect(found == ["bare -", "none -", "yes true"])
    }

    private func report(
        _ tools: [ToolSighting], listing: [String]?, servers: [String] = ["finance/ledger"], at: Int64
    ) -> Report {
        Report(
            journal: "j", sequence: 0, applied: nil, refused: nil,
            servers: servers.map {
                ServerStatus(
                    name: $0, state: .up, tools: listing ?? [], catalogAt: listing.map { _ in TestHub.start })
            },
            usage: [], decisions: [], checkpoint: nil, listener: nil, since: TestHub.start,
            at: TestHub.start + .seconds(at), tools: tools)
    }

    private func sighting(_ tool: String, server: String = "finance/ledger") -> ToolSighting {
        ToolSighting(
            server: server, tool: tool,
            definitions: [Self.seen(Self.definition(readOnly: nil), inFull: false, claiming: nil)])
    }

    private func merge(_ report: Report) async throws {
        _ = try await store.merge(report, spoke: Self.spoke, now: TestHub.start)
    }

    private func listed() async throws -> [String] {
        try await store.definitions().filter { !$0.sightings.isEmpty }.map(\.tool)
    }

    @Test("what a server lists no more is forgotten by the newest report, and by no other")
    func whatIsListedNoMore() async throws {
        try await merge(report([sighting("a"), sighting("b")], listing: ["a", "b"], at: 1))
        // The lists are not there yet, as after a start.
        try await merge(report([], listing: nil, at: 2))
        #expect(try await listed() == ["a", "b"])
        try await merge(report([sighting("c")], listing: ["b"], at: 4))
        #expect(try await listed() == ["b", "c"])
        try await merge(report([], listing: ["a", "c"], at: 3))
        #expect(try await listed() == ["b", "c"])
        // What was told once is known still.
        #expect(try await store.definitions().map(\.tool) == ["a", "b", "c"])
        try await merge(report([], listing: ["b", "c"], servers: [], at: 5))
        #expect(try await listed() == [])
    }

    @Test("a spoke that makes up tools fills its server's room and no more")
    func madeUp() async throws {
        let maximum = ToolSighting.maximumTools
        let names = (0..<maximum).map { "t\($0)" }
        try await merge(report(names.map { sighting($0) }, listing: names + ["one", "two"], at: 1))
        try await merge(report([sighting("one"), sighting("t0")], listing: names + ["one", "two"], at: 2))
        #expect(try await listed().sorted() == names.sorted())
        // One that goes makes room for one.
        try await merge(
            report([sighting("one"), sighting("two")], listing: names.dropLast() + ["one", "two"], at: 3))
        #expect(try await listed().sorted() == (names.dropLast() + ["one"]).sorted())
    }

    @Test("a spoke speaks of its own zone's tools only")
    func ofItsZone() async throws {
        try await merge(report([sighting("a", server: "analytics/other")], listing: nil, servers: [], at: 1))
        #expect(try await store.definitions().isEmpty)
    }
}
