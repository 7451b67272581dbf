import Foundation
import Model
import TestSupport
import Testing

@Suite("decide")
struct DecideTests {
    @Test("agrees with the oracle on enumerated small worlds", arguments: 0..<8)
    func oracle(part: Int) throws {
        let oracle = Oracle()
        let rules = try SmallWorlds.rules()
        let masks = try SmallWorlds.masks()
        let requests = try SmallWorlds.requests()
        let wanted = (isLong ? 1_000_000 : 100_000) / 8
        var random = Seeded(state: UInt64(42 + part))
        var decisions = 0
        var allowed = 0
        var observed = 0
        var world = part
        while decisions < wanted {
            // Every rule comes first in turn; three more are drawn beside it.
            world += 8
            let rules = [rules[world % rules.count]] + (0..<3).compactMap { _ in rules.randomElement(using: &random) }
            var ruleset = try SmallWorlds.layered(
                rules, masks.randomElement(using: &random) ?? [], using: &random)
            if world / 8 % 3 == 0 { ruleset.observedUntil = SmallWorlds.evening }
            for request in requests {
                let expected = oracle.verdict(request, under: ruleset)
                let decision = decide(request, under: ruleset)
                if decision.verdict != expected {
                    Issue.record("\(ruleset) \(request): the oracle says \(expected), decide says \(decision)")
                    return
                }
                decisions += 1
                if expected == .allow { allowed += 1 }
                if expected == .wouldDeny { observed += 1 }
            }
        }
        // A world in which nearly everything is denied would prove little.
        #expect(allowed > decisions / 50 && allowed < decisions / 2, "\(allowed) of \(decisions)")
        #expect(observed > 0, "\(observed) of \(decisions)")
    }

    @Test("what runs is listed; what is listed is refused only by an argument condition")
    func listingLaw() throws {
        let rules = try SmallWorlds.rules()
        let masks = try SmallWorlds.masks()
        let requests = try SmallWorlds.requests()
        var random = Seeded(state: 7)
        var listed = 0
        var refusedByArguments = 0
        for _ in 0..<(isLong ? 2_000 : 200) {
            let world = (0..<4).compactMap { _ in rules.randomElement(using: &random) }
            let ruleset = try SmallWorlds.layered(
                world, masks.randomElement(using: &random) ?? [], using: &random)
            var withoutArguments = ruleset
            withoutArguments.rules = ruleset.rules.withoutArguments
            withoutArguments.ceiling = ruleset.ceiling.withoutArguments
            for request in requests {
                guard case .use(let capability) = request.aim, capability.kind == .tool else { continue }
                var listing = request
                listing.facts.arguments = .unbound
                let isListed = decide(listing, under: ruleset).isAllowed
                let runs = decide(request, under: ruleset).isAllowed
                var reach = request
                reach.aim = .reach
                reach.facts.readOnly = nil
                reach.facts.arguments = .none
                if runs {
                    #expect(isListed, "\(request) runs under \(world.map(\.id)) and is not listed")
                    #expect(decide(reach, under: ruleset).isAllowed, "\(request) runs and the server cannot be reached")
                }
                if isListed { listed += 1 }
                if isListed, !runs {
                    refusedByArguments += 1
                    #expect(decide(request, under: withoutArguments).isAllowed, "\(request) under \(world.map(\.id))")
                }
            }
        }
        #expect(listed > 1000 && refusedByArguments > 100)
    }

    @Test("nothing is allowed where no rule speaks, without a caller, from nowhere, or when stale")
    func empty() throws {
        let everything = Rule(
            id: "all", effect: .allow, capabilities: [try CapabilityPattern("*")], to: [.anyone])
        let open = try SmallWorlds.ruleset([everything], [])
        let request = try #require(try SmallWorlds.requests().first)
        #expect(decide(request, under: open).isAllowed)
        #expect(reason(request, try SmallWorlds.ruleset([], [])) == .noRule)
        var other = request
        other.caller = Caller()
        #expect(reason(other, open) == .noRule)
        other = request
        other.facts.address = nil
        #expect(reason(other, open) == .network)
        other.facts.address = IPAddress("192.168.0.1")
        #expect(reason(other, open) == .network)
        other = request
        other.facts.freshness = .expired
        #expect(reason(other, open) == .stale)
    }

