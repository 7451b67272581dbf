import MCP
import Model
import SpokeAgent
import Testing

@Suite("what an upstream's result becomes")
struct PassedResultTests {
    private func view() throws -> ListView {
        let fixture = try SpokeFixture()
        let step = judge(
            try SpokeFixture.exchange("tools/list"), under: try fixture.snapshot(), try SpokeFixture.tables(),
            now: SpokeFixture.now)
        return try #require(step.forwarding).filter
    }

    private static let actions: [MCPAction] = [
        .callTool(name: "read_entry", arguments: JSONObject()), .list(.tools, cursor: nil), .discover, .ping,
        .readResource(uri: "ledger://reports/1"), .getPrompt(name: "p", arguments: JSONObject()),
        .initialize(requested: "2025-11-25", capabilities: JSONObject()),
    ]

    @Test("one that asks the caller for something, or is no object, is refused in both eras", arguments: actions)
    func incomplete(_ action: MCPAction) throws {
        let view = try view()
        let results: [JSON] = [
            ["resultType": "input_required", "tools": []], ["resultType": "task", "tools": []], ["resultType": 1],
            [], "text", .null,
        ]
        for era in [Era.handshake, .stateless] {
            for result in results {
                do throws(MCPError) {
                    let passed = try PassedResult.of(result, of: action, era: era, through: view)
                    Issue.record("\(action) let \(passed) through")
                } catch { #expect(error.reason == .badUpstream) }
            }
        }
    }

    @Test("what one caller read is not for a cache that others share, in the stateless era")
    func confined() throws {
        let view = try view()
        let result: JSON = ["contents": [], "cacheScope": "public", "ttlMs": 3_600_000]
        let read = MCPAction.readResource(uri: "ledger://reports/1")
        let passed = try PassedResult.of(result, of: read, era: .stateless, through: view).result
        #expect(passed["cacheScope"] == "private")
        #expect(passed["ttlMs"]?.integer == ListView.ttlCap)
        #expect(try PassedResult.of(result, of: read, era: .handshake, through: view).result == result)
        let prompt = MCPAction.getPrompt(name: "p", arguments: JSONObject())
        #expect(
            try PassedResult.of(result, of: prompt, era: .stateless, through: view).result["cacheScope"] == "private")
        #expect(
            try PassedResult.of(["messages": []], of: prompt, era: .stateless, through: view).result == ["messages": []]
        )
    }

    @Test("a list is filtered to what the caller may use")
    func lists() throws {
        let result: JSON = ["tools": [["name": "read_entry"], ["name": "write_entry"]], "resultType": "complete"]
        let passed = try PassedResult.of(
            result, of: .list(.tools, cursor: nil), era: .stateless, through: try view()
        ).result
        #expect(passed["tools"]?.array?.compactMap { $0["name"]?.string } == ["read_entry"])
    }
}
