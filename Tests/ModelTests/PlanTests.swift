import Model
import Testing

@Suite("plan")
struct PlanTests {
    private func topology() throws -> Topology {
        Topology(
            organization: Organization(domain: "corp.example"),
            zones: [Zone(name: "finance", classification: .internal, networks: [try Network("127.0.0.0/8")])],
            spokes: [Spoke(zone: "finance", name: "fin-1")],
            clients: [Client(zone: "finance", name: "bot")],
            servers: [Server(zone: "finance", name: "ledger", spokes: ["fin-1"], classification: .internal)],
            rules: [
                Rule(
                    id: "finance/read", effect: .allow, capabilities: [try CapabilityPattern("tool:read_*")],
                    to: [try Principal("client:finance/bot")], place: Place(file: "a.yaml", line: 1, column: 1))
            ])
    }

    private let now = Instant(milliseconds: 1_800_000_000_000)

    @Test("a first topology adds everything; the same again changes nothing")
    func first() throws {
        let topology = try topology()
        let plan = try planTopology(from: nil, to: topology, masks: [], now: now)
        #expect(plan.changes.count == 6 && plan.changes.allSatisfy { $0.action == .add })
        #expect(plan.access.map(\.direction) == [.gains])
        #expect(try planTopology(from: topology, to: topology, masks: [], now: now).isEmpty)
        #expect(try topologyEvents(from: topology, to: topology, digest: "").isEmpty)
    }

