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

    @Test("a changed condition shows as one access lost and another gained")
    func condition() throws {
        let before = try topology()
        var after = before
        after.rules[0].when = Conditions(readOnly: true)
        let plan = try planTopology(from: before, to: after, masks: [], now: now)
        #expect(plan.access.map(\.direction) == [.gains, .loses])
        #expect(plan.access[0].conditions == ["read-only tools"])
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

    @Test("removing a zone, or several of many, needs a word of its own")
    func removals() throws {
        let before = try topology()
        var after = before
        after.zones = []
        #expect(try planTopology(from: before, to: after, masks: [], now: now).removals.count == 1)
        after = before
        after.servers = []
        #expect(try planTopology(from: before, to: after, masks: [], now: now).removals.isEmpty)
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
