import Foundation
import Model
import Testing

@Suite struct TopologyReaderTests {
    @Test func readsEverythingThatTheDesignShows() throws {
        let reading = TopologyFixture.read([
            "a.yaml": """
            organization: corp.example
            name: Example Corp
            environment: production
            roles: { owner: [user:dana@corp.example], auditor: [group:it-audit] }
            policy:
              headers:
                response: { X-Frame-Options: DENY }
                request: { remove: [Cookie] }
              limits:
                rate: { requests: 100, per: 60s, burst: 20 }
                concurrency: 32
                sessions: 4
                requestBody: 1MiB
                responseBody: 16MiB
                timeouts: { connect: 10s, request: 30s, idle: 300s }
              stale: { after: 24h, then: readOnly, until: 72h }
            renewal: { expired: true }
            rules:
              - id: no-deletes
                deny: [tool:delete_*]
                to: [anyone]
                except: [client:finance/housekeeping]
                reason: deletions go through the change process
            """,
            "z/finance.yaml": """
            zone: finance
            description: Ledgers and payments
            region: eu-west-1
            classification: confidential
            networks: [10.20.0.0/16, 127.0.0.0/8]
            roles: { owner: [group:finance-platform], reviewer: [user:erin@corp.example] }
            spokes: { fin-1: {}, fin-2: {} }
            renewal: { expired: false }
            clients:
              housekeeping: { owner: group:finance-platform, purpose: nightly clean-up, until: 2027-06-30 }
            rules:
              - id: analysts-read
                allow: [tool:read_*, "resource:ledger://reports/**"]
                servers: [ledger, "label:tier=gold"]
                to: [group:finance-analysts, client:finance/housekeeping]
                when:
                  readOnly: true
                  networks: [10.0.0.0/8, 127.0.0.0/8]
                  hours: Mon-Fri 07:00-19:00 Europe/Berlin
                  arguments: { account: "4*", amount: "<= 1000" }
                from: 2026-01-01
                until: 2027-03-31
                reason: FIN-1234
            tests:
              - { by: client:finance/housekeeping, call: ledger tool:delete_entry, expect: deny }
            """,
            "z/servers.yaml": """
            in: finance
            servers:
              ledger:
                description: General ledger
                owner: group:finance-platform
                spokes: [fin-1, fin-2]
                endpoint: https://fin-1.finance.corp.example:9443/ledger/mcp
                labels: { tier: gold }
                policy: { limits: { rate: { requests: 60, per: 60s } } }
            """,
        ])
        #expect(reading.errors == [])
        #expect(reading.findings == [])
        let topology = reading.topology
        #expect(
            topology.organization
                == Organization(
                    domain: "corp.example", name: "Example Corp", environment: "production",
                    roles: Roles(
                        owner: [.user("dana@corp.example")], auditor: [.group("it-audit")]),
                    policy: Policy(
                        headers: Policy.Headers(
                            response: ["X-Frame-Options": "DENY"], request: Policy.RequestHeaders(remove: ["Cookie"])),
                        limits: Limits(
                            rate: Limits.Rate(requests: 100, per: .seconds(60), burst: 20), concurrency: 32,
                            sessions: 4, requestBody: ByteCount(1 << 20), responseBody: ByteCount(16 << 20),
                            timeouts: Limits.Timeouts(connect: .seconds(10), request: .seconds(30), idle: .seconds(300))
                        ),
                        stale: Staleness(after: .hours(24), then: .readOnly, until: .hours(72))),
                    renewal: RenewalTerms(expired: true),
                    place: Place(file: "a.yaml", line: 1, column: 15)))
        #expect(
            topology.zones == [
                Zone(
                    name: "finance", description: "Ledgers and payments", region: "eu-west-1",
                    classification: .confidential,
                    networks: [try Network("10.20.0.0/16"), try Network("127.0.0.0/8")],
                    roles: Roles(owner: [.group("finance-platform")], reviewer: [.user("erin@corp.example")]),
                    renewal: RenewalTerms(expired: false),
                    place: Place(file: "z/finance.yaml", line: 1, column: 7))
            ])
        #expect(topology.spokes.map(\.fullName) == ["finance/fin-1", "finance/fin-2"])
        #expect(topology.spokes.first?.place == Place(file: "z/finance.yaml", line: 7, column: 11))
        // A day ends when the next begins.
        #expect(topology.clients.map(\.until) == [Instant("2027-07-01T00:00:00Z")])
        #expect(
            topology.servers == [
                Server(
                    zone: "finance", name: "ledger", description: "General ledger", owner: .group("finance-platform"),
                    spokes: ["fin-1", "fin-2"], endpoint: "https://fin-1.finance.corp.example:9443/ledger/mcp",
                    classification: .confidential, labels: ["tier": "gold"],
                    policy: Policy(limits: Limits(rate: Limits.Rate(requests: 60, per: .seconds(60)))),
                    place: Place(file: "z/servers.yaml", line: 3, column: 3))
            ])
        #expect(
            topology.rules == [
                Rule(
                    id: "finance/analysts-read", effect: .allow,
                    capabilities: [
                        try CapabilityPattern("tool:read_*"), try CapabilityPattern("resource:ledger://reports/**"),
                    ], servers: ["ledger", "label:tier=gold"],
                    to: [.group("finance-analysts"), .client(zone: "finance", name: "housekeeping")],
                    when: Conditions(
                        readOnly: true, networks: [try Network("10.0.0.0/8"), try Network("127.0.0.0/8")],
                        hours: try Hours("Mon-Fri 07:00-19:00 Europe/Berlin"),
                        arguments: ["account": try ArgumentTest("4*"), "amount": try ArgumentTest("<= 1000")]),
                    from: Instant("2026-01-01T00:00:00Z"), until: Instant("2027-04-01T00:00:00Z"), reason: "FIN-1234",
                    place: Place(file: "z/finance.yaml", line: 12, column: 5)),
                Rule(
                    id: "no-deletes", effect: .deny, capabilities: [try CapabilityPattern("tool:delete_*")],
                    to: [.anyone], except: [.client(zone: "finance", name: "housekeeping")],
                    reason: "deletions go through the change process",
                    place: Place(file: "a.yaml", line: 19, column: 5)),
            ])
        #expect(
            reading.tests == [
                TopologyTest(
                    by: .client(zone: "finance", name: "housekeeping"), server: "finance/ledger",
                    capability: Capability(.tool, "delete_entry"), expect: .deny,
                    place: Place(file: "z/finance.yaml", line: 25, column: 5))
            ])
    }

    @Test func fiveMistakesAreFiveErrorsAtTheirPlaces() {
        let reading = TopologyFixture.read(
            TopologyFixture.base(
                organization: "nmae: Corp\n",
                finance: """
                    rules:
                      - id: read
                        allow: [tool:read_*]
                        servers: [ledgr]
                        to: [client:analytics/reporting-bott, zone:analytics]
                        until: 2027-02-30
                    tests:
                      - { by: client:analytics/reporting-bot, call: ledger tool:read_x, expect: alow }
                    """))
        #expect(
            TopologyFixture.located(reading.errors)
                == [
                    "undeclared-name finance:12:15", "undeclared-name finance:13:10", "bad-value finance:14:12",
                    "bad-value finance:16:77", "unknown-key organization:2:1",
                ])
        #expect(reading.errors.compactMap(\.hint).filter { $0.hasPrefix("did you mean") }.count == 4)
        #expect(reading.findings == [])
    }

    @Test func mistakesOfDifferentFilesAreReportedTogether() {
        var files = TopologyFixture.base(finance: "classification: internal\n")
        files["servers.yaml"] = "in: finanse\nservers: { a: { spokes: [x] }, b: { spokes: [z] } }\n"
        let reading = TopologyFixture.read(files)
        #expect(
            TopologyFixture.located(reading.errors) == ["duplicate-key finance:9:1", "undeclared-name servers:1:5"])
        #expect(reading.errors.last?.hint == "did you mean `finance`?")
    }

    @Test func aFileThatCannotBeReadDoesNotMakeItsNamesUndeclared() {
        var files = TopologyFixture.base(
            finance: "rules: [{ id: r, allow: [tool:x], to: [client:analytics/reporting-bot] }]\n")
        files["analytics.yaml"] = "zone: analytics\n  bad: [\n"
        #expect(TopologyFixture.read(files).errors.map(\.code) == ["yaml-syntax"])
        files["analytics.yaml"] = "zon: analytics\nclassification: internal\n"
        let errors = TopologyFixture.read(files).errors
        #expect(errors.map(\.code) == ["missing-key"])
        #expect(errors.first?.hint == "did you mean `zone`?")
    }

    @Test(arguments: [
        ("zone: [x]\nclassification: internal\nnetworks: []", ["wrong-type f:1:7"]),
        ("zone: x", ["missing-key f:1:1", "missing-key f:1:1"]),
        ("zone: x\nin: y\nclassification: internal\nnetworks: [10.0.0.0/8]", ["bad-value f:2:1"]),
        ("in: finance\nspokes: { x: {} }", ["unknown-key f:2:1"]),
        ("in: finance\nrules: [{ id: r, to: [anyone] }]", ["missing-key f:2:9"]),
        ("in: finance\nrules: [{ id: r, allow: [tool:x], deny: [tool:y], to: [anyone] }]", ["bad-value f:2:35"]),
        ("in: finance\nrules: [{ id: r, allow: tool:x, to: [anyone] }]", ["wrong-type f:2:25"]),
        ("in: finance\nrules: [{ id: r, allow: [], to: [anyone] }]", ["bad-value f:2:25"]),
        ("in: finance\nrules: [{ id: r, allow: [tol:x], to: [anyone] }]", ["bad-capability f:2:26"]),
        ("in: finance\nrules: [{ id: r, allow: [tool:x], to: [everyone] }]", ["bad-principal f:2:40"]),
        (
            "in: finance\nrules: [{ id: r, allow: [tool:x], to: [anyone], when: { hours: always } }]",
            ["bad-hours f:2:64"]
        ),
        (
            "in: finance\nrules: [{ id: r, allow: [tool:x], to: [anyone], when: { arguments: { a: 4 } } }]",
            ["wrong-type f:2:73"]
        ),
        (
            "in: finance\nrules: [{ id: r, allow: [tool:x], to: [anyone], when: { network: [] } }]",
            ["unknown-key f:2:57"]
        ),
        ("in: finance\nservers: { s: { spokes: [fin-1], endpoint: \"http://x/\" } }", ["bad-value f:2:44"]),
        ("in: finance\nservers: { s: { spokes: [fin-1], endpoint: \"https://u@x/\" } }", ["bad-value f:2:44"]),
        ("in: finance\nservers: { s: [fin-1] }", ["wrong-type f:2:15"]),
        ("in: finance\nservers: { s: { spokes: [fin-1], classification: secret } }", ["bad-value f:2:50"]),
        ("in: finance\nservers: { s: { spokes: [fin-1], labels: { Tier: gold } } }", ["bad-value f:2:44"]),
        ("in: finance\ntests: [{ by: anyone, call: ledger, expect: allow }]", ["bad-value f:2:29"]),
        ("in: finance\ntests: [{ by: user:a@b, call: ledger tol:x, expect: allow }]", ["bad-capability f:2:31"]),
        (
            "in: finance\nservers: { s: { spokes: [fin-1], policy: { stale: { after: 1h, then: allow } } } }",
            ["bad-value f:2:70"]
        ),
        (
            "in: finance\nservers: { s: { spokes: [fin-1], policy: { limits: { rate: { requests: 0, per: 1s } } } } }",
            ["bad-value f:2:72"]
        ),
        (
            "in: finance\nservers: { s: { spokes: [fin-1], policy: { headers: { response: { Mcp-Session-Id: x } } } } }",
            ["bad-value f:2:67"]
        ),
        (
            "in: finance\nservers: { s: { spokes: [fin-1], policy: { headers: { response: { X-A: \"a\\nb\" } } } } }",
            ["bad-value f:2:72"]
        ),
        (
            "in: finance\nservers: { s: { spokes: [fin-1], policy: { headers: { request: { remove: [Content-Length] } } } } }",
            ["bad-value f:2:75"]
        ),
        // What cannot be read does not hide the names beside it.
        (
            "in: finance\nrules: [{ id: r, allow: tool:x, to: [zone:nowhere] }]",
            ["wrong-type f:2:25", "undeclared-name f:2:38"]
        ),
        (
            "in: finance\ntests: [{ by: zone:analytics, call: none tool:x, expect: no }]",
            ["bad-value f:2:15", "undeclared-name f:2:37", "wrong-type f:2:58"]
        ),
        ("organization: other.example", ["duplicate-name organization:1:15"]),
        ("[a]", ["wrong-type f:1:1"]),
        ("# nothing", ["wrong-type f:1:1"]),
    ])
    func refuses(_ text: String, _ expected: [String]) {
        var files = TopologyFixture.base()
        files["f.yaml"] = text + "\n"
        #expect(TopologyFixture.located(TopologyFixture.read(files).errors) == expected)
    }

    /// Every line left out, and every value replaced by one of another type: errors or none, but no crash and no error
    /// without a place.
    @Test func everyDamageIsReportedSomewhere() {
        let rules = """
            rules:
              - id: r
                allow: ["tool:x"]
                to: [client:analytics/reporting-bot]
                when: { networks: [10.0.0.0/8], arguments: { a: "<= 1" } }
            tests:
              - { by: client:analytics/reporting-bot, call: ledger tool:x, arguments: { a: 1 }, expect: allow }
            """
        let lines = (TopologyFixture.finance + rules).split(separator: "\n").map(String.init)
        var refused = 0
        for index in lines.indices {
            for damage in ["", "[]", "{}", "7", "text", "~", "[{}]", "{ a: [] }"] {
                var damaged = lines
                let key = lines[index].prefix { $0 != ":" }
                damaged[index] = damage.isEmpty ? "" : "\(key): \(damage)"
                var files = TopologyFixture.base()
                files["finance.yaml"] = damaged.joined(separator: "\n")
                let errors = TopologyFixture.read(files).errors
                #expect(errors.allSatisfy { $0.place != nil })
                refused += errors.isEmpty ? 0 : 1
            }
        }
        // Some damage is harmless (no tests, no labels), most is not.
        #expect(refused > lines.count * 5)
    }

    @Test func aTopologyNeedsItsOrganization() {
        let errors = TopologyFixture.read(["a.yaml": TopologyFixture.analytics]).errors
        #expect(errors.map(\.code).contains("missing-key"))
    }

    @Test func aServerHasItsZonesClassificationUnlessItSays() {
        let servers = TopologyFixture.read(TopologyFixture.base()).topology.servers
        #expect(servers.map(\.classification) == [.internal, .confidential])
    }
}
