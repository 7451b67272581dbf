import Model
import TestSupport
import Testing

@Suite("a ruleset with an index")
struct RuleIndexTests {
    private static let aims: [Aim] = [
        .reach, .template("ledger://r/{id}"), .completion("ledger://r/{id}"), .use(Capability(.prompt, "read_entry")),
        .use(Capability(.tool, "t")), .use(Capability(.tool, String(repeating: "long", count: 40))),
    ]

    @Test("decides and explains as the one without, in random worlds")
    func same() throws {
        let rules = try SmallWorlds.rules()
        let masks = try SmallWorlds.masks()
        let requests = try SmallWorlds.requests()
        var random = Seeded(state: 19)
        var allowed = 0
        var reasons: Set<DenyReason> = []
        for _ in 0..<(isLong ? 1_000 : 80) {
            let count = [3, 8, 30].randomElement(using: &random) ?? 3
            let world = (0..<count).compactMap { _ in rules.randomElement(using: &random) }
            let ruleset = try SmallWorlds.layered(world, masks.randomElement(using: &random) ?? [], using: &random)
            let indexed = ruleset.indexed()
            for var request in requests.shuffled(using: &random).prefix(40) {
                for aim in [request.aim] + Self.aims {
                    request.aim = aim
                    guard let verdict = same(request, ruleset, indexed) else { return }
                    if let reason = verdict { reasons.insert(reason) } else { allowed += 1 }
                }
            }
        }
        // Worlds in which nothing is allowed, or nothing refused, would prove little.
        #expect(allowed > 500)
        #expect(reasons.isSuperset(of: [.noRule, .deniedByRule, .conditionFailed, .missingFact, .revoked, .expired]))
    }

    /// Hundreds of rules for a few callers, so that every kind of list is long enough to be divided.
    @Test("finds what long lists hold, whatever their patterns begin with")
    func longLists() throws {
        var random = Seeded(state: 23)
        let letters = ["a", "b", "ab", "abc", "", String(repeating: "x", count: 70)]
        let tails = ["", "*", "_*", "*_x", "*a*b"]
        let principals = try [
            "client:analytics/bot", "zone:analytics", "domain:analytics.corp.example", "anyone", "group:analysts",
            "user:ana@corp.example", "spiffe://analytics.corp.example/**", "spiffe://*/client/bot",
        ].map { try Principal($0) }
        let bot = try SPIFFEID("spiffe://analytics.corp.example/client/bot")
        let callers = [
            Caller(workload: bot), Caller(workload: try SPIFFEID("spiffe://analytics.corp.example/client/bot/x")),
            Caller(user: Caller.User(issuer: "https://idp", subject: "1", address: "ana@corp.example", groups: nil)),
            Caller(
                workload: bot,
                user: Caller.User(
                    issuer: "https://idp", subject: "2", groups: Set((0..<80).map { "g\($0)" } + ["analysts"]))),
        ]
        var verdicts: [DenyReason?: Int] = [:]
        for world in 0..<(isLong ? 40 : 4) {
            let rules = try (0..<120).map { number in
                let name = (letters.randomElement(using: &random) ?? "") + (tails.randomElement(using: &random) ?? "")
                let kind = ["tool", "tool", "resource", "prompt"].randomElement(using: &random) ?? "tool"
                return Rule(
                    id: "finance/r\(number)", effect: number % 12 == 0 ? .deny : .allow,
                    capabilities: [try CapabilityPattern(name.isEmpty ? "*" : "\(kind):\(name)")],
                    servers: [SmallWorlds.server],
                    // In every other world the last caller's groups have more lists than are walked side by side.
                    to: [
                        world % 2 == 1 && number % 10 > 0
                            ? .group("g\(number % 80)") : principals[number % principals.count]
                    ],
                    when: number % 3 == 0 ? Conditions(readOnly: true) : nil,
                    until: number % 5 == 0 ? SmallWorlds.evening : nil)
            }
            // More than are looked at one by one.
            let masks = try (0..<10).map { number in
                Mask(
                    id: "rv-\(number)", principal: principals.randomElement(using: &random) ?? .anyone,
                    server: SmallWorlds.server,
                    capabilities: [
                        try CapabilityPattern(
                            world % 4 > 1 ? "*" : "tool:\(letters.randomElement(using: &random) ?? "")*")
                    ],
                    at: number % 2 == 0 ? SmallWorlds.morning : SmallWorlds.evening,
                    cause: number % 3 == 0 ? .lapsed : .revoked)
            }
            let ruleset = try SmallWorlds.ruleset(rules, world == 0 ? [] : masks)
            let indexed = ruleset.indexed()
            for caller in callers {
                for name in ["a", "ab", "ab_", "abcb", "zz", "q_x", String(repeating: "x", count: 71)] {
                    for kind in CapabilityKind.allCases {
                        let request = Request(
                            caller: caller, aim: .use(Capability(kind, name)),
                            facts: Facts(
                                now: [SmallWorlds.morning, SmallWorlds.evening].randomElement(using: &random)
                                    ?? SmallWorlds.morning, address: IPAddress("10.1.2.3")))
                        guard let verdict = same(request, ruleset, indexed) else { return }
                        verdicts[verdict, default: 0] += 1
                    }
                }
            }
        }
        for (verdict, least) in [(nil, 20), (.deniedByRule, 20), (.revoked, 4), (.lapsed, 4)] as [(DenyReason?, Int)] {
            #expect((verdicts[verdict] ?? 0) > least, "\(verdicts)")
        }
    }

    @Test("is dropped when the rules change")
    func change() throws {
        let everything = Rule(
            id: "finance/all", effect: .allow, capabilities: [try CapabilityPattern("*")], to: [.anyone])
        var ruleset = try SmallWorlds.ruleset([], []).indexed()
        let request = try #require(try SmallWorlds.requests().first)
        #expect(!decide(request, under: ruleset).isAllowed)
        ruleset.rules = [everything]
        #expect(decide(request, under: ruleset).isAllowed)
    }

    /// - Returns: the reason of both for a refusal, nil for an allow; nil in the place of either where they differ.
    private func same(_ request: Request, _ ruleset: Ruleset, _ indexed: Ruleset) -> DenyReason?? {
        switch (decide(request, under: ruleset), decide(request, under: indexed)) {
        case (.allow(let one), .allow(let other)):
            #expect(one == other)
            return .some(nil)
        case (.deny(let one), .deny(let other)):
            #expect(one == other, "\(request) under \(ruleset.rules)")
            return one.reason
        case (let one, let other):
            Issue.record("\(request) under \(ruleset.rules): \(one), indexed \(other)")
            return nil
        }
    }
}
