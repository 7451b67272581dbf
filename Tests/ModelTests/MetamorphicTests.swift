import Model
import TestSupport
import Testing

/// What must hold between two worlds that differ in one thing.
@Suite("decide, when one thing changes")
struct MetamorphicTests {
    private struct World {
        var ruleset: Ruleset
        var random: Seeded
    }

    private static let worlds = isLong ? 300 : 60

    /// Random worlds, each with a generator of its own for what is changed in it.
    private func worlds(_ seed: UInt64, _ body: (inout World, [Rule], [Request]) throws -> Void) throws {
        let rules = try SmallWorlds.rules()
        let masks = try SmallWorlds.masks()
        let requests = try SmallWorlds.requests()
        var random = Seeded(state: seed)
        for _ in 0..<Self.worlds {
            let chosen = (0..<4).compactMap { _ in rules.randomElement(using: &random) }
            let ruleset = try SmallWorlds.layered(
                chosen, masks.randomElement(using: &random) ?? [], using: &random)
            var world = World(ruleset: ruleset, random: Seeded(state: random.next()))
            try body(&world, rules, requests)
        }
    }

    /// That nothing is allowed, or passed, in the second world that was not in the first.
    private func expectNoMore(_ before: Ruleset, _ after: Ruleset, _ requests: [Request]) -> Int {
        var less = 0
        for request in requests {
            let one = decide(request, under: before).verdict.rawValue
            let other = decide(request, under: after).verdict.rawValue
            #expect(other <= one, "\(request)\nbefore \(before)\nafter \(after)")
            if other < one { less += 1 }
        }
        return less
    }

    @Test("one more deny never allows more")
    func deny() throws {
        var less = 0
        try worlds(1) { world, rules, requests in
            var after = world.ruleset
            let denies = rules.filter { $0.effect == .deny }
            guard let deny = denies.randomElement(using: &world.random) else { return }
            after.rules.insert(deny, at: Int.random(in: 0...after.rules.count, using: &world.random))
            less += expectNoMore(world.ruleset, after, requests)
        }
        #expect(less > 100)
    }

    @Test("one more layer never allows more: a ceiling, a rule of it, callers' zones, an end of observing")
    func layers() throws {
        var less = 0
        try worlds(2) { world, rules, requests in
            var bare = world.ruleset
            bare.ceiling = []
            bare.callers = nil
            for ceiling in try SmallWorlds.ceilings() {
                var after = bare
                after.ceiling = ceiling
                less += expectNoMore(bare, after, requests)
                let denies = ceiling.filter { $0.effect == .deny }
                after.ceiling = denies
                var both = after
                both.ceiling = ceiling
                less += expectNoMore(after, both, requests)
            }
            var enclosed = bare
            enclosed.callers = ["analytics.corp.example", "partner.example"]
            less += expectNoMore(bare, enclosed, requests)
            enclosed.callers = ["partner.example"]
            less += expectNoMore(bare, enclosed, requests)
            var observing = bare
            observing.observedUntil = SmallWorlds.evening + .hours(1)
            less += expectNoMore(observing, bare, requests)
            var enforcing = bare
            enforcing.pinning = enforcing.pinning.map {
                Pinning(mode: .enforce, approved: Array($0.approved.values.joined()))
            }
            if enforcing.pinning != nil, world.ruleset.pinning?.mode == .report {
                less += expectNoMore(bare, enforcing, requests)
            }
        }
        #expect(less > 1000)
    }

    @Test("the order of rules changes no verdict and no limit")
    func order() throws {
        var limited = 0
        try worlds(3) { world, _, requests in
            var after = world.ruleset
            after.rules.shuffle(using: &world.random)
            after.ceiling.shuffle(using: &world.random)
            for request in requests {
                let (one, other) = (decide(request, under: world.ruleset), decide(request, under: after))
                #expect(one.verdict == other.verdict, "\(request) under \(world.ruleset)")
                if case .allow(let first) = one, case .allow(let second) = other {
                    #expect(Set(first.limits) == Set(second.limits))
                    if !first.limits.isEmpty { limited += 1 }
                }
            }
        }
        #expect(limited > 100)
    }

    @Test("names of rules and zones mean nothing")
    func renaming() throws {
        try worlds(4) { world, _, requests in
            func text(_ text: String) -> String { text.replacing("analytics", with: "research") }
            func renamed(_ rules: [Rule]) throws -> [Rule] {
                try rules.map { rule in
                    var rule = rule
                    let parts = rule.id.split(separator: "/")
                    rule.id = parts.count == 2 ? "finance/x-\(parts[1])" : "x-\(rule.id)"
                    rule.to = try rule.to.map { try Principal(text($0.description)) }
                    return rule
                }
            }
            var after = world.ruleset
            after.rules = try renamed(after.rules)
            after.ceiling = try renamed(after.ceiling)
            after.callers = after.callers?.map(text)
            after.masks = try after.masks.map { mask in
                var mask = mask
                mask.principal = try Principal(text(mask.principal.description))
                return mask
            }
            after.surroundings = Surroundings(
                environment: after.surroundings.environment, classification: after.surroundings.classification,
                zones: after.surroundings.zones.values.map {
                    ZoneFacts(name: text($0.name), region: $0.region, classification: $0.classification)
                })
            for request in requests {
                var other = request
                other.caller.workload = try request.caller.workload.map { try SPIFFEID(text($0.description)) }
                // The group `analysts` keeps its name: only zones are renamed.
                #expect(
                    decide(request, under: world.ruleset).verdict == decide(other, under: after).verdict,
                    "\(request) under \(world.ruleset)")
            }
        }
    }

    @Test("a revocation takes exactly its grant")
    func revocation() throws {
        var taken = 0
        let principals = try [
            "client:analytics/bot", "zone:analytics", "group:analysts", "anyone", "user:ana@corp.example",
        ].map { try Principal($0) }
        try worlds(5) { world, _, requests in
            var before = world.ruleset
            before.observedUntil = nil
            guard let principal = principals.randomElement(using: &world.random) else { return }
            let capabilities = [
                try CapabilityPattern(["tool:*", "*", "tool:read_*"].randomElement(using: &world.random) ?? "*")
            ]
            var after = before
            after.masks.append(
                Mask(
                    id: "rv-9", principal: principal, server: before.server, capabilities: capabilities,
                    at: Instant(milliseconds: 0), cause: .revoked))
            // The rules as they would be had the grants never been written.
            for request in requests {
                let (one, other) = (decide(request, under: before), decide(request, under: after))
                guard case .allow(let permit) = one else {
                    #expect(!other.isAllowed)
                    continue
                }
                let concerns = request.aim.subject.map { subject in capabilities.contains { $0.matches(subject) } }
                if case .deny(let denial) = other {
                    taken += 1
                    #expect(denial.reason == .revoked || denial.reason == .lapsed)
                    #expect(permit.principals.contains(principal) && concerns == true)
                } else if case .allow(let rest) = other, concerns == true {
                    #expect(!rest.principals.contains(principal), "\(request) under \(after)")
                    #expect(Set(rest.limits) == Set(permit.limits), "a revocation lifts no limit")
                }
            }
        }
        #expect(taken > 50)
    }
}
