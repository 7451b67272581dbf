import Model
import TestSupport
import Testing

@Suite("who may use what")
struct AccessListTests {
    private static let worlds = isLong ? 24 : 8

    /// Principals, and who they are when they call.
    private func universe() throws -> [(principal: Principal, groups: Set<String>, callers: [Caller])] {
        func workload(_ text: String) throws -> Caller { Caller(workload: try SPIFFEID(text)) }
        let others = try [
            "spiffe://analytics.corp.example/client/other", "spiffe://finance.corp.example/client/other",
            "spiffe://partner.example/client/other", "spiffe://analytics.corp.example/client/bot",
            "spiffe://finance.corp.example/client/housekeeping", "spiffe://elsewhere.example/client/other",
        ].map { try SPIFFEID($0) }
        func person(_ subject: String, _ address: String, _ groups: Set<String>) -> [Caller] {
            let user = Caller.User(issuer: "https://idp", subject: subject, address: address, groups: groups)
            return [Caller(user: user)] + others.map { Caller(workload: $0, user: user) }
        }
        let named = try [
            ("client:analytics/bot", [try workload("spiffe://analytics.corp.example/client/bot")]),
            ("client:finance/housekeeping", [try workload("spiffe://finance.corp.example/client/housekeeping")]),
            ("zone:analytics", [Caller(workload: others[0])]), ("zone:finance", [Caller(workload: others[1])]),
            ("domain:partner.example", [Caller(workload: others[2])]),
            ("user:ana@corp.example", person("a", "ana@corp.example", [])),
            ("user:eve@corp.example", person("e", "eve@corp.example", [])),
            ("group:analysts", person("g", "some@body.example", ["analysts"])),
        ].map { (principal: try Principal($0), groups: Set<String>(), callers: $1) }
        // Who is in a group that rules name, as `--group` says it.
        let both = person("b", "ana@corp.example", ["analysts"])
        return named + [(principal: try Principal("user:ana@corp.example"), groups: Set(["analysts"]), callers: both)]
    }

    private func arguments() -> [JSON] {
        var all: [JSON] = []
        for account in ["41", "51", nil] as [JSON?] {
            for amount in [0, 10, 10.5, 2000, nil] as [JSON?] {
                for currency in ["EUR", "USD", nil] as [JSON?] {
                    for memo in ["x", nil] as [JSON?] {
                        for force in [true, false, nil] as [JSON?] {
                            var object = JSONObject()
                            object["account"] = account
                            object["amount"] = amount
                            object["payment"] = currency.map { ["currency": $0] }
                            object["memo"] = memo
                            object["force"] = force
                            all.append(.object(object))
                        }
                    }
                }
            }
        }
        return all
    }

    private func facts(_ capability: Capability, _ now: Instant, isPinned: Bool, _ arguments: [JSON]) -> [Facts] {
        var all: [Facts] = []
        let given = capability.kind == .resource ? [Facts.Arguments.none] : arguments.map { .given($0) }
        for address in ["10.1.2.3", "10.200.2.3"] {
            for arguments in given {
                for readOnly in capability.kind == .tool ? [true, false, nil] : [nil] {
                    for definition in isPinned ? ["sha256:aa", "sha256:bb", nil] : [nil] as [String?] {
                        all.append(
                            Facts(
                                now: now, address: IPAddress(address), readOnly: readOnly,
                                definitions: [definition].compactMap(\.self),
                                arguments: arguments))
                    }
                }
            }
        }
        return all
    }

