import Model
import Testing

/// Who gains or loses what, where definitions are pinned, rules begin and end, and others say the same.
@Suite("access in a plan")
struct PlanAccessTests {
    private let now = SmallWorlds.morning
    private static let pins = [
        SmallWorlds.server: [
            ToolDefinition(name: "read_entry", digest: "sha256:aa", readOnly: true),
            ToolDefinition(name: "write_entry", digest: "sha256:bb", readOnly: nil),
        ]
    ]

    private func topology(_ rules: Rule..., pin: PinMode? = nil) throws -> Topology {
        try topology(of: rules, pin: pin)
    }

    private func topology(of rules: [Rule], pin: PinMode? = nil) throws -> Topology {
        Topology(
            organization: Organization(domain: SmallWorlds.organization),
            zones: [Zone(name: "finance", classification: .internal, networks: [try Network("10.0.0.0/8")])],
            spokes: [Spoke(zone: "finance", name: "fin-1")],
            clients: [Client(zone: "finance", name: "bot")],
            servers: [
                Server(
                    zone: "finance", name: "ledger", spokes: ["fin-1"], classification: .internal,
                    policy: pin.map { Policy(tools: Policy.ToolPolicy(pin: $0)) })
            ],
            rules: rules)
    }

    private func rule(
        _ id: String, _ effect: Rule.Effect, _ capability: String, to: String = "client:finance/bot",
        except: String? = nil, when: Conditions? = nil, from: Instant? = nil, until: Instant? = nil
    ) throws -> Rule {
        Rule(
            id: "finance/\(id)", effect: effect, capabilities: [try CapabilityPattern(capability)],
            to: [try Principal(to)], except: try except.map { [try Principal($0)] }, when: when, from: from,
            until: until)
    }

    private func access(
        _ before: Topology?, _ after: Topology, pins: [String: [ToolDefinition]] = pins
    ) throws -> [Plan.AccessChange] {
        try planTopology(from: before, to: after, masks: [], pins: pins, now: now).access
    }

    @Test("where only approved tools run, they are what is gained and lost")
    func enforced() throws {
        let (everything, bare) = (try rule("all", .allow, "tool:*"), try topology(pin: .enforce))
        let open = try topology(everything, pin: .enforce)
        #expect(try access(bare, open).map(\.direction) == [.gains])
        #expect(try access(open, bare).map(\.direction) == [.loses])
        #expect(try access(bare, open, pins: [:]) == [], "nothing was approved")
        let denied = try access(
            open, topology(everything, try rule("no", .deny, "tool:write_*", to: "anyone"), pin: .enforce))
        #expect(denied.map(\.direction) == [.loses] && denied.first?.otherwise == ["tool:*"])
        #expect(denied.first?.example?.hasPrefix("tool:write_entry ") == true)
        let unapproved = try rule("no", .deny, "tool:drop_*", to: "anyone")
        #expect(try access(open, topology(everything, unapproved, pin: .enforce)) == [], "nobody could call these")
    }

    @Test("turning pins on takes away what was not approved, and nothing else")
    func turnedOn() throws {
        for (capability, remaining) in [
            ("tool:*", ["tool:*"]), ("tool:read_entry", ["tool:read_entry"]), ("tool:x", nil),
        ] {
            let rule = try rule("r", .allow, capability)
            let lost = try access(topology(rule), topology(rule, pin: .enforce))
            #expect(lost.map(\.direction) == [.loses] && lost.first?.otherwise == remaining, "\(capability)")
        }
    }

    @Test("where definitions are reported, what the approved ones say of themselves counts")
    func reported() throws {
        let bare = try topology(pin: .report)
        let safe = Conditions(readOnly: true)
        let looking = try topology(try rule("look", .allow, "tool:*", when: safe), pin: .report)
        #expect(try access(bare, looking).map(\.direction) == [.gains])
        #expect(try access(bare, looking, pins: [:]) == [], "none is known to be read-only")
        let all = try rule("all", .allow, "tool:*")
        let unsafe = try rule("no", .deny, "tool:*", to: "anyone", when: Conditions(readOnly: false))
        let kept = try access(topology(all, pin: .report), topology(all, unsafe, pin: .report))
        #expect(kept.map(\.direction) == [.loses] && kept.first?.otherwise == ["tool:*"])
    }

