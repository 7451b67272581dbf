import Model
import Testing

@Suite("a ruleset narrowed to a caller")
struct NarrowedRulesetTests {
    @Test("decides and explains as the whole one does, in random worlds")
    func same() throws {
        let rules = try SmallWorlds.rules()
        let masks = try SmallWorlds.masks()
        let requests = try SmallWorlds.requests()
        var random = Seeded(state: 19)
        var dropped = 0
        var allowed = 0
        var reasons: Set<DenyReason> = []
        for _ in 0..<(isLong ? 20_000 : 300) {
            let world = (0..<5).compactMap { _ in rules.randomElement(using: &random) }
            let ruleset = try SmallWorlds.ruleset(world, masks.randomElement(using: &random) ?? [])
            for var request in requests {
                let narrowed = ruleset.narrowed(to: request.caller)
                dropped += ruleset.rules.count - narrowed.rules.count
                for aim in [request.aim, .reach, .template("ledger://r/{id}"), .completion("ledger://r/{id}")] {
                    request.aim = aim
                    switch (decide(request, under: ruleset), decide(request, under: narrowed)) {
                    case (.allow(let whole), .allow(let narrow)):
                        #expect(whole == narrow)
                        allowed += 1
                    case (.deny(let whole), .deny(let narrow)):
                        #expect(whole == narrow, "\(request) under \(world.map(\.id))")
                        reasons.insert(whole.reason)
                    case (let whole, let narrow):
                        Issue.record("\(request) under \(world.map(\.id)): \(whole), narrowed \(narrow)")
                        return
                    }
                }
            }
        }
        // Worlds in which nothing is dropped, or nothing allowed, would prove little.
        #expect(dropped > 1000 && allowed > 1000)
        #expect(reasons.isSuperset(of: [.noRule, .deniedByRule, .conditionFailed, .missingFact, .revoked, .expired]))
    }

    @Test("a deny that may name a user whose groups are unknown stays")
    func unknownGroups() throws {
        let rules = [
            Rule(
                id: "d", effect: .deny, capabilities: [try CapabilityPattern("*")],
                to: [try Principal("group:analysts")]),
            Rule(
                id: "other", effect: .deny, capabilities: [try CapabilityPattern("*")],
                to: [try Principal("client:analytics/bot")]),
        ]
        let caller = Caller(user: Caller.User(issuer: "https://idp", subject: "2"))
        #expect(try SmallWorlds.ruleset(rules, []).narrowed(to: caller).rules.map(\.id) == ["d"])
    }
}
