import AdminCLI
import Foundation
import Model
import TestSupport
import Testing
import YAMLFile

/// What is exported and read again is the same topology, with every part of the language in it.
@Suite struct TopologyFilesTests {
    private static let organization = """
        organization: corp.example
        environment: production
        policy: { tools: { pin: enforce } }
        sets:
          principals: { bots: ["client:finance/bot", "group:2026-01-31"] }
          capabilities: { reading: ["tool:read_*", "resource:ledger://**"] }
        rules:
          - id: no-secrets
            deny: ["resource:**/secrets/**"]
            to: [anyone]
            when: { environment: [production, staging], sameRegion: false, clearance: true }
        """
    private static let zone = """
        zone: finance
        region: "on"
        classification: confidential
        networks: [10.20.0.0/16]
        callers: [finance, "domain:billing.partner.example"]
        spokes: { fin-1: {} }
        clients: { bot: { purpose: "2026-01-31" } }
        servers:
          ledger:
            spokes: [fin-1]
            enforcement: { mode: observe, until: 2026-12-31, reason: "no" }
        rules:
          - id: read
            allow: ["set:reading"]
            to: ["set:bots"]
            limits: { rate: { requests: 5, per: 1m }, concurrency: 1, requestBody: 4KiB, timeouts: { request: 5s } }
            when:
              hours: Mon-Fri 07:00-19:00 Europe/Berlin
              arguments:
                "/payment/currency": [EUR, "no", 7, true]
                amount: "> 0, <= 1000"
                memo: { present: false }
                account: "4*"
        """

    private let now = Instant("2026-11-21T12:00:00Z") ?? Instant(milliseconds: 0)

    private func read(_ files: [(String, String)]) -> TopologyReading {
        let problems = Problems()
        return TopologyReader.read(
            files.map { ($0.0, YAMLFile.parse(Array($0.1.utf8), file: $0.0, problems: problems)) }, problems: problems,
            now: now)
    }

    @Test func everyPartOfTheLanguageComesBack() throws {
        let reading = read([("organization.yaml", Self.organization), ("zone.yaml", Self.zone)])
        #expect(reading.errors == [])
        let topology = reading.topology
        let again = read(topologyFiles(topology).map { ($0.name, yamlText($0.content, keepsOrder: true)) })
        #expect(again.errors == [])
        let plan = try planTopology(from: topology, to: again.topology, masks: [], now: now)
        #expect(plan.changes.allSatisfy { $0.action == .move }, "\(plan.changes)")
        #expect(again.topology.rules.first { $0.zone != nil }?.when?.arguments?.count == 4)
        #expect(again.topology.servers.first?.enforcement == topology.servers.first?.enforcement)
    }

    @Test func eachEnvironmentIsCheckedAndTheContextsOwnIsTaken() throws {
        let directory = try TemporaryDirectory()
        try directory.write("t/production.yaml", Self.organization)
        try directory.write(
            "t/staging.yaml",
            "organization: staging.corp.example\nenvironment: staging\noverrides: { zones: { finanse: {} } }\n")
        try directory.write(
            "t/zone.yaml", Self.zone.replacing("set:bots", with: "anyone").replacing("set:reading", with: "*"))
        let all = try TopologyDirectory(reading: directory.file("t"), now: now)
        #expect(all.problems.map(\.code) == ["undeclared-name"])
        #expect(all.problems.first?.place?.file.hasSuffix("staging.yaml") == true)
        let own = try TopologyDirectory(reading: directory.file("t"), of: .domain("corp.example"), now: now)
        #expect(own.problems == [] && own.topology.organization.environment == "production")
        let other = try TopologyDirectory(reading: directory.file("t"), of: .domain("dev.corp.example"), now: now)
        #expect(other.problems.map(\.code) == ["other-organization"])
    }
}