    /// The law of completeness: no more and no less than what the oracle can allow under some facts.
    @Test("lists exactly the pairs of principal and capability that the oracle can allow")
    func completeness() throws {
        let (rules, masks, universe) = (try SmallWorlds.rules(), try SmallWorlds.masks(), try universe())
        let capabilities = try [
            "tool:read_entry", "tool:write_entry", "resource:ledger://r/a", "resource:ledger://r/a/b",
        ].map { try Capability($0) }
        let everything = try CapabilityPattern("*")
        let arguments = arguments()
        var random = Seeded(state: 21)
        var counts: [Bool: Int] = [:]
        for number in 0..<Self.worlds {
            let chosen = (0..<Int.random(in: 2...5, using: &random)).compactMap { _ in
                rules.randomElement(using: &random)
            }
            let world = try SmallWorlds.layered(
                chosen, masks.randomElement(using: &random) ?? [], using: &random)
            let now = [SmallWorlds.morning, SmallWorlds.evening][number % 2]
            let oracle = Oracle()
            let list = AccessList(world, at: now)
            // What `nave access who` shows, which asks for nobody by name.
            let whole = list.principals.flatMap { list.rows(of: $0) }
            for (principal, groups, callers) in universe {
                let all = list.rows(of: principal, groups: groups)
                for capability in capabilities {
                    let rows = list.rows(of: principal, groups: groups, capability: capability)
                    let possible = facts(capability, now, isPinned: world.pinning != nil, arguments)
                    func can(_ wanted: Oracle.Verdict) throws -> Bool {
                        try callers.contains { caller in
                            var world = world
                            // What a person may do is asked with a client that may do everything.
                            if wanted == .allow, caller.user != nil, let client = caller.workload {
                                world.rules.append(
                                    Rule(
                                        id: "client", effect: .allow, capabilities: [everything],
                                        to: [try Principal(client.description)]))
                            }
                            return possible.contains { facts in
                                let request = Request(caller: caller, aim: .use(capability), facts: facts)
                                return oracle.verdict(request, under: world) == wanted
                            }
                        }
                    }
                    func isListed(byRule: Bool) -> Bool {
                        whole.contains { row in
                            (row.rule != nil) == byRule && row.capabilities.contains { $0.matches(capability) }
                                && callers.contains { caller in
                                    caller.parts.contains {
                                        row.principal.names($0, of: caller, organization: SmallWorlds.organization)
                                            == .yes
                                    }
                                }
                        }
                    }
                    let allowed = rows.filter { row in
                        row.rule != nil && !row.conditions.contains { $0.hasPrefix("who is") }
                    }
                    let isAllowed = try can(.allow)
                    counts[isAllowed, default: 0] += 1
                    #expect(!allowed.isEmpty == isAllowed, "\(principal) \(capability) at \(now) under \(world)")
                    // Of each group that a denial spares the list has said it already.
                    let besides = list.rows(of: principal, capability: capability).contains {
                        $0.conditions.contains("who is also in group:analysts")
                    }
                    #expect(groups.isEmpty || !besides || isAllowed, "\(capability) under \(world)")
                    #expect(!isAllowed || isListed(byRule: true), "\(principal) \(capability) is nowhere in \(world)")
                    if world.observedUntil != nil {
                        let passes = try can(.wouldDeny)
                        #expect(
                            rows.contains { $0.rule == nil } == passes,
                            "\(principal) passes \(capability) at \(now) under \(world)")
                        #expect(!passes || isListed(byRule: false), "\(principal) passes unseen under \(world)")
                    }
                    // What is listed of one capability is listed of all.
                    for row in rows {
                        #expect(
                            all.contains {
                                $0.rule == row.rule && $0.through == row.through
                                    && $0.capabilities.contains { $0.matches(capability) }
                            }, "\(row) is not in \(all)")
                    }
                }
            }
        }
        #expect((counts[true] ?? 0) > 5 && (counts[false] ?? 0) > 5, "\(counts)")
    }

    private let now = SmallWorlds.morning

    private func rule(
        _ id: String, _ effect: Rule.Effect, _ capabilities: [String], to: [String], except: [String]? = nil,
        when: Conditions? = nil, until: Instant? = nil
    ) throws -> Rule {
        Rule(
            id: id, effect: effect, capabilities: try capabilities.map { try CapabilityPattern($0) },
            servers: [SmallWorlds.server], to: try to.map { try Principal($0) },
            except: try except?.map { try Principal($0) }, when: when, until: until)
    }

    @Test("what rules, revocations, the organization and the zone leave of a grant")
    func texts() throws {
        var world = try SmallWorlds.ruleset(
            [
                try rule("no-deletes", .deny, ["tool:delete_*"], to: ["anyone"]),
                try rule(
                    "finance/read", .allow, ["tool:read_*", "tool:delete_old"],
                    to: ["zone:analytics", "group:analysts"],
                    when: Conditions(hours: try Hours("Mon-Fri 07:00-19:00 Europe/Berlin"))),
                try rule("finance/gone", .allow, ["*"], to: ["group:analysts"], until: now),
                try rule("finance/no-bot", .deny, ["tool:read_secret"], to: ["client:analytics/bot"]),
            ],
            [
                Mask(
                    id: "rv-1", principal: try Principal("group:analysts"), server: SmallWorlds.server,
                    capabilities: [try CapabilityPattern("tool:read_*")], at: now, cause: .revoked)
            ])
        let zone = AccessList(world, at: now).rows(of: try Principal("zone:analytics"))
        #expect(zone.map(\.capabilities.description) == ["[tool:read_*]"], "what the organization denies is no access")
        #expect(zone.first?.conditions == ["during Mon-Fri 07:00-19:00 Europe/Berlin"])
        #expect(zone.first?.exceptions == ["not tool:read_secret for client:analytics/bot (finance/no-bot)"])
        // At night too: at which hours is a condition, and a revoked grant is none.
        let night = AccessList(world, at: now + .hours(14))
        #expect(night.rows(of: try Principal("zone:analytics")) == zone)
        #expect(night.rows(of: try Principal("group:analysts")) == [])
        let bot = AccessList(world, at: now).rows(of: try Principal("client:analytics/bot"))
        #expect(bot.map(\.through) == [try Principal("zone:analytics")])
        let secret = try Capability("tool:read_secret")
        #expect(AccessList(world, at: now).rows(of: try Principal("client:analytics/bot"), capability: secret) == [])
        // A zone that closes itself.
        world.callers = ["finance.corp.example"]
        #expect(AccessList(world, at: now).rows(of: try Principal("zone:analytics")) == [])
    }

    @Test("a deny that leaves a gap between two bounds leaves access")
    func gaps() throws {
        let allow = Conditions(arguments: ["amount": try ArgumentTest("<= 1000"), "to": try ArgumentTest("4*")])
        for (bound, isOpen) in [("> 500", true), ("> 1000", true), ("> 999.5", true), ("<= 1000", false)] {
            let deny = Conditions(arguments: ["amount": try ArgumentTest(bound), "to": try ArgumentTest("*")])
            let world = try SmallWorlds.ruleset(
                [
                    try rule("finance/pay", .allow, ["tool:pay"], to: ["client:analytics/bot"], when: allow),
                    try rule("finance/no", .deny, ["tool:*"], to: ["anyone"], when: deny),
                ], [])
            let rows = AccessList(world, at: now).rows(of: try Principal("client:analytics/bot"))
            #expect(rows.isEmpty != isOpen, "\(bound)")
        }
    }

    @Test("an observed server lets in whom no rule names, and the list says so")
    func observed() throws {
        var world = try SmallWorlds.ruleset(
            [try rule("finance/read", .allow, ["tool:read_*"], to: ["client:analytics/bot"])], [])
        world.observedUntil = now + .hours(24)
        let list = AccessList(world, at: now)
        let rows = list.principals.flatMap { list.rows(of: $0) }
        #expect(rows.contains { $0.principal == .anyone && $0.rule == nil })
        #expect(rows.contains { $0.principal != .anyone && $0.rule == "finance/read" })
        let empty = AccessList(
            {
                var world = world
                world.rules = []
                return world
            }(), at: now)
        #expect(empty.principals == [.anyone])
    }

    @Test("what an argument must not be leaves what else it can be", arguments: [true, false])
    func booleans(denied: Bool) throws {
        let test = ["force": try ArgumentTest(oneOf: [.bool(denied)])]
        let world = try SmallWorlds.ruleset(
            [
                try rule("finance/push", .allow, ["tool:push"], to: ["client:analytics/bot"]),
                try rule("finance/no", .deny, ["tool:push"], to: ["anyone"], when: Conditions(arguments: test)),
            ], [])
        let rows = AccessList(world, at: now).rows(of: try Principal("client:analytics/bot"))
        #expect(rows.map(\.rule) == ["finance/push"])
    }

    @Test("who is in two groups may do what neither may, and the list says so")
    func besides() throws {
        let world = try SmallWorlds.ruleset(
            [
                try rule(
                    "finance/no", .deny, ["tool:delete_*"], to: ["anyone"],
                    except: ["group:sre", "group:dba", "user:ana@corp.example"]),
                try rule("finance/delete", .allow, ["tool:delete_*", "tool:read"], to: ["group:on-call"]),
            ], [])
        let rows = AccessList(world, at: now).rows(of: .group("on-call"))
        #expect(
            rows.map { "\($0.capabilities) \($0.conditions)" } == [
                "[tool:read] []",
                #"[tool:delete_*] ["who is also in group:dba, group:sre"]"#,
                #"[tool:delete_*] ["who is also in group:dba"]"#,
                #"[tool:delete_*] ["who is also in group:sre"]"#,
                #"[tool:delete_*] ["who is user:ana@corp.example"]"#,
            ])
        #expect(AccessList(world, at: now).rows(of: .group("sre")) == [])
        #expect(AccessList(world, at: now).rows(of: .group("sre"), groups: ["on-call"]).count == 1)
    }
}
