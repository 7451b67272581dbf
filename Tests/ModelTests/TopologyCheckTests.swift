import Model
import Testing

@Suite struct TopologyCheckTests {
    @Test func theBaseIsRight() {
        let reading = TopologyFixture.read(TopologyFixture.base())
        #expect(reading.errors == [])
        #expect(reading.findings == [])
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var organization = ""
        var finance = ""
        var analytics = ""
        var more = ""
        var expected: [String]

        var testDescription: String {
            expected.joined(separator: ", ") + ": " + organization + finance + analytics + more
        }
    }

    private static func rule(_ text: String) -> String { "rules:\n  - { id: r, \(text) }\n" }

    @Test(arguments: [
        // names
        Row(more: "in: finance\nservers: { Up: { spokes: [fin-1] } }", expected: ["bad-name more:2:12"]),
        Row(more: "in: finance\nclients: { a_b: {} }", expected: ["bad-name more:2:12"]),
        Row(more: "in: finance\nrules: [{ id: a/b, allow: [tool:x], to: [anyone] }]", expected: ["bad-name more:2:9"]),
        Row(more: "zone: Sales\nclassification: public\nnetworks: [10.0.0.0/8]", expected: ["bad-name more:1:7"]),
        Row(more: "zone: hub\nclassification: public\nnetworks: [10.0.0.0/8]", expected: ["reserved-name more:1:7"]),
        Row(more: "in: finance\nservers: { ledger: { spokes: [fin-1] } }", expected: ["duplicate-name more:2:12"]),
        Row(more: "in: analytics\nclients: { reporting-bot: {} }", expected: ["duplicate-name more:2:12"]),
        Row(
            finance: rule("allow: [tool:x], to: [anyone]"),
            more: "in: finance\n" + rule("deny: [tool:x], to: [anyone]"),
            expected: ["duplicate-name more:3:5"]),
        Row(
            more: "zone: finance\nclassification: public\nnetworks: [10.0.0.0/8]", expected: ["duplicate-name more:1:7"]
        ),
        // placement
        Row(more: "in: finance\nservers: { s: { spokes: [fin-1, fin-9] } }", expected: ["undeclared-name more:2:33"]),
        Row(more: "in: finance\nservers: { s: { spokes: [fin-1, fin-1] } }", expected: ["duplicate-name more:2:26"]),
        Row(
            more: "in: sales\nservers: { s: { spokes: [x] }, t: { spokes: [x] } }",
            expected: ["undeclared-name more:1:5"]),
        Row(
            more: "in: finance\nservers: { s: { spokes: [fin-1], classification: restricted } }",
            expected: ["above-ceiling more:2:12"]),
        // roles
        Row(
            organization: "roles: { owner: [client:analytics/reporting-bot] }", expected: ["bad-role organization:2:18"]
        ),
        Row(finance: "roles: { reviewer: [user:a@b, anyone] }", expected: ["bad-role finance:9:31"]),
        Row(
            more: "in: finance\nservers: { s: { spokes: [fin-1], owner: zone:analytics } }",
            expected: ["bad-role more:2:41"]),
        Row(more: "in: finance\nclients: { c: { owner: domain:x.example } }", expected: ["bad-role more:2:24"]),
        // principals
        Row(finance: rule("allow: [tool:x], to: [client:analytics/bot]"), expected: ["undeclared-name finance:10:36"]),
        Row(finance: rule("allow: [tool:x], to: [client:nowhere/bot]"), expected: ["undeclared-name finance:10:36"]),
        Row(finance: rule("allow: [tool:x], to: [zone:analytic]"), expected: ["undeclared-name finance:10:36"]),
        Row(
            finance: rule("deny: [tool:x], to: [anyone], except: [client:finance/housekeping]"),
            expected: ["undeclared-name finance:10:53"]),
        Row(
            finance: rule("allow: [tool:x], to: [\"domain:finance.corp.example\"]"),
            expected: ["bad-value finance:10:36"]),
        Row(
            finance: rule("allow: [tool:x], to: [\"spiffe://corp.example/**\"]"), expected: ["bad-value finance:10:36"]),
        Row(
            finance: rule("allow: [tool:x], to: [\"spiffe://*.example/client/a\"]"),
            expected: ["bad-value finance:10:36"]),
        Row(finance: rule("allow: [tool:x], to: [\"spiffe://p.example/client/*\"]"), expected: []),
        // servers of rules
        Row(
            finance: rule("allow: [tool:x], to: [anyone], servers: [ledge]"),
            expected: ["undeclared-name finance:10:55"]),
        Row(finance: rule("allow: [tool:x], to: [anyone], servers: [finance/git]"), expected: []),
        Row(organization: rule("allow: [tool:x], to: [anyone], servers: [finance/git]"), expected: []),
        Row(
            organization: rule("allow: [tool:x], to: [anyone], servers: [finance/gti]"),
            expected: ["undeclared-name organization:3:55"]),
        Row(
            finance: rule("allow: [tool:x], to: [anyone], servers: [\"label:tier\"]"),
            expected: ["bad-value finance:10:55"]),
        // periods
        Row(
            finance: rule("allow: [tool:x], to: [anyone], from: 2027-02-01, until: 2027-01-01"),
            expected: ["bad-period finance:10:5"]),
        // headers
        Row(
            organization: "policy: { headers: { response: { X-A: a } } }",
            finance: "policy: { headers: { response: { x-a: b, X-B: b } } }",
            expected: ["header-set-above finance:9:34"]),
        Row(
            finance: "policy: { headers: { response: { X-A: a } } }",
            more: "in: finance\nservers: { s: { spokes: [fin-1], policy: { headers: { response: { X-A: a } } } } }",
            expected: ["header-set-above more:2:67"]),
        Row(
            finance: "policy: { headers: { response: { X-A: a, x-a: b } } }", expected: ["duplicate-name finance:9:42"]),
        // staleness
        Row(finance: "policy: { stale: { after: 24h, then: readOnly } }", expected: ["bad-staleness finance:9:18"]),
        Row(
            finance: "policy: { stale: { after: 24h, then: readOnly, until: 1h } }",
            expected: ["bad-staleness finance:9:18"]),
        Row(
            finance: "policy: { stale: { after: 24h, then: deny, until: 48h } }",
            expected: ["bad-staleness finance:9:18"]),
        Row(finance: "policy: { stale: { after: 6d, then: deny } }", expected: ["bad-staleness finance:9:18"]),
        Row(
            finance: "policy: { stale: { after: 1d, then: readOnly, until: 121h } }",
            expected: ["bad-staleness finance:9:18"]),
        Row(finance: "policy: { stale: { after: 1d, then: readOnly, until: 5d } }", expected: []),
        // tests
        Row(
            finance: "tests: [{ by: client:analytics/reporting-bot, call: legder tool:x, expect: deny }]",
            expected: ["undeclared-name finance:9:53"]),
        Row(
            finance: "tests: [{ by: client:analytics/bot, call: ledger tool:x, expect: deny }]",
            expected: ["undeclared-name finance:9:15"]),
        Row(
            finance: "tests: [{ by: anyone, call: ledger tool:x, expect: deny }]", expected: ["bad-value finance:9:15"]),
        Row(
            organization: "tests: [{ by: \"spiffe://p.example/client/a\", call: finance/ledger tool:x, expect: deny }]",
            expected: []),
    ])
    func errors(_ row: Row) {
        var files = TopologyFixture.base(organization: row.organization, finance: row.finance, analytics: row.analytics)
        if !row.more.isEmpty { files["more.yaml"] = row.more }
        #expect(TopologyFixture.located(TopologyFixture.read(files).errors) == row.expected)
    }

