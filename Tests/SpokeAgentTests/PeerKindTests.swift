import MCP
import Model
import SpokeAgent
import TestSupport
import Testing
import Trust

@Suite("whose certificate it is")
struct PeerKindTests {
    @Test(
        "only a client's is a workload's; `anyone` allows nobody else, and each refusal is recorded",
        arguments: [
            ("spiffe://analytics.corp.example/client/other", true),
            ("spiffe://corp.example/user/ana", false),
            ("spiffe://corp.example/robot/deployer", false),
            ("spiffe://finance.corp.example/spoke/fin-1", false),
            ("spiffe://corp.example/hub/hub-1", false),
            ("spiffe://analytics.corp.example/client", false),
            ("spiffe://analytics.corp.example/client/a/b", false),
            ("spiffe://analytics.corp.example/clients/a", false),
        ])
    func kinds(_ id: String, _ isServed: Bool) throws {
        let fixture = try SpokeFixture()
        let rules = [
            try SpokeFixture.rule("all", ["*"], to: ["anyone"]),
            try SpokeFixture.rule("not-ana", ["*"], to: ["user:ana@corp.example", "group:staff"], effect: .deny),
        ]
        let snapshot = try fixture.snapshot(try fixture.bundle(rules: rules))
        let peer = try SpokeFixture.peer(id)
        let tables = try SpokeFixture.tables()
        for exchange in [
            try SpokeFixture.exchange("tools/list", peer: peer),
            try SpokeFixture.exchange("tools/list", target: "/nothing/mcp", peer: peer),
        ] {
            let step = judge(exchange, under: snapshot, tables, now: SpokeFixture.now)
            guard !isServed else {
                #expect(step.forwarding != nil || exchange.head.target == "/nothing/mcp")
                continue
            }
            let answer = try #require(step.answer)
            #expect(answer.status == 404)
            #expect(answer.denied?.reason == DenyReason.notAClient.rawValue)
            #expect(answer.denied?.caller == id)
        }
    }

    @Test("a session is no way around it")
    func session() throws {
        let fixture = try SpokeFixture()
        let snapshot = try fixture.snapshot()
        let tables = try SpokeFixture.tables()
        let user = "spiffe://corp.example/user/ana"
        _ = tables.sessions.add(
            Session(
                id: "s", caller: try Caller(workload: SPIFFEID(user)).key, server: "ledger", version: .v20251125,
                upstream: "u", used: SpokeFixture.now))
        let exchange = try SpokeFixture.raw(
            [], headers: [("Mcp-Session-Id", "s")], method: "DELETE", peer: try SpokeFixture.peer(user), type: nil)
        let answer = try #require(judge(exchange, under: snapshot, tables, now: SpokeFixture.now).answer)
        #expect(answer.denied?.reason == DenyReason.notAClient.rawValue)
    }
}
