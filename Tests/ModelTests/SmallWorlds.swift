import Model

/// Small worlds to hold `decide` against: every combination of a few rules, callers and facts that pull on each other.
enum SmallWorlds {
    static let organization = "corp.example"
    static let server = "finance/ledger"
    static let morning = Instant(milliseconds: 1_800_000_000_000)
    static let evening = morning + .hours(12)

    static func rules() throws -> [Rule] {
        var rules: [Rule] = []
        let capabilities = try [["tool:read_*"], ["tool:*", "resource:ledger://r/*"], ["*"]].map {
            try $0.map { try CapabilityPattern($0) }
        }
        let principals = try [
            ["client:analytics/bot"], ["zone:analytics", "user:ana@corp.example"], ["group:analysts"], ["anyone"],
            ["spiffe://partner.example/client/*"],
        ].map { try $0.map { try Principal($0) } }
        let conditions = try conditions()
        for effect in [Rule.Effect.allow, .deny] {
            for (c, capability) in capabilities.enumerated() {
                for (p, principal) in principals.enumerated() {
                    for (w, when) in conditions.enumerated() {
                        let number = ((c * 5) + p) * conditions.count + w
                        rules.append(
                            Rule(
                                // Every ninth is the organization's.
                                id: "\(number % 9 == 4 ? "" : "finance/")\(effect.rawValue)-\(number)", effect: effect,
                                capabilities: capability,
                                servers: [server], to: principal,
                                except: number % 7 == 0
                                    ? [
                                        try Principal(
                                            number % 2 == 0 ? "client:finance/housekeeping" : "group:analysts")
                                    ]
                                    : nil,
                                when: when,
                                limits: effect == .allow && number % 3 == 0 ? Limits(concurrency: number + 1) : nil,
                                from: number % 11 == 0 ? evening : nil, until: number % 5 == 0 ? evening : nil))
                    }
                }
            }
        }
        return rules
    }

    private static func conditions() throws -> [Conditions?] {
        [
            nil, Conditions(readOnly: true), Conditions(networks: [try Network("10.0.0.0/9")]),
            Conditions(arguments: ["account": try ArgumentTest("4*"), "amount": try ArgumentTest("<= 1000")]),
            Conditions(environment: ["staging", "production"]), Conditions(sameRegion: true),
            Conditions(clearance: false), Conditions(readOnly: false, sameRegion: false, clearance: true),
            Conditions(
                environment: ["production"],
                arguments: [
                    "/payment/currency": try ArgumentTest(oneOf: ["EUR", 7]), "memo": .present(false),
                    "amount": try ArgumentTest("> 0, < 10.5"),
                ]),
            Conditions(arguments: ["force": try ArgumentTest(oneOf: [true])]),
        ]
    }

    static func masks() throws -> [[Mask]] {
        let lapse = Mask(
            id: "ar-1/1", principal: try Principal("client:analytics/bot"), server: server,
            capabilities: [try CapabilityPattern("tool:read_*")], at: evening, cause: .lapsed)
        let revocation = Mask(
            id: "rv-1", principal: try Principal("anyone"), server: server, capabilities: [try CapabilityPattern("*")],
            at: morning, cause: .revoked)
        return [[], [lapse], [revocation]]
    }