    @Test(arguments: [
        Row(finance: rule("allow: [tool:x], to: [anyone], until: 2026-11-20"), expected: ["expired-rule"]),
        Row(finance: rule("allow: [tool:x], to: [anyone], until: 2026-11-21"), expected: []),
        Row(more: "in: finance\nclients: { c: { until: 2020-01-01 } }", expected: ["expired-client"]),
        Row(more: "in: finance\nservers: { s: { spokes: [] } }", expected: ["unplaced-server"]),
        Row(more: "zone: z\nclassification: public\nnetworks: []", expected: ["unreachable-zone"]),
        Row(
            finance: rule("allow: [tool:x], to: [anyone], servers: [\"label:tier=silver\"]"),
            expected: ["matches-nothing"]),
        Row(finance: rule("allow: [tool:x], to: [anyone], servers: [\"label:tier=gold\"]"), expected: []),
        Row(analytics: rule("allow: [tool:x], to: [anyone]"), expected: ["matches-nothing"]),
        Row(
            finance: rule("deny: [tool:x], to: [zone:analytics], except: [zone:analytics, user:a@b]"),
            expected: ["matches-nothing"]),
        Row(
            finance: rule("allow: [\"prompt:x\"], to: [anyone], when: { readOnly: true }"),
            expected: ["matches-nothing"]),
        Row(finance: rule("allow: [tool:x], to: [anyone], when: { readOnly: true }"), expected: []),
        Row(
            finance: rule("allow: [\"resource:x://y\"], to: [anyone], when: { arguments: { a: b } }"),
            expected: ["matches-nothing"]),
        Row(
            finance: rule("allow: [tool:x], to: [anyone], when: { networks: [10.30.0.0/16] }"),
            expected: ["matches-nothing"]),
        Row(finance: rule("allow: [tool:x], to: [anyone], when: { networks: [10.0.0.0/8] }"), expected: []),
    ])
    func findings(_ row: Row) {
        var files = TopologyFixture.base(organization: row.organization, finance: row.finance, analytics: row.analytics)
        if !row.more.isEmpty { files["more.yaml"] = row.more }
        let reading = TopologyFixture.read(files)
        #expect(reading.errors == [])
        #expect(reading.findings.map(\.code) == row.expected)
        #expect(reading.findings.allSatisfy { $0.place != nil })
    }

