import Foundation
import Model
import TestSupport
import Testing

@Suite("a ceiling as a spoke reports it")
struct CeilingTests {
    private func rule(_ id: String, _ effect: Rule.Effect, _ capability: String, servers: [String]? = nil) throws
        -> Rule
    {
        Rule(
            id: "ceiling:\(id)", effect: effect, capabilities: [try CapabilityPattern(capability)], servers: servers,
            to: [.anyone], reason: "the host's own", place: Place(file: "spoke.yaml", line: 7, column: 5))
    }

    @Test("places go with it, reasons stay, and what is too large is only counted")
    func bounds() throws {
        let told = ReportedCeiling(Ceiling(rules: [try rule("a", .allow, "tool:read_*")]))
        #expect(told.rules == 1 && told.isWhole)
        #expect(told.ceiling?.rules[0].place?.line == 7 && told.ceiling?.rules[0].reason == nil)
        let again = try JSONCoding.decode(ReportedCeiling.self, from: try JSONCoding.canonical(told))
        #expect(again == told)
        let many = try (0..<1000).map { try rule("a\($0)", .allow, "tool:read_*") }
        let large = ReportedCeiling(Ceiling(rules: many))
        #expect(large.rules == 1000 && large.ceiling == nil && !large.isWhole)
        let none = ReportedCeiling(nil)
        #expect(none.rules == 0 && none.isWhole && none.ceiling == nil)
    }

    @Test("a server's rules on each of its spokes, under what is known of that host")
    func placed() throws {
        let everything = Rule(
            id: "finance/all", effect: .allow, capabilities: [try CapabilityPattern("*")], to: [.anyone])
        let ruleset = Ruleset(
            organization: "corp.example", server: "finance/ledger", networks: [try Network("10.0.0.0/8")],
            rules: [everything], masks: [], revision: 1)
        let reading = Ceiling(rules: [try rule("reading", .allow, "tool:read_*", servers: ["ledger"])])
        var large = ReportedCeiling(reading)
        large.ceiling = nil
        let placed = ruleset.placed(
            on: ["fin-1", "fin-2", "fin-3", "fin-4"],
            under: [
                "finance/fin-1": ReportedCeiling(reading), "finance/fin-2": ReportedCeiling(nil),
                "finance/fin-4": large,
            ])
        #expect(placed.map(\.spoke) == ["finance/fin-1", "finance/fin-2", "finance/fin-3", "finance/fin-4"])
        #expect(placed.map(\.ceiling) == [.known, .none, .unknown, .unknown])
        let write = Request(
            caller: Caller(workload: try SPIFFEID("spiffe://a.corp.example/client/b")),
            aim: .use(Capability(.tool, "write")),
            facts: Facts(now: Instant(milliseconds: 0), address: IPAddress("10.0.0.1")))
        #expect(placed.map { decide(write, under: $0.ruleset).isAllowed } == [false, true, true, true])
        let step = explain(write, under: placed[0].ruleset).steps.first
        #expect(step?.rule == "ceiling:reading" && step?.place?.description == "spoke.yaml:7:5")
    }
}