    static func requests() throws -> [Request] {
        let bot = try SPIFFEID("spiffe://analytics.corp.example/client/bot")
        let housekeeping = try SPIFFEID("spiffe://finance.corp.example/client/housekeeping")
        let partner = try SPIFFEID("spiffe://partner.example/client/billing")
        let ana = Caller.User(
            issuer: "https://idp", subject: "1", address: "ana@corp.example", groups: ["analysts"])
        let unknown = Caller.User(issuer: "https://idp", subject: "2")
        let callers = [
            Caller(workload: bot), Caller(workload: housekeeping), Caller(workload: partner), Caller(user: ana),
            Caller(user: unknown), Caller(workload: bot, user: ana),
        ]
        let aims: [Aim] = [
            .use(Capability(.tool, "read_entry")), .use(Capability(.tool, "write_entry")),
            .use(Capability(.resource, "ledger://r/a")), .use(Capability(.resource, "ledger://r/a/b")),
            .task("read_entry"), .subscription("ledger://r/a"),
        ]
        let arguments: [JSON] = [
            ["account": "41", "amount": 10, "payment": ["currency": "EUR"], "force": false],
            ["account": "51", "amount": 10, "force": true],
            ["account": "41"], ["account": "41", "amount": "10", "payment": "EUR", "force": "true"],
            ["account": "41", "amount": 10.50, "payment": ["currency": 7], "memo": "x"],
            ["account": "41", "amount": 10.49, "payment": ["currency": 7.0]],
        ]
        var requests: [Request] = []
        for caller in callers {
            for (index, aim) in aims.enumerated() {
                for now in [morning, evening] {
                    for address in ["10.1.2.3", "10.200.2.3"] {
                        for (number, values) in (index < 2 ? arguments.map({ Facts.Arguments.given($0) }) : [.none])
                            .enumerated()
                        {
                            requests.append(
                                Request(
                                    caller: caller, aim: aim,
                                    facts: Facts(
                                        now: now, address: IPAddress(address),
                                        readOnly: aim.tool == nil ? nil : [true, nil][index % 2],
                                        definitions: [
                                            ["sha256:aa"], ["sha256:bb"], [], ["sha256:aa", "sha256:cc"],
                                            ["sha256:bb", "sha256:aa"],
                                        ][
                                            (index + number) % 5],
                                        arguments: values)))
                        }
                    }
                }
            }
        }
        return requests
    }

    static func ruleset(_ rules: [Rule], _ masks: [Mask]) throws -> Ruleset {
        Ruleset(
            organization: organization, server: server, networks: [try Network("10.0.0.0/8")], rules: rules,
            masks: masks,
            surroundings: Surroundings(
                environment: "production", classification: .confidential,
                zones: [
                    ZoneFacts(name: "finance", region: "eu", classification: .confidential),
                    ZoneFacts(name: "analytics", region: "us", classification: .internal),
                ]), revision: 7)
    }

    /// With layers besides rules and masks: in some worlds callers' zones, the host's ceiling, observation, pins.
    static func layered(
        _ rules: [Rule], _ masks: [Mask], using random: inout Seeded
    ) throws -> Ruleset {
        var ruleset = try ruleset(rules, masks)
        if Bool.random(using: &random) { return ruleset }
        ruleset.callers =
            [
                nil, nil, ["analytics.corp.example", "finance.corp.example"],
                ["finance.corp.example", "partner.example"],
            ].randomElement(using: &random) ?? nil
        ruleset.ceiling = try ceilings().randomElement(using: &random) ?? []
        ruleset.observedUntil = [nil, evening].randomElement(using: &random) ?? nil
        let approved = [
            ToolDefinition(name: "read_entry", digest: "sha256:aa", readOnly: true),
            ToolDefinition(name: "write_entry", digest: "sha256:bb", readOnly: nil),
            ToolDefinition(name: "write_entry", digest: "sha256:aa", readOnly: true),
        ]
        ruleset.pinning =
            [
                nil, nil, Pinning(mode: .report, approved: approved), Pinning(mode: .enforce, approved: approved),
                Pinning(mode: .off, approved: []),
            ].randomElement(using: &random) ?? nil
        if Int.random(in: 0..<8, using: &random) == 0 { ruleset.surroundings = Surroundings() }
        return ruleset
    }

    static func ceilings() throws -> [[Rule]] {
        let deny = Rule(
            id: "ceiling:no-writes", effect: .deny, capabilities: [try CapabilityPattern("tool:write_*")], to: [.anyone]
        )
        let allow = Rule(
            id: "ceiling:reading", effect: .allow,
            capabilities: [try CapabilityPattern("tool:read_*"), try CapabilityPattern("resource:ledger://**")],
            to: [.anyone], when: Conditions(networks: [try Network("10.0.0.0/9")]))
        let elsewhere = Rule(
            id: "ceiling:git", effect: .allow, capabilities: [try CapabilityPattern("*")], servers: [], to: [.anyone])
        let people = Rule(
            id: "ceiling:analysts", effect: .allow, capabilities: [try CapabilityPattern("*")],
            to: [try Principal("group:analysts"), try Principal("zone:analytics")],
            when: Conditions(arguments: ["account": try ArgumentTest("4*")]))
        return [[], [deny], [allow], [people, deny], [elsewhere], [allow, people]]
    }
}

/// A small deterministic generator (SplitMix64), so that every run sees the same worlds.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
