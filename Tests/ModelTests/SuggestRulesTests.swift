import Model
import Testing

@Suite("rules suggested from use")
struct SuggestRulesTests {
    private let at = Instant(milliseconds: 1_800_000_000_000)

    private func use(_ caller: String, _ principal: String, _ capability: String) -> UsageRow {
        UsageRow(caller: caller, principal: principal, rule: "finance/all", capability: capability, count: 3, last: at)
    }

    @Test("cover what was seen, and nothing else")
    func least() throws {
        let bot = "spiffe://analytics.corp.example/client/bot"
        let desk = "spiffe://analytics.corp.example/client/desk"
        let partner = "spiffe://billing.partner.example/client/x"
        let uses =
            [
                use(bot, "zone:analytics", "tool:read_entry"), use(bot, "anyone", "tool:list"),
                use(desk, "zone:analytics", "tool:read_entry"), use(desk, "zone:analytics", "tool:list"),
                use(partner, "anyone", "tool:list"), use(bot, "zone:analytics", "reach"),
                use("\(desk)+https://idp#7", "group:analysts", "prompt:summary"),
            ] + (0..<12).map { use(bot, "zone:analytics", "resource:ledger://reports/\($0)") }
        let rules = suggestRules(from: uses, of: "finance/ledger", organization: "corp.example")
        #expect(rules.map(\.id) == (1...4).map { "finance/ledger-used-\($0)" })
        func isAllowed(_ caller: String, _ capability: String, by some: [Rule]? = nil) throws -> Bool {
            let ruleset = Ruleset(
                organization: "corp.example", server: "finance/ledger", networks: [try Network("10.0.0.0/8")],
                rules: (some ?? rules).map {
                    var rule = $0
                    rule.servers = ["finance/ledger"]
                    return rule
                }, masks: [], revision: 1)
            let isPerson = caller.contains("+")
            let user = Caller.User(issuer: "https://idp", subject: "7", groups: ["analysts"])
            let caller = isPerson ? Caller(user: user) : Caller(workload: try SPIFFEID(caller))
            let facts = Facts(now: at, address: IPAddress("10.0.0.1"))
            return decide(Request(caller: caller, aim: .use(try Capability(capability)), facts: facts), under: ruleset)
                .isAllowed
        }
        let calls = uses.filter { $0.capability != "reach" }
        for use in calls { #expect(try isAllowed(use.caller, use.capability), "\(use)") }
        #expect(try !isAllowed(partner, "tool:read_entry") && !isAllowed(desk, "resource:ledger://reports/1"))
        #expect(try !isAllowed(bot, "tool:write_entry") && !isAllowed(bot, "resource:ledger://other"))
        // Each of them is needed.
        for index in rules.indices {
            var fewer = rules
            fewer.remove(at: index)
            let refused = try calls.contains { try !isAllowed($0.caller, $0.capability, by: fewer) }
            #expect(refused, "\(rules[index])")
        }
        #expect(rules.flatMap(\.to).contains(.group("analysts")))
        #expect(suggestRules(from: [], of: "finance/ledger", organization: "corp.example") == [])
    }

    @Test("a name with a star becomes no pattern, and is said")
    func stars() {
        let bot = "spiffe://analytics.corp.example/client/bot"
        let names = ["resource:ledger://**", "tool:*", "resource:ledger://a*/b", "tool:*"]
        let starred = names.map { use(bot, "zone:analytics", $0) }
        #expect(suggestRules(from: starred, of: "finance/ledger", organization: "corp.example") == [])
        #expect(usesWithoutRule(starred) == ["resource:ledger://**", "resource:ledger://a*/b", "tool:*"])
        let reports = (0..<12).map { use(bot, "zone:analytics", "resource:ledger://reports/\($0)") }
        let read = use(bot, "zone:analytics", "tool:read")
        let rules = suggestRules(from: starred + reports + [read], of: "finance/ledger", organization: "corp.example")
        #expect(rules.flatMap(\.capabilities).map(\.description) == ["resource:ledger://reports/*", "tool:read"])
        #expect(usesWithoutRule(reports + [read, use(bot, "zone:analytics", "reach")]) == [])
    }
}