    @Test("a rule that ended is named to those whom it was for, or may have been")
    func ended() throws {
        let requests = try SmallWorlds.requests()
        let request = try #require(requests.first { $0.facts.now == SmallWorlds.evening })
        for (to, except, expected) in [
            ("client:analytics/bot", nil, .expired), ("zone:analytics", nil, .expired), ("anyone", nil, .expired),
            ("client:finance/housekeeping", nil, .noRule), ("group:analysts", nil, .noRule),
            ("anyone", "client:analytics/bot", .noRule),
        ] as [(String, String?, DenyReason)] {
            var rule = Rule(
                id: "a", effect: .allow, capabilities: [try CapabilityPattern("*")], to: [try Principal(to)],
                except: try except.map { [try Principal($0)] }, until: SmallWorlds.evening)
            let ruleset = try SmallWorlds.ruleset([rule], [])
            #expect(reason(request, ruleset) == expected && reason(request, ruleset.indexed()) == expected, "\(to)")
            // One that denies is over for everybody.
            rule.effect = .deny
            let open = Rule(id: "b", effect: .allow, capabilities: rule.capabilities, to: [.anyone])
            #expect(decide(request, under: try SmallWorlds.ruleset([rule, open], [])).isAllowed)
        }
        // Somebody whose groups are not known may be of any.
        let unknown = try #require(
            requests.first { $0.facts.now == SmallWorlds.evening && $0.caller.user?.subject == "2" })
        let group = Rule(
            id: "a", effect: .allow, capabilities: [try CapabilityPattern("*")], to: [.group("analysts")],
            until: SmallWorlds.evening)
        #expect(reason(unknown, try SmallWorlds.ruleset([group], [])) == .expired)
    }

    @Test("a template is shown where an allow could match one of its expansions, hidden where a deny matches all")
    func templates() throws {
        let request = try #require(try SmallWorlds.requests().first)
        let rows: [(allow: String, deny: String, template: String, shown: Bool)] = [
            ("resource:ledger://reports/*", "tool:x", "ledger://reports/{id}", true),
            ("resource:ledger://reports/2026", "tool:x", "ledger://reports/{id}", true),
            ("resource:ledger://reports/a/b", "tool:x", "ledger://reports/{id}", false),
            ("resource:ledger://reports/a/b", "tool:x", "ledger://reports/{+id}", true),
            ("resource:other://**", "tool:x", "ledger://reports/{id}", false),
            ("*", "resource:ledger://reports/*", "ledger://reports/{id}", false),
            ("*", "resource:ledger://reports/2026", "ledger://reports/{id}", true),
            ("*", "resource:ledger://reports/*", "ledger://reports/{+id}", true),
            ("*", "resource:ledger://**", "ledger://reports/{+id}", false),
        ]
        for row in rows {
            let rules = [
                Rule(id: "a", effect: .allow, capabilities: [try CapabilityPattern(row.allow)], to: [.anyone]),
                Rule(id: "d", effect: .deny, capabilities: [try CapabilityPattern(row.deny)], to: [.anyone]),
            ]
            var listing = request
            listing.aim = .template(row.template)
            #expect(decide(listing, under: try SmallWorlds.ruleset(rules, [])).isAllowed == row.shown, "\(row)")
        }
    }

    @Test("completing a template needs an allow of all its expansions and no deny of any")
    func completions() throws {
        let request = try #require(try SmallWorlds.requests().first)
        let rows: [(allow: String, deny: String, template: String, completes: Bool)] = [
            ("resource:ledger://reports/**", "resource:ledger://hr/**", "ledger://reports/{id}", true),
            ("resource:ledger://reports/**", "resource:ledger://hr/**", "ledger://{dept}/{name}", false),
            ("*", "resource:ledger://hr/**", "ledger://{dept}/{name}", false),
            ("*", "resource:ledger://hr/**", "{+x}", false),
            ("*", "resource:ledger://hr/**", "ledger://reports/{name}", true),
        ]
        for row in rows {
            let rules = [
                Rule(id: "a", effect: .allow, capabilities: [try CapabilityPattern(row.allow)], to: [.anyone]),
                Rule(id: "d", effect: .deny, capabilities: [try CapabilityPattern(row.deny)], to: [.anyone]),
            ]
            var completing = request
            completing.aim = .completion(row.template)
            #expect(decide(completing, under: try SmallWorlds.ruleset(rules, [])).isAllowed == row.completes, "\(row)")
        }
    }

    @Test("a deny on an argument is not walked around by another type of value")
    func argumentTypes() throws {
        var request = try #require(try SmallWorlds.requests().first)
        let rules = [
            Rule(
                id: "d", effect: .deny, capabilities: [try CapabilityPattern("tool:*")], to: [.anyone],
                when: Conditions(arguments: ["amount": try ArgumentTest("> 1000")])),
            Rule(id: "a", effect: .allow, capabilities: [try CapabilityPattern("tool:*")], to: [.anyone]),
        ]
        for (value, allowed) in [
            (5000, false), ("5000", false), ([5000], false), (true, false), (nil, false), (10, true),
        ] as [(JSON, Bool)] {
            request.facts.arguments = .given(["amount": value])
            #expect(decide(request, under: try SmallWorlds.ruleset(rules, [])).isAllowed == allowed, "\(value)")
        }
    }

    @Test("a condition that fails decides, also after one that cannot be judged")
    func failingAfterMissing() throws {
        var request = try #require(try SmallWorlds.requests().first)
        request.facts.readOnly = nil
        let failing = [
            Conditions(readOnly: true, networks: [try Network("192.0.2.0/24")]),
            Conditions(readOnly: true, environment: ["staging"]),
            Conditions(readOnly: true, arguments: ["account": try ArgumentTest("x*")]),
            Conditions(arguments: ["aaa": try ArgumentTest("*"), "account": try ArgumentTest("x*")]),
        ]
        let missing = [
            Conditions(readOnly: true), Conditions(readOnly: true, networks: [try Network("10.0.0.0/8")]),
            Conditions(arguments: ["aaa": try ArgumentTest("*"), "account": try ArgumentTest("4*")]),
        ]
        let allow = Rule(id: "a", effect: .allow, capabilities: [try CapabilityPattern("*")], to: [.anyone])
        for (conditions, reason) in failing.map({ ($0, DenyReason?.none) }) + missing.map({ ($0, .deniedByRule) }) {
            var deny = allow
            deny.id = "d"
            deny.effect = .deny
            deny.when = conditions
            #expect(self.reason(request, try SmallWorlds.ruleset([allow, deny], [])) == reason, "\(conditions)")
            var only = allow
            only.when = conditions
            let refused: DenyReason = reason == nil ? .conditionFailed : .missingFact
            #expect(self.reason(request, try SmallWorlds.ruleset([only], [])) == refused, "\(conditions)")
        }
    }

    @Test("a wholly revoked grant lists no template")
    func revokedTemplate() throws {
        let bot = try Principal("client:analytics/bot")
        let rules = [
            Rule(
                id: "r", effect: .allow, capabilities: [try CapabilityPattern("resource:ledger://reports/**")],
                to: [bot])
        ]
        let mask = Mask(
            id: "rv-1", principal: bot, server: SmallWorlds.server, capabilities: rules[0].capabilities,
            at: SmallWorlds.morning, cause: .revoked)
        var listing = try #require(try SmallWorlds.requests().first)
        listing.aim = .template("ledger://{dept}/{name}")
        #expect(decide(listing, under: try SmallWorlds.ruleset(rules, [])).isAllowed)
        #expect(!decide(listing, under: try SmallWorlds.ruleset(rules, [mask])).isAllowed)
    }

    @Test("a revocation removes exactly its grant")
    func revocation() throws {
        let bot = try Principal("client:analytics/bot")
        let rules = [
            Rule(id: "finance/a", effect: .allow, capabilities: [try CapabilityPattern("tool:*")], to: [bot]),
            Rule(
                id: "finance/b", effect: .allow, capabilities: [try CapabilityPattern("*")],
                to: [try Principal("zone:analytics")]),
        ]
        let mask = Mask(
            id: "rv-1", principal: bot, server: SmallWorlds.server, capabilities: [try CapabilityPattern("tool:*")],
            at: SmallWorlds.morning, cause: .revoked)
        let request = try #require(try SmallWorlds.requests().first)
        #expect(decide(request, under: try SmallWorlds.ruleset([rules[0]], [])).isAllowed)
        #expect(reason(request, try SmallWorlds.ruleset([rules[0]], [mask])) == .revoked)
        // The other grant stands on its own.
        #expect(decide(request, under: try SmallWorlds.ruleset(rules, [mask])).isAllowed)
        var earlier = mask
        earlier.at = SmallWorlds.morning + .seconds(1)
        #expect(decide(request, under: try SmallWorlds.ruleset([rules[0]], [earlier])).isAllowed)
        var elsewhere = mask
        elsewhere.server = "finance/other"
        #expect(decide(request, under: try SmallWorlds.ruleset([rules[0]], [elsewhere])).isAllowed)
    }

    private func reason(_ request: Request, _ ruleset: Ruleset) -> DenyReason? {
        if case .deny(let denial) = decide(request, under: ruleset) { denial.reason } else { nil }
    }
}

extension [Rule] {
    /// As though every argument condition held of an allow, and none of a deny.
    fileprivate var withoutArguments: [Rule] {
        filter { $0.effect == .allow || $0.when?.arguments == nil }.map { rule in
            var rule = rule
            rule.when?.arguments = nil
            return rule
        }
    }
}

extension Decision {
    /// In the oracle's words.
    var verdict: Oracle.Verdict {
        switch self {
        case .deny: .deny
        case .allow(let permit): permit.wouldDeny == nil ? .allow : .wouldDeny
        }
    }
}