    @Test func aTopologyFromTheWireIsCheckedWithoutItsFiles() {
        let topology = Topology(
            organization: Organization(domain: "corp.example"),
            zones: [Zone(name: "hub", classification: .public, networks: [])],
            servers: [Server(zone: "hub", name: "s", spokes: ["none"], classification: .restricted)],
            rules: [Rule(id: "hub/r", effect: .allow, capabilities: [], to: [])])
        var check = TopologyCheck(topology, now: TopologyFixture.now)
        check.run()
        #expect(check.errors.map(\.code) == ["reserved-name", "above-ceiling", "undeclared-name", "bad-value"])
        #expect(check.errors.allSatisfy { $0.place == nil })
    }

    /// What the reader of the files never lets through: a topology over the API is held to it as well.
    @Test(arguments: [
        Policy(limits: Limits(rate: Limits.Rate(requests: 0, per: .seconds(1)))),
        Policy(limits: Limits(rate: Limits.Rate(requests: 1, per: Milliseconds(0)))),
        Policy(limits: Limits(rate: Limits.Rate(requests: 1, per: Milliseconds(.max)))),
        Policy(limits: Limits(rate: Limits.Rate(requests: 1, per: .seconds(1), burst: -1))),
        Policy(limits: Limits(concurrency: 0)),
        Policy(limits: Limits(sessions: 65)),
        Policy(limits: Limits(timeouts: Limits.Timeouts(idle: Milliseconds(0)))),
        Policy(egress: [Egress(tools: [""], arguments: ["url"], to: ["https://a.example/**"])]),
        Policy(egress: [Egress(tools: [], arguments: ["url"], to: ["https://a.example/**"])]),
        Policy(egress: [Egress(arguments: [], to: ["https://a.example/**"])]),
        Policy(egress: [Egress(arguments: [""], to: ["https://a.example/**"])]),
        Policy(egress: [Egress(arguments: ["url"], to: [])]),
        Policy(egress: [Egress(arguments: ["url"], to: ["a.example"])]),
        Policy(checks: [ArgumentCheck(.sql, tools: [""], arguments: ["q"], then: .refuse)]),
        Policy(checks: [ArgumentCheck(.sql, arguments: [], then: .refuse)]),
        Policy(headers: Policy.Headers(response: ["X-A": String(repeating: "x", count: 4097)])),
        Policy(headers: Policy.Headers(response: ["X-A": ""])),
        Policy(headers: Policy.Headers(response: ["X-A": "a "])),
    ])
    func valuesFromTheWire(_ policy: Policy) {
        for layer in 0..<2 {
            let topology = Topology(
                organization: Organization(domain: "corp.example", policy: layer == 0 ? policy : nil),
                zones: [
                    Zone(name: "z", classification: .public, networks: [], policy: layer == 1 ? policy : nil)
                ])
            var check = TopologyCheck(topology, now: TopologyFixture.now)
            check.run()
            #expect(check.errors.count == 1 && ["bad-value", "bad-pattern"].contains(check.errors.first?.code))
        }
    }

