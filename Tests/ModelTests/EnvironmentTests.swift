import Foundation
import Model
import Testing
import YAMLFile

/// Named sets, one organization file an environment, and what such a file sets otherwise.
@Suite("sets and environments")
struct EnvironmentTests {
    private static let sets = """
        sets:
          principals: { bots: [client:analytics/reporting-bot, client:finance/housekeeping], none: [group:x] }
          capabilities: { reading: ["tool:read_*", "resource:ledger://**"] }

        """

    private func read(_ files: [String: String], of choice: OrganizationChoice = .only) -> TopologyReading {
        let problems = Problems()
        let nodes = files.map { file, text in
            (file: file, node: YAMLFile.parse(Array(text.utf8), file: file, problems: problems))
        }
        return TopologyReader.read(nodes, of: choice, problems: problems, now: TopologyFixture.now)
    }

    @Test("a set stands for its members, from whichever file")
    func sets() throws {
        // The rule's file comes first in the order of names.
        var files = TopologyFixture.base(organization: Self.sets)
        files["a.yaml"] = """
            in: finance
            rules:
              - { id: r, allow: ["set:reading", "tool:read_*", "tool:pay"], to: ["set:bots", group:y], except: ["set:none"] }
            """
        let reading = read(files)
        #expect(reading.errors == [])
        let rule = try #require(reading.topology.rules.first)
        #expect(rule.capabilities.map(\.description) == ["tool:read_*", "resource:ledger://**", "tool:pay"])
        #expect(
            rule.to.map(\.description) == ["client:analytics/reporting-bot", "client:finance/housekeeping", "group:y"])
        #expect(rule.except == [.group("x")])
    }

    @Test("a file whose zone cannot be read is wrong for that alone")
    func unreadableZone() {
        var files = TopologyFixture.base(organization: "environment: staging\n" + Self.sets)
        files["more.yaml"] = """
            in: [x]
            clients: { c: { environments: [staging] } }
            rules: [{ id: r, allow: ["set:reading"], to: ["set:bots"] }]
            """
        #expect(TopologyFixture.located(read(files).errors) == ["wrong-type more:1:5"])
    }

    @Test(
        "what is wrong with sets, at its place",
        arguments: [
            ("rules: [{ id: r, allow: [\"set:redaing\"], to: [anyone] }]", "undeclared-name finance:9:26", "reading"),
            ("rules: [{ id: r, allow: [\"*\"], to: [\"set:reading\"] }]", "undeclared-name finance:9:37", "none"),
            ("sets: { principals: { a: [\"set:bots\"] } }", "bad-value finance:9:27", "write its members out"),
            ("sets: { principals: { bots: [anyone] } }", "duplicate-name finance:9:23", "organization"),
            ("sets: { principals: { B: [anyone] } }", "bad-value finance:9:23", "lower-case"),
            ("sets: { principals: { a: [] } }", "bad-value finance:9:26", ""),
            ("sets: { principal: {} }", "unknown-key finance:9:9", "principals"),
            (
                "sets: { principals: { a: [client:finance/x] } }\nrules: [{ id: r, allow: [\"*\"], to: [\"set:a\"] }]",
                "undeclared-name finance:9:27", "housekeeping"
            ),
            ("sets: &a { principals: {} }", "yaml-alias finance:9:7", ""),
        ])
    func badSets(lines: String, located: String, hint: String) {
        let errors = read(TopologyFixture.base(organization: Self.sets, finance: lines + "\n")).errors
        #expect(TopologyFixture.located(errors) == [located])
        if !hint.isEmpty { #expect("\(errors)".contains(hint)) }
        var fragment = TopologyFixture.base()
        fragment["f.yaml"] = "in: finance\nsets: {}\n"
        #expect(TopologyFixture.located(read(fragment).errors) == ["unknown-key f:2:1"])
    }

    private static let production = "organization: corp.example\nenvironment: production\n"
    private static let staging = """
        organization: staging.corp.example
        environment: staging
        overrides:
          zones: { finance: { networks: [10.99.0.0/16], spokes: [stg-1], limits: { concurrency: 2 } } }
          servers:
            finance/ledger: { spokes: [stg-1], endpoint: "https://stg.example/ledger/mcp", limits: { concurrency: 1 } }
            finance/git: { spokes: [stg-1] }
          groups: { analysts: 5f0c-staging }

        """
    private static let shared = """
        in: finance
        servers: { sandbox: { spokes: [fin-1], environments: [production] } }
        clients: { tester: { environments: [staging] } }
        rules:
          - { id: testing, allow: ["*"], to: [client:finance/tester] }
          - { id: play, allow: ["*"], servers: [sandbox], to: [group:analysts] }
          - { id: both, allow: ["tool:x"], servers: [sandbox, ledger], to: [client:finance/tester, group:analysts] }
          - { id: only, allow: ["tool:y"], to: [group:analysts], environments: [staging] }
          - { id: fact, deny: ["tool:z"], to: [anyone], when: { environment: [production] } }
        tests:
          - { by: client:finance/tester, call: ledger tool:q, expect: allow }
          - { by: group:analysts, call: ledger tool:y, environments: [staging], expect: allow }
          - { by: group:analysts, call: sandbox tool:z, expect: deny }

        """

    private var files: [String: String] {
        var files = TopologyFixture.base()
        files["organization.yaml"] = Self.production
        files["staging.yaml"] = Self.staging
        files["shared.yaml"] = Self.shared
        return files
    }

    @Test("each environment is read by itself, and tests of what is elsewhere are left out")
    func environments() throws {
        let production = read(files, of: .environment("production"))
        #expect(production.errors == [] && production.findings == [])
        #expect(production.topology.organization.domain == "corp.example")
        #expect(production.topology.servers.map(\.name) == ["git", "ledger", "sandbox"])
        #expect(production.topology.clients.map(\.name) == ["reporting-bot", "housekeeping"])
        #expect(production.topology.rules.map(\.id) == ["finance/both", "finance/fact", "finance/play"])
        #expect(production.topology.rules[0].to == [.group("analysts")])
        #expect(production.tests.count == 1)
        #expect(production.topology.run(production.tests, now: TopologyFixture.now).isEmpty)

        let staging = read(files, of: .domain("staging.corp.example"))
        #expect(staging.errors == [])
        #expect(staging.topology.servers.map(\.name) == ["git", "ledger"])
        #expect(
            staging.topology.rules.map(\.id) == ["finance/both", "finance/fact", "finance/only", "finance/testing"])
        #expect(staging.topology.rules[0].servers == ["ledger"])
        #expect(staging.topology.rules[0].to == [.client(zone: "finance", name: "tester"), .group("5f0c-staging")])
        #expect(staging.topology.spokes.map(\.fullName) == ["finance/stg-1"])
        let zone = try #require(staging.topology.zones.first { $0.name == "finance" })
        #expect(try zone.networks == [Network("10.99.0.0/16")] && zone.policy?.limits?.concurrency == 2)
        let ledger = try #require(staging.topology.servers.first { $0.name == "ledger" })
        #expect(ledger.endpoint == "https://stg.example/ledger/mcp" && ledger.policy?.limits?.concurrency == 1)
        #expect(staging.tests.count == 2 && staging.tests[1].by == .group("5f0c-staging"))
        #expect(staging.topology.run(staging.tests, now: TopologyFixture.now).map(\.error.description) == [])
    }

    @Test("what is not chosen, or of another environment, is refused")
    func choices() {
        let list = files.map { file, text in
            (file: file, node: YAMLFile.parse(Array(text.utf8), file: file, problems: Problems()))
        }
        #expect(TopologyReader.environments(list) == ["production", "staging"])
        for (choice, code) in [
            (OrganizationChoice.only, "needs-environment"), (.environment("stagin"), "other-environment"),
            (.domain("dev.corp.example"), "other-organization"),
        ] { #expect(read(files, of: choice).errors.map(\.code) == [code], "\(choice)") }
        // One file: the context's domain must be its own.
        let base = TopologyFixture.base()
        #expect(read(base, of: .domain("corp.example")).errors == [])
        #expect(read(base, of: .domain("other.example")).errors.map(\.code) == ["other-organization"])
    }

    @Test(
        "what overrides and environments may not say",
        arguments: [
            ("overrides: { zones: { finanse: {} } }", "undeclared-name organization:3:23"),
            ("overrides: { servers: { finance/lodger: {} } }", "undeclared-name organization:3:25"),
            ("overrides: { zones: { finance: { classification: public } } }", "unknown-key organization:3:34"),
            ("overrides: { servers: { finance/ledger: { owner: group:x } } }", "unknown-key organization:3:43"),
            ("overrides: { rules: [] }", "unknown-key organization:3:14"),
            ("overrides: { groups: { a: \"b c\" } }", "bad-value organization:3:27"),
            ("overrides: { groups: { a: g, b: g } }", "duplicate-name organization:3:33"),
            ("rules: [{ id: r, deny: [\"*\"], to: [anyone], environments: [] }]", "bad-value organization:3:59"),
        ])
    func badOverrides(lines: String, located: String) {
        var files = TopologyFixture.base()
        files["organization.yaml"] = Self.production + lines + "\n"
        #expect(TopologyFixture.located(read(files).errors) == [located])
        files["organization.yaml"] = "organization: corp.example\n"
        files["f.yaml"] = "in: finance\nclients: { c: { environments: [x] } }\n"
        #expect(TopologyFixture.located(read(files).errors) == ["bad-value f:2:31"])
    }

    @Test("an environment sets of limits what it says and no more, and no two groups become one")
    func parts() throws {
        let base = TopologyFixture.base(
            finance: """
                policy:
                  limits: { rate: { requests: 10, per: 1s }, concurrency: 9, timeouts: { request: 5s, idle: 9s } }
                rules:
                  - { id: one, allow: ["tool:x"], to: [group:a] }
                  - { id: other, allow: ["tool:y"], to: [group:b] }

                """)
        func reading(_ overrides: String) -> TopologyReading {
            var files = base
            files["organization.yaml"] =
                "organization: corp.example\nenvironment: staging\noverrides: \(overrides)\n"
            return read(files)
        }
        let less = reading("{ zones: { finance: { limits: { concurrency: 2, timeouts: { idle: 60s } } } } }")
        #expect(less.errors == [])
        let zone = try #require(less.topology.zones.first { $0.name == "finance" })
        #expect(
            zone.policy?.limits
                == Limits(
                    rate: Limits.Rate(requests: 10, per: .seconds(1)), concurrency: 2,
                    timeouts: Limits.Timeouts(request: .seconds(5), idle: .seconds(60))))
        let rows: [(groups: String, codes: [String])] = [
            ("{ a: b }", ["duplicate-name"]), ("{ a: c, b: c }", ["duplicate-name"]), ("{ a: b, b: a }", []),
            ("{ a: b, b: c }", []), ("{ a: a }", []),
        ]
        for row in rows {
            #expect(reading("{ groups: \(row.groups) }").errors.map(\.code) == row.codes, "\(row.groups)")
        }
    }

    @Test(
        "an environment that no organization file is of is an error, and a finding where there is one file",
        arguments: [
            "rules: [{ id: r, deny: [\"tool:x\"], to: [anyone], environments: [prodution] }]",
            "rules: [{ id: r, deny: [\"tool:x\"], to: [anyone], when: { environment: [prodution] } }]",
            "clients: { c: { environments: [production, prodution] } }",
            "servers: { s: { spokes: [fin-1], environments: [prodution] } }",
            "tests: [{ by: group:x, call: ledger tool:y, environments: [prodution], expect: deny }]",
        ])
    func misspelt(line: String) {
        var files = files
        files["f.yaml"] = "in: finance\n" + line + "\n"
        for environment in ["production", "staging"] {
            let errors = read(files, of: .environment(environment)).errors
            #expect(errors.map(\.code) == ["undeclared-name"] && errors.first?.place?.line == 2)
            #expect(errors.first?.hint?.contains("`production`") == true)
        }
        files["staging.yaml"] = nil
        files["shared.yaml"] = nil
        let alone = read(files)
        #expect(alone.errors == [] && alone.findings.map(\.code) == ["unknown-environment"])
        // Another file may be the one that declares it.
        var nodes = files.map { file, text in
            (file: file, node: YAMLFile.parse(Array(text.utf8), file: file, problems: Problems()))
        }
        nodes.append((file: "staging.yaml", node: nil))
        #expect(TopologyReader.read(nodes, problems: Problems(), now: TopologyFixture.now).errors == [])
    }

    @Test("the order of files and of what they hold changes nothing")
    func order() throws {
        var random = Seeded(state: 3)
        let expected = try unplaced(read(files, of: .environment("staging")).topology)
        for _ in 0..<20 {
            var renamed: [String: String] = [:]
            for (name, text) in files.sorted(by: { $0.key < $1.key }) {
                let lines = text.components(separatedBy: "\n")
                let rules = lines.filter { $0.hasPrefix("  - { id:") }.shuffled(using: &random)
                var next = rules.makeIterator()
                let shuffled = lines.map { $0.hasPrefix("  - { id:") ? next.next() ?? $0 : $0 }
                renamed["\(random.next() % 1000)-\(name)"] = shuffled.joined(separator: "\n")
            }
            #expect(try unplaced(read(renamed, of: .environment("staging")).topology) == expected)
        }
    }

    /// Every object without its place.
    private func unplaced(_ topology: Topology) throws -> [ObjectName: JSON] {
        try topology.objects().mapValues { value in
            guard case .object(var object) = value else { return value }
            object["place"] = nil
            return .object(object)
        }
    }

    @Test(
        "what YAML 1.1 takes for something else is an error with a hint, or safe",
        arguments: [
            "no", "on", "off", "Yes", "0o7", "0x1F", "1:30", "2026-01-01", "2026-01-01T00:00:00Z", "1e3", "010", "~",
        ])
    func surprises(text: String) {
        for place in [
            "purpose: \(text)", "environments: [\(text)]", "owner: \(text)",
        ] {
            var files = TopologyFixture.base()
            files["organization.yaml"] = Self.production
            files["f.yaml"] = "in: finance\nclients: { c: { \(place) } }\n"
            let errors = read(files).errors
            #expect(!errors.isEmpty && errors.allSatisfy { $0.place?.file == "f.yaml" }, "\(place)")
            if text != "~", !text.hasPrefix("~") { #expect(errors.allSatisfy { $0.hint != nil }, "\(errors)") }
        }
        var files = TopologyFixture.base()
        files["f.yaml"] =
            "in: finance\nrules: [{ id: r, deny: [\"*\"], to: [anyone], when: { arguments: { a: [\(text)] } } }]\n"
        #expect(read(files).errors.count == 1)
        // In quotes every one of them is a text; a date is one where a date is expected.
        files["f.yaml"] = files["f.yaml"]?.replacing("[\(text)]", with: "[\"\(text)\"]")
        #expect(read(files).errors == [])
        files["f.yaml"] =
            "in: finance\nrules: [{ id: r, deny: [\"*\"], to: [anyone], until: 2027-01-01, from: 2026-01-01T00:00:00Z }]\n"
        #expect(read(files).errors == [])
    }
}