    @Test("what an argument must not be leaves a gain and a loss of a part")
    func booleans() throws {
        let force = Conditions(arguments: ["force": try ArgumentTest(oneOf: [true])])
        let (push, no) = (try rule("push", .allow, "tool:push"), try rule("no", .deny, "tool:push", when: force))
        #expect(try access(topology(no), topology(no, push)).map(\.direction) == [.gains])
        let lost = try access(topology(push), topology(push, no))
        #expect(lost.map(\.direction) == [.loses] && lost.first?.otherwise == ["tool:push"])
    }

    struct Moments: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Days from now.
        var deny: (from: Int64?, until: Int64?)?
        var before: (from: Int64?, until: Int64?)?
        var after: (from: Int64?, until: Int64?)?
        var expected: [String]
    }

    @Test(
        "a difference at any moment from now on is one, and the first is shown",
        arguments: [
            Moments(
                testDescription: "a deny that begins later", deny: (200, nil), after: (nil, nil), expected: ["gains"]),
            Moments(
                testDescription: "a deny that ends", deny: (nil, 1), after: (nil, nil),
                expected: ["gains as of 2027-01-16T08:00:00.000Z"]),
            Moments(testDescription: "a deny that stays", deny: (nil, nil), after: (nil, nil), expected: []),
            Moments(
                testDescription: "a deny until the end", deny: (nil, 9), after: (nil, 9), expected: []),
            Moments(
                testDescription: "an allow that begins later", after: (2, nil),
                expected: ["gains from 2027-01-17T08:00:00.000Z"]),
            Moments(testDescription: "sooner", before: (200, nil), after: (nil, nil), expected: ["gains"]),
            Moments(
                testDescription: "longer", before: (nil, 1), after: (nil, 3),
                expected: ["gains until 2027-01-18T08:00:00.000Z; as of 2027-01-16T08:00:00.000Z"]),
            Moments(
                testDescription: "shorter", before: (nil, 3), after: (nil, 1),
                expected: ["loses until 2027-01-18T08:00:00.000Z; as of 2027-01-16T08:00:00.000Z"]),
            Moments(testDescription: "ended before", before: (nil, -1), after: nil, expected: []),
        ])
    func moments(row: Moments) throws {
        func instant(_ days: Int64?) -> Instant? { days.map { now + .hours(24 * $0) } }
        func world(_ allow: (from: Int64?, until: Int64?)?) throws -> Topology {
            var topology = try topology()
            if let deny = row.deny {
                topology.rules.append(
                    try rule(
                        "no", .deny, "tool:pay", to: "anyone", from: instant(deny.from), until: instant(deny.until)))
            }
            if let allow {
                topology.rules.append(
                    try rule("pay", .allow, "tool:pay", from: instant(allow.from), until: instant(allow.until)))
            }
            return topology
        }
        let found = try access(world(row.before), world(row.after))
        let texts = found.map { "\($0.direction.rawValue) \($0.conditions.joined(separator: "; "))" }
        #expect(texts == row.expected.map { $0.contains(" ") ? $0 : $0 + " " })
    }

    @Test(
        "a denial that spares or names some of a principal's callers shows whom",
        arguments: [
            ("group:on-call", "anyone", "group:sre", "who is also in group:sre"),
            ("group:on-call", "anyone", "user:ana@corp.example", "who is user:ana@corp.example"),
            ("anyone", "anyone", "group:sre", "who is also in group:sre"),
            ("user:ana@corp.example", "anyone", "group:sre", "who is also in group:sre"),
            ("zone:finance", "anyone", "client:finance/bot", "who is client:finance/bot"),
            ("client:finance/bot", "anyone", "zone:finance", nil),
            ("client:finance/bot", "anyone", "group:sre", "-"),
        ] as [(String, String, String, String?)])
    func besides(allowed: String, denied: String, spared: String, text: String?) throws {
        let allow = try rule("pay", .allow, "tool:pay", to: allowed)
        let (hard, soft) = try (
            rule("no", .deny, "tool:*", to: denied), rule("no", .deny, "tool:*", to: denied, except: spared)
        )
        let expected: [[String]] = text == "-" ? [] : [[text].compactMap(\.self)]
        for (before, after) in [([hard, allow], [soft, allow]), ([soft], [soft, allow])] {
            let (one, other) = try (topology(of: before), topology(of: after))
            let gained = try access(one, other)
            #expect(gained.map(\.conditions) == expected && gained.allSatisfy { $0.direction == .gains })
            let lost = try access(other, one)
            #expect(lost.map(\.conditions) == expected && lost.allSatisfy { $0.direction == .loses })
        }
        guard allowed != spared, text != "-" else { return }
        // The same of whom a denial names.
        let only = try rule("no", .deny, "tool:*", to: spared)
        let named = try access(topology(of: [allow]), topology(of: [allow, only]))
        #expect(named.map(\.conditions) == expected && named.allSatisfy { $0.direction == .loses })
    }

    /// With a condition on ten arguments: more kinds of calls than are tried.
    private func many(_ last: String) throws -> Conditions {
        let tests = try (0..<9).map { ("a\($0)", try ArgumentTest("<= 1000")) } + [("zz", try ArgumentTest(last))]
        return Conditions(arguments: Dictionary(uniqueKeysWithValues: tests))
    }

    @Test("of many arguments those that changed are varied first, and what is not tried out is said")
    func tooMany() throws {
        func world(_ last: String) throws -> Topology {
            var topology = try topology(rule("pay", .allow, "tool:pay", when: many(last)))
            topology.zones[0].networks.append(try Network("192.0.2.0/24"))
            return topology
        }
        let found = try access(world("<= 1000"), world("<= 1000000"))
        #expect(found.map(\.direction) == [.gains, .loses])
        #expect(found[0].example?.contains("zz") == true)
        let untried = "not tried out to the end: too many kinds of calls"
        #expect(!found[0].conditions.contains(untried) && found[1].conditions.last == untried)
        var limited = try world("<= 1000")
        limited.rules[0].limits = Limits(concurrency: 3)
        #expect(try access(world("<= 1000"), limited) == [], "limits are no access")
        var list = try SmallWorlds.ruleset([rule("pay", .allow, "tool:pay", when: many("<= 1000, > 1000"))], [])
        list.networks.append(try Network("192.0.2.0/24"))
        let rows = AccessList(list, at: now).rows(of: try Principal("client:finance/bot"))
        #expect(rows.map(\.conditions.last) == [untried])
    }

    @Test("a plan and a list end with their budget, and say so")
    func budget() throws {
        let after = try topology(
            rule("no", .deny, "tool:drop_*", to: "anyone"), rule("all", .allow, "tool:*"), rule("x", .allow, "prompt:*")
        )
        let plan = try planTopology(from: nil, to: after, masks: [], now: now, budget: SearchBudget(looks: 3))
        #expect(plan.changes.count == 8 && plan.findings.map(\.code).contains("not-compared"))
        #expect(plan.findings.contains { $0.message.contains("`\(SmallWorlds.server)`") })
        #expect(Plan.Finding.blocking.contains("not-compared"))
        let whole = try planTopology(from: nil, to: after, masks: [], now: now)
        #expect(!whole.findings.map(\.code).contains("not-compared") && whole.access.count == 2)
        #expect(try planObjects(from: nil, to: after).changes == whole.changes)
        let world = try SmallWorlds.ruleset(after.rules, [])
        let (some, all) = (AccessList(world, at: now, budget: SearchBudget(looks: 1)), AccessList(world, at: now))
        let bot = try Principal("client:finance/bot")
        #expect(some.rows(of: bot).map(\.rule) == all.rows(of: bot).map(\.rule))
        #expect(some.rows(of: bot).allSatisfy { $0.conditions.last?.hasPrefix("not tried out") == true })
        #expect(all.rows(of: bot).allSatisfy { $0.conditions.isEmpty })
    }

    @Test("a rule is compared with those that may say what it says, and not with every other")
    func comparisons() throws {
        var topology = try topology()
        topology.rules = try (0..<500).map {
            Rule(id: "r-\($0)", effect: .deny, capabilities: [try CapabilityPattern("tool:x\($0)")], to: [.anyone])
        }
        topology.rules.append(
            Rule(id: "r-all", effect: .deny, capabilities: [try CapabilityPattern("tool:x12*")], to: [.anyone]))
        let plan = try planTopology(
            from: topology, to: topology, masks: [], now: now, budget: SearchBudget(looks: 500 * 50 * 8))
        #expect(plan.findings.map(\.code) == Array(repeating: "redundant-rule", count: 11))
    }

    /// The law of findings: what is shadowed allows nothing.
    @Test("a rule that a deny stands before allows no call, list or task, under whatever conditions")
    func shadowed() throws {
        let rules = try SmallWorlds.rules()
        let allows = rules.filter { $0.effect == .allow }.map { rule in
            var rule = rule
            // A rule with limits is never redundant.
            rule.limits = Limits(concurrency: 1)
            return rule
        }
        let byName = Dictionary(uniqueKeysWithValues: allows.map { ($0.id, $0) })
        let requests = try SmallWorlds.requests().enumerated().filter { $0.offset % 3 == 0 }.map(\.element)
        var pairs: [(rule: Rule, deny: Rule)] = []
        for deny in rules.filter({ $0.effect == .deny }).enumerated().filter({ $0.offset % 7 == 4 }).map(\.element) {
            let topology = try topology(of: allows + [deny])
            for finding in try planTopology(from: topology, to: topology, masks: [], now: now).findings
            where finding.code == "shadowed-rule" {
                let named = finding.message.split(separator: "`").map(String.init)
                #expect(named[3] == deny.id)
                pairs.append((try #require(byName[named[1]]), deny))
            }
        }
        #expect(pairs.count { $0.deny.when == nil } > 20 && pairs.count { $0.deny.when != nil } > 20, "\(pairs.count)")
        for pair in pairs {
            let ruleset = try SmallWorlds.ruleset([pair.deny, pair.rule], [])
            for request in requests {
                var listed = request
                listed.facts.arguments = .unbound
                let isDenied = !decide(request, under: ruleset).isAllowed && !decide(listed, under: ruleset).isAllowed
                #expect(isDenied, "\(pair) \(request)")
                guard isDenied else { return }
            }
        }
    }

    /// The law of findings: what is redundant can go.
    @Test("a rule that says what another says can go, and every decision is the same")
    func redundant() throws {
        var rules = try SmallWorlds.rules()
        let everything = try CapabilityPattern("tool:*")
        for (id, readOnly) in [("a", nil), ("z", true)] {
            // What is not known to be read-only, and comes from elsewhere.
            let when = Conditions(readOnly: readOnly, networks: [try Network("10.0.0.0/9")])
            rules.append(
                Rule(id: "finance/\(id)", effect: .deny, capabilities: [everything], to: [.anyone], when: when))
        }
        var topology = try topology()
        topology.rules = rules.map { rule in
            var rule = rule
            rule.servers = nil
            return rule
        }
        let findings = try planTopology(from: topology, to: topology, masks: [], now: now).findings
        let pairs = findings.filter { $0.code == "redundant-rule" }.map { finding in
            finding.message.split(separator: "`").enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
        }
        #expect(pairs.contains { $0.first == "finance/z" } && pairs.count > 20, "\(pairs)")
        let byName = Dictionary(uniqueKeysWithValues: rules.map { ($0.id, $0) })
        let allow = Rule(
            id: "finance/zz", effect: .allow, capabilities: [try CapabilityPattern("*")], to: [.anyone])
        let requests = try SmallWorlds.requests()
        for pair in pairs {
            let (rule, other) = (try #require(byName[pair[0]]), try #require(byName[pair[1]]))
            let base = rule.effect == .deny ? [other, allow] : [other]
            let (with, without) = (try SmallWorlds.ruleset(base + [rule], []), try SmallWorlds.ruleset(base, []))
            let isSame = requests.allSatisfy {
                decide($0, under: with).isAllowed == decide($0, under: without).isAllowed
            }
            #expect(isSame, "\(pair)")
        }
    }
}
