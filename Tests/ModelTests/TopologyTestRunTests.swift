import Foundation
import Model
import Testing

@Suite struct TopologyTestRunTests {
    private static let rules = """
        rules:
          - { id: read, allow: ["tool:read_*"], servers: [ledger], to: [client:analytics/reporting-bot] }
          - { id: safe, allow: ["tool:*"], servers: [git], to: [group:analysts], when: { readOnly: true } }
          - { id: wild, deny: ["tool:read_secret"], to: [anyone] }
          - { id: small, allow: ["tool:pay"], to: [user:ana@corp.example], when: { arguments: { amount: "<= 10" } } }

        """

    @Test(arguments: [
        ("by: client:analytics/reporting-bot, call: ledger tool:read_entry", true),
        ("by: client:analytics/reporting-bot, call: finance/ledger tool:read_entry", true),
        ("by: client:analytics/reporting-bot, call: ledger tool:write_entry", false),
        ("by: client:analytics/reporting-bot, call: ledger tool:read_secret", false),
        ("by: client:analytics/reporting-bot, call: git tool:read_entry", false),
        ("by: client:analytics/reporting-bot, call: ledger tool:read_entry, from: 10.30.0.1", false),
        ("by: client:analytics/reporting-bot, call: ledger tool:read_entry, from: 10.20.3.4", true),
        ("by: client:finance/housekeeping, call: ledger tool:read_entry", false),
        ("by: group:analysts, call: git tool:anything", true),
        ("by: group:others, call: git tool:anything", false),
        ("by: user:ana@corp.example, call: ledger tool:pay, arguments: { amount: 10 }", true),
        ("by: user:ana@corp.example, call: ledger tool:pay, arguments: { amount: 11 }", false),
        ("by: user:ana@corp.example, call: ledger tool:pay", false),
        ("by: user:bob@corp.example, call: ledger tool:pay, arguments: { amount: 10 }", false),
    ])
    func decidesAsASpokeWould(_ call: String, _ allowed: Bool) {
        for (expect, isRight) in [("allow", allowed), ("deny", !allowed)] {
            let reading = TopologyFixture.read(
                TopologyFixture.base(finance: Self.rules + "tests: [{ \(call), expect: \(expect) }]\n"))
            #expect(reading.errors == [])
            let failures = reading.topology.run(reading.tests, now: TopologyFixture.now)
            #expect(failures.isEmpty == isRight)
            #expect(failures.allSatisfy { $0.error.code == "test-failed" && $0.error.place?.line == 14 })
        }
    }

    @Test func aTestOfNoServerFails() {
        let reading = TopologyFixture.read(TopologyFixture.base())
        let test = TopologyTest(
            by: .user("a@b"), server: "finance/none", capability: Capability(.tool, "x"), expect: .deny,
            place: Place(file: "x", line: 1, column: 1))
        #expect(reading.topology.run([test], now: TopologyFixture.now).count == 1)
    }

    /// The topology that the documentation shows must be right, and its own tests must hold.
    @Test func theExampleIsRight() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Topology/example", directoryHint: .isDirectory)
        let names = try FileManager.default.subpathsOfDirectory(atPath: root.path()).filter { $0.hasSuffix(".yaml") }
        var files: [String: String] = [:]
        for name in names { files[name] = try String(contentsOf: root.appending(path: name), encoding: .utf8) }
        let reading = TopologyFixture.read(files)
        #expect(reading.errors == [])
        #expect(reading.findings == [])
        #expect(reading.topology.servers.map(\.fullName) == ["finance/git", "finance/ledger"])
        #expect(reading.topology.servers.allSatisfy { $0.spokes == ["fin-1"] && $0.endpoint == nil })
        #expect(reading.topology.clients.map(\.fullName) == ["analytics/reporting-bot", "finance/housekeeping"])
        #expect(reading.tests.count >= 12)
        #expect(reading.topology.run(reading.tests, now: TopologyFixture.now).map { $0.error.description } == [])
    }
}
