import AdminCLI
import Foundation
import Model
import TestSupport
import Testing

@Suite struct TopologyDirectoryTests {
    private let directory: TemporaryDirectory
    private let now = Instant("2026-11-21T12:00:00Z") ?? Instant(milliseconds: 0)

    private static let organization = """
        organization: corp.example
        name: "Example: Corp"
        environment: production
        roles: { owner: [user:dana@corp.example], auditor: [group:it-audit] }
        policy:
          headers:
            response: { X-Frame-Options: DENY, Content-Security-Policy: "default-src 'none'" }
            request: { remove: [Cookie] }
          limits:
            rate: { requests: 100, per: 60s, burst: 20 }
            concurrency: 32
            sessions: 4
            requestBody: 1MiB
            timeouts: { connect: 10s, request: 30s, idle: 300s }
          stale: { after: 24h, then: readOnly, until: 72h }
          serverRequests: [elicitation, roots]
          egress: [{ tools: ["fetch*"], arguments: [url], to: ["https://*.corp.example/**"], private: allow }]
          checks: [{ check: sql, arguments: [statement], then: report }]
        renewal: { expired: true }
        rules:
          - id: no-deletes
            deny: [tool:delete_*]
            to: [anyone]
            except: [client:finance/housekeeping]
            reason: deletions go through the change process
        """
    private static let zone = """
        zone: finance
        region: eu-west-1
        renewal: { expired: false }
        classification: confidential
        networks: [10.20.0.0/16, 127.0.0.0/8]
        roles: { owner: [group:finance-platform], reviewer: [user:erin@corp.example] }
        spokes: { fin-1: {}, fin-2: {} }
        clients:
          housekeeping: { owner: group:finance-platform, purpose: nightly clean-up, until: 2027-06-30 }
        servers:
          ledger:
            owner: group:finance-platform
            spokes: [fin-1, fin-2]
            endpoint: https://fin-1.finance.corp.example:9443/ledger/mcp
            labels: { tier: gold }
            policy: { limits: { rate: { requests: 60, per: 60s } } }
        rules:
          - id: read
            allow: [tool:read_*, "resource:ledger://reports/**"]
            servers: [ledger, "label:tier=gold"]
            to: [group:finance-analysts, client:finance/housekeeping]
            when:
              readOnly: true
              networks: [10.0.0.0/8]
              hours: Mon-Fri 07:00-19:00 Europe/Berlin
              arguments: { account: "4*", amount: "<= 1000" }
            from: 2026-01-01
            until: 2027-03-31
            reason: FIN-1234
        tests:
          - by: client:finance/housekeeping
            call: ledger tool:delete_entry
            expect: deny
        """

    init() throws { directory = try TemporaryDirectory() }

    private func write(_ name: String, _ text: String) throws {
        let path = directory.file(name)
        try FileManager.default.createDirectory(
            atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    private func read(_ name: String = "topology") throws -> TopologyDirectory {
        try TopologyDirectory(reading: directory.file(name), now: now)
    }

    private func writeBoth(zone: String = Self.zone) throws {
        try write("topology/organization.yaml", Self.organization)
        try write("topology/zones/finance/zone.yaml", zone)
    }

    @Test func aSoundTopologyHasNoProblemsAndRelativePlaces() throws {
        try writeBoth()
        let topology = try read()
        #expect(topology.problems == [] && topology.testCount == 1)
        #expect(checkedLine(topology) == "2 files, 1 test: no problems")
        #expect(topology.topology.zones.first?.place?.file == "zones/finance/zone.yaml")
    }

    @Test func everyProblemIsSaidWithAPlaceThatCanBeOpened() throws {
        try writeBoth(
            zone: Self.zone.replacing("region:", with: "regoin:").replacing(
                "spokes: [fin-1, fin-2]", with: "spokes: [fin-3]"))
        #expect(checkedLine(try read()) == "2 files: 2 problems")
        let lines = try read().lines(.off)
        let file = directory.file("topology/zones/finance/zone.yaml")
        #expect(
            lines == [
                "\(file):2:1: error: a topology file has no key `regoin` (did you mean `region`?)",
                "\(file):13:14: error: spoke `fin-3` is not declared (did you mean `fin-1`?)",
            ])
    }

    @Test func aTestThatFailsIsAProblem() throws {
        try writeBoth(zone: Self.zone.replacing("expect: deny", with: "expect: allow"))
        #expect(try read().problems.map(\.code) == ["test-failed"])
    }

    @Test func otherFilesAndHiddenOnesAreNotRead() throws {
        try writeBoth()
        try write("topology/.git/x.yaml", "nonsense: 1")
        try write("topology/notes.txt", "nonsense: 1")
        try write("topology/forgotten.yml", "nonsense: 1")
        let topology = try read()
        #expect(topology.problems == [])
        #expect(topology.findings.map(\.code) == ["not-read"])
    }

    @Test(arguments: ["missing", "empty"])
    func aDirectoryWithoutFilesIsAnError(name: String) throws {
        try FileManager.default.createDirectory(atPath: directory.file("empty"), withIntermediateDirectories: true)
        #expect(throws: AdminError.self) { try read(name) }
    }

    /// What was exported and is planned again must change nothing.
    @Test func exportedFilesSayTheSameTopology() throws {
        try writeBoth()
        let topology = try read().topology
        for (name, content) in topologyFiles(topology) {
            try write("exported/\(name)", yamlText(content, keepsOrder: true))
        }
        let again = try read("exported")
        #expect(again.problems == [])
        let plan = try planTopology(from: topology, to: again.topology, masks: [], now: now)
        #expect(plan.changes.allSatisfy { $0.action == .move }, "\(plan.changes)")
        #expect(!again.topology.rules.isEmpty && again.topology.rules.map(\.id) == topology.rules.map(\.id))
    }
}
