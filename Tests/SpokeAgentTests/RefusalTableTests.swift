import MCP
import Model
import SpokeAgent
import TestSupport
import Testing

@Suite("the table of refusals")
struct RefusalTableTests {
    private static let rows: [DenyReason: String] = [
        .noRule: "hidden", .deniedByRule: "hidden", .conditionFailed: "hidden", .missingFact: "hidden",
        .revoked: "hidden", .lapsed: "hidden", .expired: "hidden", .network: "hidden", .unknownServer: "hidden",
        .notInCatalog: "hidden", .identityRevoked: "hidden", .notAClient: "hidden", .callerZone: "hidden",
        .ceiling: "hidden", .unapprovedTool: "hidden", .changedTool: "hidden",
        .malformed: "by error", .unsupported: "by error", .egress: "by error", .argumentCheck: "by error",
        .foreignTask: "by error", .foreignState: "by error", .streams: "429 -32603", .foreignHost: "421 -32600",
        .noBundle: "503 -32603", .stale: "503 -32603", .catalogUnknown: "503 -32603", .journal: "503 -32603",
        .attempts: "429 -32603", .rate: "429 -32603", .concurrency: "429 -32603",
        .tooLarge: "413 -32600", .foreignSession: "404 -32600",
    ]

    @Test("every reason has its row, every plain row is a whole answer", arguments: DenyReason.allCases)
    func total(_ reason: DenyReason) throws {
        let row = try #require(Self.rows[reason])
        switch reason.form {
        case .hidden: #expect(row == "hidden")
        case .byError: #expect(row == "by error")
        case .plain(let status, let code, _, let retryAfter):
            #expect(row == "\(status) \(code)")
            let answer = try #require(Answer(refusing: reason, id: .integer(7)))
            let body = try JSON(parsing: answer.body)
            #expect(answer.status == status)
            #expect(body["id"]?.integer == 7)
            #expect(body["error"]?["code"]?.integer == code)
            // Who may come again is told when.
            #expect([429, 503].contains(status) == (retryAfter != nil))
            #expect(answer.headers.contains { $0.name == "Retry-After" } == (retryAfter != nil))
            // No code of ours in the range that JSON-RPC reserves for servers.
            #expect(!(-32099 ... -32000).contains(code))
        }
        #expect((Answer(refusing: reason, id: nil) == nil) == ["hidden", "by error"].contains(row))
    }

    @Test("what is known of a wait is told in whole seconds, rounded up, at least one")
    func waits() throws {
        for (wait, told) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (60_000, "60")] as [(Int64, String)] {
            let answer = try #require(Answer(refusing: .rate, id: nil, wait: Milliseconds(wait)))
            #expect(answer.headers.first { $0.name == "Retry-After" }?.value == told)
        }
    }

    @Test("the pipeline refuses by the table")
    func pipeline() throws {
        let fixture = try SpokeFixture()
        let rules = [try SpokeFixture.rule("all", ["*"], to: ["client:analytics/reporting-bot"])]
        let small = Policy(limits: Limits(concurrency: 1, requestBody: ByteCount(512)))
        let snapshot = try fixture.snapshot(try fixture.bundle(rules: rules, policy: small))
        let tables = try SpokeFixture.tables()
        let now = SpokeFixture.now
        let call = try SpokeFixture.call("read_entry")
        var seen: [DenyReason: Step] = [:]
        seen[.noBundle] = judge(call, under: nil, tables, now: now)
        seen[.stale] = judge(call, under: snapshot, tables, now: now + .days(6))
        #expect(judge(call, under: snapshot, tables, now: now).forwarding != nil)
        seen[.concurrency] = judge(call, under: snapshot, tables, now: now)
        let long = JSON.object(JSONObject([("account", .string(String(repeating: "x", count: 600)))]))
        seen[.tooLarge] = judge(try SpokeFixture.call("read_entry", long), under: snapshot, tables, now: now)
        seen[.foreignSession] = judge(
            try SpokeFixture.raw([], headers: [("Mcp-Session-Id", "x")], method: "DELETE", type: nil), under: snapshot,
            tables, now: now)
        tables.views["ledger"] = ServerView(state: .down)
        seen[.catalogUnknown] = judge(call, under: snapshot, tables, now: now)
        for (reason, step) in seen {
            let answer = try #require(step.answer)
            #expect(answer.denied?.reason == reason.rawValue)
            #expect(answer.status == Answer(refusing: reason, id: nil)?.status)
        }
    }
}