    @Test("of rules and servers from the wire the same is demanded as of files")
    func rulesFromTheWire() throws {
        let many = try Dictionary(uniqueKeysWithValues: (0...64).map { ("a\($0)", try ArgumentTest("x")) })
        let rows: [(code: String?, when: Conditions?, limits: Limits?, endpoint: String?)] = [
            (nil, Conditions(hours: try Hours("Mon-Fri 07:00-19:00 Europe/Berlin")), nil, "https://x.example/mcp"),
            (nil, Conditions(arguments: ["/a/b": try ArgumentTest("x")]), Limits(concurrency: 1), nil),
            ("bad-value", nil, Limits(sessions: 2), nil), ("bad-value", Conditions(networks: []), nil, nil),
            ("bad-value", Conditions(environment: []), nil, nil), ("bad-value", Conditions(arguments: many), nil, nil),
            ("bad-hours", Conditions(hours: try Hours("Mon-Fri 07:00-19:00 GMT")), nil, nil),
            ("bad-argument-name", Conditions(arguments: ["/a~2": try ArgumentTest("x")]), nil, nil),
            ("bad-value", nil, nil, "http://x.example/mcp"), ("bad-value", nil, nil, "https://u:p@x.example/mcp"),
        ]
        for row in rows {
            let topology = Topology(
                organization: Organization(domain: "corp.example"),
                servers: [
                    Server(
                        zone: "z", name: "s", spokes: [], endpoint: row.endpoint, classification: .public)
                ],
                rules: [
                    Rule(
                        id: "z/r", effect: .allow, capabilities: [try CapabilityPattern("*")], to: [.anyone],
                        when: row.when, limits: row.limits)
                ])
            var check = TopologyCheck(topology, now: TopologyFixture.now)
            check.demandReadable()
            #expect(check.errors.map(\.code) == [row.code].compactMap(\.self), "\(row)")
        }
    }

    @Test("no text from the wire is longer than one in a file")
    func textsFromTheWire() throws {
        func topology(_ length: Int, _ short: Int, label: String = "tier") throws -> Topology {
            let text = String(repeating: "x", count: length)
            let when = Conditions(
                environment: [text],
                arguments: [text: .present(true), "a": try ArgumentTest(oneOf: [.string(text)])])
            return Topology(
                organization: Organization(domain: "corp.example", name: text, environment: text),
                zones: [
                    Zone(
                        name: "z", description: text, region: String(repeating: "r", count: short + 1),
                        classification: .public, networks: [])
                ],
                clients: [Client(zone: "z", name: "c", purpose: text)],
                servers: [
                    Server(
                        zone: "z", name: "s", description: text, spokes: [], classification: .public,
                        labels: [label: String(repeating: "l", count: short)],
                        enforcement: Enforcement(mode: .observe, until: TopologyFixture.now, reason: text))
                ],
                rules: [
                    Rule(
                        id: "z/r", effect: .allow, capabilities: [try CapabilityPattern("*")],
                        servers: ["label:tier=\(text.dropFirst(11))"], to: [.anyone], when: when, reason: text)
                ])
        }
        func errors(_ topology: Topology) -> [String] {
            var check = TopologyCheck(topology, now: TopologyFixture.now)
            check.demandReadable()
            return check.errors.map(\.code)
        }
        #expect(try errors(topology(4096, 63)) == [])
        #expect(try errors(topology(4096, 63, label: "a=b")) == ["bad-value"])
        #expect(try errors(topology(4096, 64)) == ["bad-value", "bad-value"])
        #expect(try errors(topology(4097, 63)) == Array(repeating: "bad-value", count: 11))
    }

    @Test func aPatternThatCannotBeReadHoldsEveryTool() {
        #expect(concerns([""], "fetch") && !concerns(["read_*"], "fetch") && concerns(nil, "fetch"))
    }
}