    @Test("a wider rule says who gains what; a moved one only that it moved")
    func widened() throws {
        let before = try topology()
        var after = before
        after.rules[0].capabilities.append(try CapabilityPattern("tool:write_entry"))
        let plan = try planTopology(from: before, to: after, masks: [], now: now)
        #expect(
            plan.changes == [
                .init(action: .change, object: .init(kind: .rule, name: "finance/read"), fields: ["capabilities"])
            ])
        #expect(plan.access.map(\.grant.capabilities.description) == ["[tool:write_entry]"])
        var moved = before
        moved.rules[0].place?.line = 9
        #expect(try planTopology(from: before, to: moved, masks: [], now: now).changes.map(\.action) == [.move])
    }

    @Test("a narrower condition loses a part, a wider one gains one, each with a call that shows it")
    func condition() throws {
        let before = try topology()
        var after = before
        after.rules[0].when = Conditions(readOnly: true)
        let plan = try planTopology(from: before, to: after, masks: [], now: now)
        #expect(plan.access.map(\.direction) == [.loses])
        #expect(plan.access.first?.otherwise == ["tool:read_*", "read-only tools"])
        let back = try planTopology(from: after, to: before, masks: [], now: now)
        #expect(back.access.map(\.direction) == [.gains])
        var wide = before
        wide.zones[0].networks = [try Network("127.0.0.0/8"), try Network("10.0.0.0/8")]
        let widened = try planTopology(from: before, to: wide, masks: [], now: now)
        #expect(widened.access.map(\.direction) == [.gains])
        #expect(widened.access.first?.example?.contains(" from 10.0.0.0 ") == true)
    }

    @Test("a changed rule says which conditions, limits and times it had and has")
    func texts() throws {
        var before = try topology()
        before.rules[0].when = Conditions(networks: [try Network("10.0.0.0/8")])
        before.rules[0].limits = Limits(rate: Limits.Rate(requests: 60, per: .seconds(60)))
        var after = before
        after.rules[0].when = Conditions(readOnly: true, networks: [try Network("10.0.0.0/8")])
        after.rules[0].limits = Limits(rate: Limits.Rate(requests: 60, per: .seconds(60), burst: 5))
        after.rules[0].until = now
        let change = try #require(try planTopology(from: before, to: after, masks: [], now: now).changes.first)
        #expect(change.fields == ["limits.rate.burst", "until", "when.readOnly"])
        #expect(change.was == ["at most 60 calls in 1m"])
        #expect(
            change.now == ["read-only tools", "at most 60 calls in 1m, 5 in a burst", "until 2027-01-15T08:00:00.000Z"])
        var wider = before
        wider.rules[0].capabilities.append(try CapabilityPattern("tool:write"))
        #expect(try planTopology(from: before, to: wider, masks: [], now: now).changes.first?.was == nil)
    }

    @Test("what a host takes away is neither gained nor lost there, and the plan says whose host it is")
    func ceilings() throws {
        var before = try topology()
        before.spokes.append(Spoke(zone: "finance", name: "fin-2"))
        before.spokes.append(Spoke(zone: "finance", name: "fin-3"))
        before.servers[0].spokes = ["fin-1"]
        var after = before
        after.rules[0].capabilities.append(try CapabilityPattern("tool:write_entry"))
        let deny = Rule(
            id: "ceiling:no-writes", effect: .deny, capabilities: [try CapabilityPattern("tool:write_*")], to: [.anyone]
        )
        var ceilings = ["finance/fin-1": ReportedCeiling(Ceiling(rules: [deny]))]
        let closed = try planTopology(from: before, to: after, masks: [], ceilings: ceilings, now: now)
        #expect(closed.access == [])
        #expect(closed.ceilings == ["finance/fin-1"] && closed.untold == nil)
        // Another host, which has none, leaves it.
        after.servers[0].spokes = ["fin-1", "fin-2"]
        ceilings["finance/fin-2"] = ReportedCeiling(nil)
        let open = try planTopology(from: before, to: after, masks: [], ceilings: ceilings, now: now)
        #expect(open.access.map(\.conditions) == [["on finance/fin-2"]])
        // What moves to a host with a ceiling loses what it takes away.
        before.rules = after.rules
        before.servers[0].spokes = ["fin-2"]
        after.servers[0].spokes = ["fin-1"]
        let moved = try planTopology(from: before, to: after, masks: [], ceilings: ceilings, now: now)
        #expect(Set(moved.access.map(\.direction)) == [.loses])
        #expect(moved.access.allSatisfy { $0.grant.capabilities.map(\.description) == ["tool:write_entry"] })
        after.servers[0].spokes = ["fin-2", "fin-3"]
        #expect(
            try planTopology(from: before, to: after, masks: [], ceilings: ceilings, now: now).untold == [
                "finance/fin-3"
            ])
        #expect(try planTopology(from: before, to: after, masks: [], now: now).untold == nil)
    }

    @Test("a rule that would grant again what was revoked is a finding")
    func revoked() throws {
        let topology = try topology()
        let mask = Mask(
            id: "rv-1", principal: topology.rules[0].to[0], server: "finance/ledger",
            capabilities: topology.rules[0].capabilities, at: now, cause: .revoked)
        #expect(
            try planTopology(from: topology, to: topology, masks: [mask], now: now).findings.map(\.code)
                == ["revoked-grant"])
    }

    @Test(
        "what was revoked is found in other words too, and of whom a rule reaches with others only when it is new",
        arguments: [
            ("tool:*", "client:finance/bot", true), ("tool:read_a*", "client:finance/bot", true),
            ("tool:*_entry", "client:finance/bot", true), ("*", "client:finance/bot", true),
            ("tool:write", "client:finance/bot", false), ("prompt:*", "client:finance/bot", false),
            ("tool:read_entry", "zone:finance", true), ("tool:*", "anyone", true), ("tool:write", "anyone", false),
            ("tool:*", "zone:other", false), ("tool:*", "group:sre", false),
        ])
    func revokedInOtherWords(capability: String, to: String, isFound: Bool) throws {
        var before = try topology()
        let mask = Mask(
            id: "rv-1", principal: before.rules[0].to[0], server: "finance/ledger",
            capabilities: before.rules[0].capabilities, at: now, cause: .revoked)
        before.rules = []
        var after = before
        after.rules = [try rule("new", .allow, capability, to: to)]
        func found(_ before: Topology, _ after: Topology, _ mask: Mask) throws -> [String] {
            try planTopology(from: before, to: after, masks: [mask], now: now).findings.map(\.code)
                .filter { $0 == "revoked-grant" }
        }
        #expect(try found(before, after, mask) == (isFound ? ["revoked-grant"] : []))
        let isNamed = to == mask.principal.description
        #expect(try found(after, after, mask) == (isFound && isNamed ? ["revoked-grant"] : []))
        var limited = after
        limited.rules[0].limits = Limits(concurrency: 1)
        #expect(try found(after, limited, mask) == (isFound && isNamed ? ["revoked-grant"] : []))
        after.rules[0].effect = .deny
        #expect(try found(before, after, mask) == [])
    }

    private func rule(
        _ id: String, _ effect: Rule.Effect, _ capability: String, to: String..., when: Conditions? = nil,
        until: Instant? = nil, limits: Limits? = nil
    ) throws -> Rule {
        Rule(
            id: "finance/\(id)", effect: effect, capabilities: [try CapabilityPattern(capability)],
            to: try to.map { try Principal($0) }, when: when, limits: limits, until: until)
    }

    @Test("a deny takes away and gives back; what others allow or deny already changes nothing")
    func denies() throws {
        let before = try topology()
        var denied = before
        denied.rules.append(try rule("no", .deny, "tool:*", to: "anyone"))
        let lost = try planTopology(from: before, to: denied, masks: [], now: now)
        #expect(lost.access.map(\.direction) == [.loses])
        #expect(lost.access.first?.grant.rule == "finance/read" && lost.access.first?.otherwise == nil)
        #expect(lost.denies.map(\.object.name) == ["finance/no"])
        #expect(try planTopology(from: denied, to: before, masks: [], now: now).access.map(\.direction) == [.gains])
        var again = before
        again.rules.append(try rule("again", .allow, "tool:read_entry", to: "client:finance/bot"))
        #expect(try planTopology(from: before, to: again, masks: [], now: now).access == [])
        var partly = before
        partly.rules.append(try rule("no", .deny, "tool:read_s*", to: "zone:finance"))
        let part = try planTopology(from: before, to: partly, masks: [], now: now)
        #expect(part.access.map(\.direction) == [.loses])
        #expect(part.access.first?.otherwise == ["tool:read_*"])
        #expect(part.access.first?.example?.hasPrefix("tool:read_s") == true)
        // What was revoked is neither lost nor gained.
        let mask = Mask(
            id: "rv-1", principal: before.rules[0].to[0], server: "finance/ledger",
            capabilities: before.rules[0].capabilities, at: now, cause: .revoked)
        #expect(try planTopology(from: before, to: denied, masks: [mask], now: now).access == [])
    }

    @Test(
        "rules that say what others say, or nothing",
        arguments: [
            ("redundant-rule", "allow tool:read_entry client:finance/bot"),
            (nil, "allow tool:write client:finance/bot"),
            ("redundant-rule", "allow tool:read_a* client:finance/bot 10"),
            (nil, "allow tool:read_entry client:finance/bot limited"),
            ("redundant-rule", "allow tool:read_* zone:finance"),
            ("shadowed-rule", "allow tool:delete_x group:analysts"), (nil, "allow tool:delete* group:analysts"),
            ("shadowed-rule", "allow tool:drop_x group:analysts 10"), (nil, "allow tool:drop_x group:analysts"),
            ("redundant-rule", "deny tool:delete_x group:analysts"), (nil, "deny tool:delete_x group:analysts until"),
            ("matches-nothing", "allow tool:pay group:analysts never"),
            ("expired-rule", "allow tool:x group:analysts ended"),
        ] as [(String?, String)])
    func findings(code: String?, text: String) throws {
        let words = text.split(separator: " ").map(String.init)
        var topology = try topology()
        topology.rules.append(try rule("a-deny", .deny, "tool:delete_*", to: "anyone", until: now + .hours(9)))
        let inside = Conditions(networks: [try Network("10.0.0.0/8")])
        topology.rules.append(try rule("b-deny", .deny, "tool:drop_*", to: "anyone", when: inside))
        let kind = words.count > 3 ? words[3] : ""
        let when: Conditions? =
            switch kind {
            case "10": inside
            case "never": Conditions(arguments: ["amount": try ArgumentTest("> 10, < 10")])
            default: nil
            }
        let until: [String: Instant] = ["until": now + .hours(10), "ended": now]
        topology.rules.append(
            try rule(
                "z", words[0] == "allow" ? .allow : .deny, words[1], to: words[2], when: when,
                until: until[kind] ?? (words[1].hasPrefix("tool:delete") ? now + .hours(8) : nil),
                limits: kind == "limited" ? Limits(concurrency: 1) : nil))
        let plan = try planTopology(from: topology, to: topology, masks: [], now: now)
        #expect(plan.findings.map(\.code) == [code].compactMap(\.self), "\(plan.findings)")
        #expect(plan.findings.allSatisfy { Plan.Finding.blocking.contains($0.code) })
    }

    @Test("removing a zone, or several of many, needs a word of its own")
    func removals() throws {
        let before = try topology()
        var after = before
        after.zones = []
        #expect(try planTopology(from: before, to: after, masks: [], now: now).removals.count == 1)
        after = before
        after.servers = []
        #expect(try planTopology(from: before, to: after, masks: [], now: now).removals.isEmpty)
        var many = before
        many.clients = (0..<30).map { Client(zone: "finance", name: "bot-\($0)") }
        for (removed, expected) in [(1, []), (3, []), (4, ["removes 4 of 30 clients"])] as [(Int, [String])] {
            after = many
            after.clients.removeFirst(removed)
            #expect(try planTopology(from: many, to: after, masks: [], now: now).removals == expected)
        }
    }

    @Test("entries set what is referred to first and remove in the other order")
    func order() throws {
        let topology = try topology()
        let events = try topologyEvents(from: nil, to: topology, digest: "sha256:00")
        #expect(events.map(\.type) == ["topology.applied"] + Array(repeating: "object.set", count: 6))
        var smaller = topology
        smaller.rules = []
        smaller.servers = []
        let removed = try topologyEvents(from: topology, to: smaller, digest: "sha256:00").dropFirst().compactMap {
            if case .objectRemoved(let name) = $0 { name.kind } else { nil }
        }
        #expect(removed == [.rule, .server])
    }
}
