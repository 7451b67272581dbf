import Foundation
import Model
import Testing
import YAMLFile

/// The parts of the policy language that are not in `DecideTests`, each with what it must and must not do.
@Suite("the policy language")
struct LanguageTests {
    private static let now = TopologyFixture.now

    private func decided(
        _ files: [String: String], _ server: String = "finance/ledger", by caller: String, _ capability: String,
        arguments: JSON = [:], at now: Instant = now
    ) throws -> Decision {
        let reading = TopologyFixture.read(files)
        #expect(reading.errors == [])
        let ruleset = try #require(reading.topology.ruleset(for: server, masks: [], revision: 0))
        return decide(
            Request(
                caller: Caller(workload: try SPIFFEID(caller)), aim: .use(try Capability(capability)),
                facts: Facts(now: now, address: IPAddress("10.20.0.1"), arguments: .given(arguments))), under: ruleset)
    }

    private let bot = "spiffe://analytics.corp.example/client/reporting-bot"

    @Test(
        "tests of arguments",
        arguments: [
            (#""4*""#, #"{"a":"41"}"#, Truth.yes), (#""4*""#, #"{"a":"51"}"#, .no), (#""4*""#, #"{"a":41}"#, .missing),
            (#""<= 1000""#, #"{"a":1000}"#, .yes), (#""<= 1000""#, #"{"a":1000.0000000000000000001}"#, .no),
            (#""< 9007199254740993""#, #"{"a":9007199254740992}"#, .yes),
            (#""< 9007199254740993""#, #"{"a":9007199254740993}"#, .no), (#""<= 1000""#, #"{"a":1e3}"#, .yes),
            (#""> 0, <= 10""#, #"{"a":10}"#, .yes), (#""> 0, <= 10""#, #"{"a":0}"#, .no),
            (#""> 0, <= 10""#, #"{"a":-0.0}"#, .no), (#"">= -1.5""#, #"{"a":-1.50}"#, .yes),
            (#""<= 1""#, #"{"a":1e-400}"#, .yes), (#""<= 1""#, #"{"a":"1"}"#, .missing),
            (#"["EUR","USD"]"#, #"{"a":"EUR"}"#, .yes), (#"["EUR","USD"]"#, #"{"a":"eur"}"#, .no),
            (#"["EUR","USD"]"#, #"{"a":["EUR"]}"#, .missing), (#"[1,true]"#, #"{"a":1.0}"#, .yes),
            (#"[1,true]"#, #"{"a":true}"#, .yes), (#"[1,true]"#, #"{"a":false}"#, .no),
            (#"[1]"#, #"{"a":true}"#, .missing), (#"["*"]"#, #"{"a":"x"}"#, .no),
            (#"{"present":true}"#, #"{"a":[]}"#, .yes), (#"{"present":true}"#, "{}", .no),
            (#"{"present":false}"#, "{}", .yes), (#"{"present":false}"#, #"{"a":0}"#, .no),
            (#"{"present":false}"#, #"{"a":null}"#, .missing), (#""*""#, "{}", .missing),
        ])
    func argumentTests(test: String, arguments: String, truth: Truth) throws {
        let json = try JSON(parsing: Array(test.utf8))
        let read = try JSONCoding.decode(ArgumentTest.self, from: json)
        #expect(try JSONCoding.encode(read) == json)
        let finding = try ArgumentName("a").find(in: try JSON(parsing: Array(arguments.utf8)))
        #expect(read.holds(for: finding) == truth)
    }

    @Test("what is no test of an argument", arguments: ["[]", "[null]", "[1.5]", "[[1]]", "1", "true", "null", "{}"])
    func badArgumentTests(test: String) throws {
        let json = try JSON(parsing: Array(test.utf8))
        #expect(throws: ModelError.self) { try JSONCoding.decode(ArgumentTest.self, from: json) }
        for text in ["<=", "<= x", "< 1 > 0", "<= 1e3", "> 0, < 1, < 2", "<= 1/2", "<= 123456789012345678901"] {
            #expect(throws: ModelError.self, "\(text)") { try ArgumentTest(text) }
        }
    }

    /// The examples of RFC 6901, section 5, and what a server may understand otherwise.
    @Test(
        "names of nested arguments",
        arguments: [
            ("foo", #"["bar","baz"]"#), ("/foo", #"["bar","baz"]"#), ("/foo/0", #""bar""#), ("/", "0"), ("/a~1b", "1"),
            ("/c%d", "2"), ("/m~0n", "8"), ("/ ", "7"), ("/k\"l", "6"), ("/foo/2", nil), ("/nothing", nil),
            ("/nothing/more", nil), ("/foo/00", "?"), ("/foo/-", "?"), ("/foo/+1", "?"), ("/m~0n/x", "?"),
            ("/null/x", "?"),
        ] as [(String, String?)])
    func pointers(name: String, expected: String?) throws {
        let document = try JSON(
            parsing: Array(
                #"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"k\"l":6," ":7,"m~n":8,"null":null}"#.utf8))
        let finding = try ArgumentName(name).find(in: document)
        switch expected {
        case nil: #expect(finding == .absent)
        case "?"?: #expect(finding == .unknown)
        case let text?: #expect(finding == .given(try JSON(parsing: Array(text.utf8))))
        }
        for bad in ["/~", "/a~2", "/~/b", String(repeating: "/a", count: 17)] {
            #expect(throws: ModelError.self, "\(bad)") { try ArgumentName(bad) }
        }
    }

    @Test("callers: a zone's own clients, the zones it names, and nobody else, in the plan too")
    func callers() throws {
        let open = "rules: [{ id: r, allow: [\"*\"], to: [anyone, zone:analytics] }]\n"
        let files = TopologyFixture.base(finance: open)
        var closed = TopologyFixture.base(finance: open + "callers: []\n")
        let named = TopologyFixture.base(finance: open + "callers: [analytics, \"domain:partner.example\"]\n")
        let housekeeping = "spiffe://finance.corp.example/client/housekeeping"
        let partner = "spiffe://partner.example/client/x"
        for (files, caller, allowed) in [
            (files, bot, true), (files, partner, true), (closed, housekeeping, true), (closed, bot, false),
            (closed, partner, false), (named, bot, true), (named, partner, true), (named, housekeeping, true),
        ] {
            let decision = try decided(files, by: caller, "tool:x")
            #expect(decision.isAllowed == allowed)
            if case .deny(let denial) = decision { #expect(denial.reason == .callerZone) }
        }
        let before = TopologyFixture.read(files).topology
        let plan = try planTopology(from: before, to: TopologyFixture.read(closed).topology, masks: [], now: Self.now)
        #expect(plan.changes.map(\.fields) == [["callers"]])
        let lost = plan.access.filter { $0.direction == .loses && $0.grant.principal == .zone("analytics") }
        #expect(lost.count == 2)
        let rest = plan.access.filter { $0.direction == .gains }
        #expect(rest.allSatisfy { $0.grant.principal == .anyone && $0.conditions == ["through clients of finance"] })
        // A rule that nobody can use is said so.
        #expect(TopologyFixture.read(closed).findings.map(\.code).contains("matches-nothing"))
        closed["finance.yaml"]? += "description: x\n"
        #expect(
            TopologyFixture.located(
                TopologyFixture.read(
                    TopologyFixture.base(finance: "callers: [analytic, user:a@b]\n")
                ).errors)
                == ["undeclared-name finance:9:11", "bad-value finance:9:21"])
        #expect(
            TopologyFixture.located(
                TopologyFixture.read(
                    TopologyFixture.base(finance: "callers: [analytic]\n")
                ).errors) == ["undeclared-name finance:9:11"])
    }

    @Test("zones compared: region and clearance, a missing fact denies")
    func zones() throws {
        let rules = { (when: String) in
            TopologyFixture.base(
                finance: "region: eu\nrules: [{ id: r, allow: [\"*\"], to: [anyone], when: { \(when) } }]\n")
        }
        var files = rules("sameRegion: true")
        #expect(try !decided(files, by: bot, "tool:x").isAllowed)
        files["analytics.yaml"]? += "region: eu\n"
        #expect(try decided(files, by: bot, "tool:x").isAllowed)
        files["analytics.yaml"] = TopologyFixture.analytics + "region: us\n"
        #expect(try !decided(files, by: bot, "tool:x").isAllowed)
        // The ledger is confidential, git internal; analytics may hold what is internal.
        files = rules("clearance: true")
        #expect(try !decided(files, by: bot, "tool:x").isAllowed)
        #expect(try decided(files, "finance/git", by: bot, "tool:x").isAllowed)
        #expect(try decided(files, by: "spiffe://finance.corp.example/client/housekeeping", "tool:x").isAllowed)
        #expect(try !decided(files, by: "spiffe://partner.example/client/x", "tool:x").isAllowed)
    }

    @Test("a server that is observed passes what its rules deny, until it ends by itself")
    func observed() throws {
        let server =
            "servers: { pay: { spokes: [fin-1], enforcement: { mode: observe, until: 2026-12-31, reason: R-1 } } }\n"
        let files = TopologyFixture.base(
            organization: "rules: [{ id: never, deny: [\"tool:drop\"], to: [anyone] }]\n",
            finance:
                "rules: [{ id: r, allow: [\"tool:a\"], to: [zone:analytics] }, { id: d, deny: [\"tool:b\"], to: [anyone] }]\n"
        ).merging(["pay.yaml": "in: finance\n" + server]) { $1 }
        #expect(TopologyFixture.read(files).findings.map(\.code) == ["observed-server"])
        for (capability, verdict) in [
            ("tool:a", Oracle.Verdict.allow), ("tool:b", .wouldDeny), ("tool:c", .wouldDeny), ("tool:drop", .deny),
        ] {
            let decision = try decided(files, "finance/pay", by: bot, capability)
            #expect(decision.verdict == verdict, "\(capability)")
            let later = try decided(files, "finance/pay", by: bot, capability, at: Self.now + .days(60))
            #expect(later.isAllowed == (verdict == .allow))
        }
        let reading = TopologyFixture.read(files)
        let state = RegistryState(origin: "corp.example/nave/1", topology: reading.topology)
        let spoke = try #require(reading.topology.spokes.first)
        let bundle = try #require(compileBundle(spoke: spoke, from: state))
        let compiled = try #require(bundle.servers.first { $0.name == "finance/pay" })
        #expect(compiled.enforcement?.reason == nil && compiled.enforcement != nil)
        #expect(bundle.ruleset(for: "finance/pay")?.observedUntil == compiled.enforcement?.until)
        // Whatever a hub says, a restricted server enforces.
        var lying = bundle
        for index in lying.servers.indices { lying.servers[index].classification = .restricted }
        #expect(lying.ruleset(for: "finance/pay")?.observedUntil == nil)
    }

    @Test(
        "what keeps a server from being observed",
        arguments: [
            ("mode: observe, until: 2027-02-28, reason: x", "bad-enforcement"),
            ("mode: observe, reason: x", "missing-key"), ("mode: observe, until: 2026-12-01", "missing-key"),
            ("mode: off, until: 2026-12-01, reason: x", "wrong-type"),
            ("mode: enforce, until: 2026-12-01, reason: x", "bad-value"),
        ])
    func badEnforcement(enforcement: String, code: String) {
        let text = "in: finance\nservers: { s: { spokes: [fin-1], enforcement: { \(enforcement) } } }\n"
        let errors = TopologyFixture.read(TopologyFixture.base().merging(["s.yaml": text]) { $1 }).errors
        #expect(errors.map(\.code) == [code])
        #expect(errors.allSatisfy { $0.place?.file == "s.yaml" && $0.place?.line == 2 })
        let plain = TopologyFixture.read(
            TopologyFixture.base().merging([
                "s.yaml": "in: finance\nservers: { s: { spokes: [fin-1], enforcement: observe } }\n"
            ]) { $1 })
        #expect(plain.errors.map(\.code) == ["wrong-type"] && plain.errors[0].hint?.contains("mode: observe") == true)
        var restricted = TopologyFixture.base()
        restricted["finance.yaml"] = TopologyFixture.finance.replacing("confidential", with: "restricted").replacing(
            "labels:", with: "enforcement: { mode: observe, until: 2026-12-01, reason: x }, labels:")
        #expect(TopologyFixture.read(restricted).errors.map(\.code) == ["bad-enforcement"])
    }

    @Test("limits of every rule that speaks about the call, each tool by itself, resources together")
    func ruleLimits() throws {
        let files = TopologyFixture.base(
            finance: """
                rules:
                  - { id: a, allow: ["tool:*"], to: [zone:analytics] }
                  - { id: b, allow: ["tool:pay"], to: [client:analytics/reporting-bot], limits: { rate: { requests: 5, per: 1m } } }
                  - { id: c, allow: ["*"], to: [anyone], limits: { concurrency: 2, requestBody: 1KiB } }
                  - { id: d, allow: ["*"], to: [client:finance/housekeeping], limits: { concurrency: 1 } }

                """)
        guard case .allow(let permit) = try decided(files, by: bot, "tool:pay") else {
            Issue.record("denied")
            return
        }
        #expect(permit.rules == ["finance/a"])
        #expect(permit.limits.map(\.scope) == ["finance/b tool:pay", "finance/c tool:pay"])
        let policy = EffectivePolicy(layers: [])
        #expect(permit.limits.reduce(policy) { $0.bounded(by: $1.limits) }.requestBody == ByteCount(1024))
        guard case .allow(let reading) = try decided(files, by: bot, "resource:x://y") else {
            Issue.record("denied")
            return
        }
        #expect(reading.limits.map(\.scope) == ["finance/c resource"])
        let denied = TopologyFixture.base(
            finance: "rules: [{ id: a, deny: [\"*\"], to: [anyone], limits: { concurrency: 1 } }]\n")
        #expect(Set(TopologyFixture.read(denied).errors.map(\.code)) == ["bad-value"])
    }

    @Test("a ceiling takes away, and knows only what a host knows")
    func ceilings() throws {
        func read(_ text: String) -> (ceiling: Ceiling?, codes: [String]) {
            let problems = Problems()
            let node = YAMLFile.parse(Array(text.utf8), file: "spoke.yaml", problems: problems)
            let ceiling = node.flatMap { Ceiling.read(NodeReader($0, problems), servers: ["ledger", "git"]) }
            return (ceiling, problems.all.map(\.code))
        }
        let good = read(
            """
            rules:
              - { id: reading, allow: ["tool:read_*"], servers: [ledger] }
              - { id: no-secrets, deny: ["resource:**/secrets/**"] }
            limits: { concurrency: 2, rate: { requests: 10, per: 1s } }
            """)
        #expect(good.codes == [])
        let ceiling = try #require(good.ceiling)
        #expect(ceiling.rules.map(\.id) == ["ceiling:reading", "ceiling:no-secrets"])
        let everything = Rule(
            id: "finance/all", effect: .allow, capabilities: [try CapabilityPattern("*")], to: [.anyone])
        for (server, capability, allowed) in [
            ("finance/ledger", "tool:read_x", true), ("finance/ledger", "tool:write_x", false),
            ("finance/ledger", "resource:l://secrets/a", false), ("finance/git", "tool:read_x", false),
        ] {
            let ruleset = ceiling.over(
                Ruleset(
                    organization: "corp.example", server: server, networks: [try Network("10.0.0.0/8")],
                    rules: [everything], masks: [], revision: 1))
            let request = Request(
                caller: Caller(workload: try SPIFFEID(bot)), aim: .use(try Capability(capability)),
                facts: Facts(now: Self.now, address: IPAddress("10.1.1.1")))
            #expect(decide(request, under: ruleset).isAllowed == allowed, "\(server) \(capability)")
            let explanation = explain(request, under: ruleset)
            #expect(explanation.steps.contains { $0.rule.hasPrefix("ceiling:") })
        }
        let policy = ceiling.over(EffectivePolicy(layers: []))
        #expect(policy.concurrency == 2 && policy.rates.map(\.requests) == [10])
        for (text, codes) in [
            ("rules: [{ id: a, allow: [\"*\"], servers: [ledgr] }]", ["undeclared-name"]),
            ("rules: [{ id: a, allow: [\"*\"], when: { clearance: true } }]", ["bad-value"]),
            ("rules: [{ id: A, deny: [\"*\"] }]", ["bad-name"]),
            ("rules: [{ id: a, deny: [\"*\"] }, { id: a, deny: [\"*\"] }]", ["duplicate-name"]),
            ("rules: [{ id: a, deny: [\"set:x\"] }]", ["undeclared-name"]), ("rule: []", ["unknown-key"]),
            ("[]", ["wrong-type"]), ("rules: {}", ["wrong-type"]),
        ] { #expect(read(text).codes == codes, "\(text)") }
    }

    @Test("a pinned tool is the approved definition, and read-only is what that one says")
    func pins() throws {
        let pin = ToolDefinition(name: "read", digest: "sha256:aa", readOnly: true)
        let rules = [
            Rule(
                id: "finance/r", effect: .allow, capabilities: [try CapabilityPattern("tool:*")], to: [.anyone],
                when: Conditions(readOnly: true))
        ]
        for (mode, tool, digest, claims, reason) in [
            (PinMode.enforce, "read", "sha256:aa", nil, nil), (.enforce, "read", "sha256:bb", true, .changedTool),
            (.enforce, "read", nil, true, .changedTool), (.enforce, "other", "sha256:aa", true, .unapprovedTool),
            (.report, "read", "sha256:aa", false, nil), (.report, "read", "sha256:bb", true, .missingFact),
            (.report, "other", "sha256:aa", true, .missingFact), (.off, "other", "sha256:cc", true, nil),
        ] as [(PinMode, String, String?, Bool?, DenyReason?)] {
            let ruleset = Ruleset(
                organization: "corp.example", server: "finance/ledger", networks: [try Network("10.0.0.0/8")],
                rules: rules, masks: [], pinning: Pinning(mode: mode, approved: [pin]), revision: 1)
            let decision = decide(
                Request(
                    caller: Caller(workload: try SPIFFEID(bot)), aim: .use(Capability(.tool, tool)),
                    facts: Facts(
                        now: Self.now, address: IPAddress("10.1.1.1"), readOnly: claims,
                        definitions: digest.map { [$0] } ?? [])),
                under: ruleset)
            if case .deny(let denial) = decision { #expect(denial.reason == reason) } else { #expect(reason == nil) }
        }
        let layers = [PinMode.off, .enforce, .report].map { Policy(tools: .init(pin: $0)) }
        #expect(EffectivePolicy(layers: layers).pin == .enforce)
        #expect(EffectivePolicy(layers: [layers[0], nil]).pin == nil)
    }

    /// Berlin's clocks jump from 02:00 to 03:00 on 29 March 2026 and back from 03:00 to 02:00 on 25 October.
    @Test("hours on both days on which the clock changes")
    func daylightSaving() throws {
        let night = try Hours("Sun 02:00-03:00 Europe/Berlin")
        let minutes = { (day: String) in
            let start = try #require(Instant("\(day)T00:00:00Z"))
            return (0..<1440).filter { night.contain(start + .minutes(Int64($0))) == .yes }
        }
        #expect(try minutes("2026-03-29") == [])
        #expect(try minutes("2026-10-25") == Array(0..<120))
        #expect(try minutes("2026-03-22") == Array(60..<120))
        let day = try Hours("Sun 00:00-24:00 Europe/Berlin")
        let hours = { (from: String, count: Int64) in
            let start = try #require(Instant(from))
            return (0..<count).allSatisfy { day.contain(start + .minutes($0)) == .yes }
                && day.contain(start - .minutes(1)) == .no && day.contain(start + .minutes(count)) == .no
        }
        #expect(try hours("2026-03-28T23:00:00Z", 23 * 60))
        #expect(try hours("2026-10-24T22:00:00Z", 25 * 60))
    }
}
