import HubService
import Model
import Storage
import Testing

@Suite struct AccessTests {
    private static let spoke = "finance/fin-1"

    private func report(
        _ hub: TestHub, servers: [ServerStatus] = [], decisions: [DecisionRecord] = [], at: Instant? = nil
    ) -> Report {
        Report(
            journal: "j-1", sequence: Int64(decisions.count),
            applied: AppliedBundle(
                revision: hub.parts.ledger.snapshot.state.revision(ofZone: "finance"), digest: "sha256:00"),
            refused: nil, servers: servers, usage: [], decisions: decisions, checkpoint: nil,
            listener: "127.0.0.1:9555",
            since: hub.now, at: at ?? hub.now)
    }

    private func merge(_ hub: TestHub, _ report: Report) async throws {
        let identity = try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1")
        guard let member = Member(identity, kind: .spoke, organization: "corp.example") else { return }
        _ = try await hub.parts.services.reports.merge(report, from: member)
    }

    @Test func aServerIsResolvedForWhomARuleCouldAllow() async throws {
        let hub = try await TestHub.applied()
        try await merge(hub, report(hub))
        let bot = try SPIFFEID("spiffe://analytics.corp.example/client/bot")
        let found = try await hub.parts.services.access.resolve("finance/ledger", for: bot)
        #expect(found.endpoints.map(\.url) == ["https://fin-1.finance.corp.example:9555/ledger/mcp"])
        #expect(found.endpoints.map(\.address) == ["127.0.0.1:9555"])
        #expect(found.endpoints.map(\.identity.description) == ["spiffe://finance.corp.example/spoke/fin-1"])
        // What nothing allows and what is not there are told in the same words.
        let access = hub.parts.services.access
        #expect(await code { try await access.resolve("finance/git", for: bot) } == "unknown-server")
        #expect(await code { try await access.resolve("finance/none", for: bot) } == "unknown-server")
        let other = try SPIFFEID("spiffe://finance.corp.example/client/housekeeping")
        #expect(await code { try await access.resolve("finance/ledger", for: other) } == "unknown-server")
    }

    @Test func aHypotheticalCallIsDecidedAsASpokeWould() async throws {
        let hub = try await TestHub.applied()
        let access = hub.parts.services.access
        let allowed = try await access.explain(
            ExplainRequest(by: "client:analytics/bot", server: "finance/ledger", capability: "tool:read_entry"),
            by: hub.owner)
        #expect(allowed.verdict == .allow)
        #expect(allowed.rule == "finance/read")
        let denied = try await access.explain(
            ExplainRequest(by: "client:analytics/bot", server: "finance/ledger", capability: "tool:delete_entry"),
            by: hub.owner)
        #expect(denied.verdict == .deny)
        #expect(denied.reason == "no-rule")
        let stranger = try await standing(hub, "eve@corp.example")
        let request = ExplainRequest(
            by: "client:analytics/bot", server: "finance/ledger", capability: "tool:read_entry")
        #expect(await code { try await access.explain(request, by: stranger) } == "forbidden")
        let vague = ExplainRequest(by: "anyone", server: "finance/ledger", capability: "tool:read_entry")
        #expect(await code { try await access.explain(vague, by: hub.owner) } == "bad-explain")
    }

    @Test func aDecisionThatWasMadeIsExplainedWithWhatWasRecorded() async throws {
        let hub = try await TestHub.applied()
        let record = DecisionRecord(
            number: 1, at: hub.now, caller: "spiffe://analytics.corp.example/client/bot", address: "127.0.0.1",
            server: "finance/ledger", aim: "tool:delete_entry", verdict: .deny, reason: "no-rule")
        try await merge(hub, report(hub, decisions: [record]))
        let explanation = try await hub.parts.services.access.explain(ExplainRequest(decision: "j-1:1"), by: hub.owner)
        #expect(explanation.recorded?.record == record)
        #expect(explanation.verdict == .deny)
        #expect(explanation.steps.map(\.rule) == ["finance/read"])
        let unknown = ExplainRequest(decision: "j-1:2")
        #expect(
            await code { try await hub.parts.services.access.explain(unknown, by: hub.owner) } == "unknown-decision")
        let lists = hub.parts.services.lists
        #expect(try await lists.decisions(Query(["verdict": "deny"]), hub.owner).map(\.id) == ["j-1:1"])
        #expect(try await lists.decisions(Query(["verdict": "allow"]), hub.owner).isEmpty)
        let auditor = try await standing(hub, "fin@corp.example")
        #expect(try await lists.decisions(Query(["zone": "finance"]), auditor).count == 1)
        #expect(await code { try await lists.decisions(Query(), auditor) } == "forbidden")
    }

    struct Recorded: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var verdict: DecisionRecord.Verdict
        var reason: String?
        var change: @Sendable (inout DecisionRecord) -> Void
    }

    static let recorded = [
        Recorded(testDescription: "what the definition said", verdict: .allow) {
            $0.aim = "tool:look"
            $0.readOnly = true
        },
        Recorded(testDescription: "what nobody said", verdict: .deny, reason: "missing-fact") { $0.aim = "tool:look" },
        Recorded(testDescription: "the age of the lease", verdict: .deny, reason: "stale") { $0.freshness = .expired },
        Recorded(testDescription: "a person whose groups are not recorded", verdict: .deny, reason: "missing-fact") {
            $0.caller = "https://idp.example#ana"
            $0.aim = "tool:count"
        },
        Recorded(testDescription: "a person through a client", verdict: .deny, reason: "no-rule") {
            $0.caller += "+https://idp.example#ana@desktop"
        },
        Recorded(testDescription: "what the host takes away", verdict: .deny, reason: "denied-by-rule") {
            $0.aim = "tool:read_secret"
        },
        Recorded(testDescription: "nobody who was known", verdict: .allow) { $0.caller = "-" },
        Recorded(testDescription: "a method of the protocol", verdict: .allow) { $0.aim = "ping" },
    ]

    @Test("a decision is explained with everything that was recorded of it", arguments: recorded)
    func everyRecordedFactCounts(row: Recorded) async throws {
        let hub = try await TestHub.applied()
        try await hub.apply(
            TestHub.topology {
                let bot = try Principal("client:analytics/bot")
                $0.rules += [
                    Rule(
                        id: "finance/look", effect: .allow, capabilities: [try CapabilityPattern("tool:look")],
                        servers: ["ledger"], to: [bot], when: Conditions(readOnly: true)),
                    Rule(
                        id: "finance/count", effect: .allow, capabilities: [try CapabilityPattern("tool:count")],
                        servers: ["ledger"], to: [.group("analysts")]),
                ]
            })
        var record = DecisionRecord(
            number: 1, at: hub.now, caller: "spiffe://analytics.corp.example/client/bot", address: "127.0.0.1",
            server: "finance/ledger", aim: "tool:read_entry", verdict: .allow, rule: "finance/read")
        row.change(&record)
        var report = report(hub, decisions: [record])
        let deny = Rule(
            id: "ceiling:no-secrets", effect: .deny, capabilities: [try CapabilityPattern("tool:read_secret")],
            to: [.anyone])
        report.ceiling = ReportedCeiling(Ceiling(rules: [deny]))
        try await merge(hub, report)
        let explanation = try await hub.parts.services.access.explain(ExplainRequest(decision: "j-1:1"), by: hub.owner)
        #expect(explanation.verdict == row.verdict)
        #expect(explanation.reason == row.reason)
        #expect(explanation.caller == record.caller)
    }

    @Test func aSpokeSpeaksForItsZoneAndNotFromTheFuture() async throws {
        let hub = try await TestHub.applied()
        let foreign = report(hub, servers: [ServerStatus(name: "analytics/x", state: .up)])
        #expect(await code { try await merge(hub, foreign) } == "bad-report")
        let early = report(hub, at: hub.now + .minutes(6))
        #expect(await code { try await merge(hub, early) } == "bad-report")
        try await hub.apply(
            TestHub.topology {
                $0.spokes.remove(at: 1); $0.servers = []; $0.rules = []
            }, allowRemovals: true)
        #expect(await code { try await merge(hub, report(hub)) } == "not-registered")
    }

    @Test func aRolloutTellsWhoHasIt() async throws {
        let hub = try await TestHub.applied()
        let lists = hub.parts.services.lists
        func state() async throws -> [String: Rollout.State] {
            let rows = try await lists.rollout(Query(["zone": "finance"]), hub.owner).rows
            return Dictionary(uniqueKeysWithValues: rows.map { ($0.spoke, $0.state) })
        }
        #expect(try await state() == ["finance/fin-1": .neverSeen, "finance/fin-2": .neverSeen])
        try await merge(hub, report(hub))
        #expect(try await state() == ["finance/fin-1": .current, "finance/fin-2": .neverSeen])
        try await hub.apply(TestHub.topology { $0.servers[1].description = "changed" })
        #expect(try await state() == ["finance/fin-1": .behind, "finance/fin-2": .neverSeen])
        hub.advance(by: .seconds(1))
        var refusing = report(hub)
        refusing.refused = RefusedDelivery(at: hub.now, code: "older", detail: "revision 1")
        try await merge(hub, refusing)
        #expect(try await state() == ["finance/fin-1": .refused, "finance/fin-2": .neverSeen])
    }

    @Test func whoHoldsARoleOverOneZoneSeesThatZone() async throws {
        let hub = try await TestHub.applied()
        let lists = hub.parts.services.lists
        let person = try await standing(hub, "rev@corp.example")
        #expect(lists.zones(person).map(\.name) == ["finance"])
        #expect(lists.zones(hub.owner).map(\.name) == ["analytics", "finance"])
        #expect(try lists.clients(Query(), person).map(\.name) == ["finance/housekeeping"])
        #expect(try await lists.servers(Query(["zone": "analytics"]), person).isEmpty)
        #expect(try await lists.status(person).clients == 1)
        #expect(await code { try await lists.bundle(zone: "analytics", spoke: "ana-1", person) } == "forbidden")
    }

    @Test(
        arguments: [
            ("zone=finance&limit=10", nil), ("zone=fin%61nce", nil), ("", nil),
            ("zone", "bad-query"), ("zone=a&zone=b", "bad-query"), ("zone=%zz", "bad-query"), ("zone=%ff", "bad-query"),
            (String(repeating: "a=b&", count: 33), "bad-query"),
        ] as [(String, String?)])
    func queriesAreReadStrictly(text: String, expected: String?) async {
        #expect(await code { try Query(parsing: text) } == expected)
    }
}
