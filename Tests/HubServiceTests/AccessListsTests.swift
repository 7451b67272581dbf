import HubService
import Model
import NIOConcurrencyHelpers
import Storage
import TestSupport
import Testing
import Trust

@Suite struct AccessListsTests {
    private func list(_ hub: TestHub, _ request: AccessRequest, by standing: Standing? = nil) async throws
        -> AccessAnswer
    {
        try await hub.parts.services.accessLists.list(request, by: standing ?? hub.owner)
    }

    @Test func whoAndWhatAreTheSameRows() async throws {
        let hub = try await TestHub.applied()
        let bot = try Principal("client:analytics/bot")
        let who = try await list(hub, AccessRequest(server: "finance/ledger"))
        #expect(who.rows.map(\.principal) == [bot] && who.rows.map(\.rule) == ["finance/read"])
        #expect(who.size == hub.parts.ledger.snapshot.size)
        #expect(try await list(hub, AccessRequest(principal: bot)).rows == who.rows)
        let read = AccessRequest(server: "finance/ledger", capability: "tool:read_entry")
        #expect(try await list(hub, read).rows == who.rows)
        let write = AccessRequest(server: "finance/ledger", capability: "tool:write_entry")
        #expect(try await list(hub, write).rows == [])
        #expect(try await list(hub, AccessRequest(server: "finance/git")).rows == [])
        #expect(await code { try await list(hub, AccessRequest()) } == "bad-access")
        #expect(await code { try await list(hub, AccessRequest(server: "finance/no")) } == "unknown-server")
        let odd = AccessRequest(server: "finance/ledger", capability: "read")
        #expect(await code { try await list(hub, odd) } == "bad-access")
        // Whoever may look at one zone sees that zone.
        let finance = try await standing(hub, "fin@corp.example")
        #expect(try await list(hub, AccessRequest(principal: bot), by: finance).rows == who.rows)
        let request = AccessRequest(server: "analytics/x")
        #expect(await code { try await list(hub, request, by: finance) } == "forbidden")
    }

    @Test func thePastIsFoldedAgain() async throws {
        let hub = try await TestHub.applied()
        let request = AccessRequest(server: "finance/ledger", at: hub.now)
        let then = try await list(hub, AccessRequest(server: "finance/ledger"))
        hub.advance(by: .hours(1))
        try await hub.apply(
            TestHub.topology {
                $0.rules[0].to = [try Principal("user:ana@corp.example"), try Principal("zone:analytics")]
            })
        hub.advance(by: .hours(1))
        let now = try await list(hub, AccessRequest(server: "finance/ledger"))
        #expect(now.rows.map(\.principal.description) == ["user:ana@corp.example", "zone:analytics"])
        let past = try await list(hub, request)
        #expect(past.rows == then.rows && past.size == then.size && past.at == request.at)
        // Addresses of people come back from the disclosures.
        let between = try await list(hub, AccessRequest(server: "finance/ledger", at: hub.now - .minutes(1)))
        #expect(between.rows == now.rows)
        let early = AccessRequest(server: "finance/ledger", at: TestHub.start - .days(1))
        #expect(await code { try await list(hub, early) } == "before-the-ledger")
        // Tomorrow is today's registry.
        let tomorrow = AccessRequest(server: "finance/ledger", at: hub.now + .days(1))
        #expect(try await list(hub, tomorrow).rows == now.rows)
    }

    /// Spoke fin-1 tells that its host keeps `read_entry` from everybody.
    private func reportCeiling(_ hub: TestHub, _ decisions: [DecisionRecord] = []) async throws {
        let deny = Rule(
            id: "ceiling:no-entries", effect: .deny, capabilities: [try CapabilityPattern("tool:read_entry")],
            to: [.anyone])
        let report = Report(
            journal: "j-1", sequence: 0, applied: nil, refused: nil, servers: [], usage: [], decisions: decisions,
            checkpoint: nil, listener: "127.0.0.1:9555", since: hub.now, at: hub.now,
            ceiling: ReportedCeiling(Ceiling(rules: [deny])))
        let identity = try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1")
        let spoke = try #require(Member(identity, kind: .spoke, organization: "corp.example"))
        _ = try await hub.parts.services.reports.merge(report, from: spoke)
    }

    @Test func whatAHostTakesAwayIsTold() async throws {
        let hub = try await TestHub.applied()
        try await reportCeiling(hub)
        let all = try await list(hub, AccessRequest(server: "finance/ledger"))
        #expect(all.rows.map(\.conditions) == [["on finance/fin-1"]])
        #expect(all.rows.map(\.exceptions) == [["not tool:read_entry (ceiling:no-entries)"]])
        let entry = AccessRequest(server: "finance/ledger", capability: "tool:read_entry")
        #expect(try await list(hub, entry).rows == [])
        let call = ExplainRequest(by: "client:analytics/bot", server: "finance/ledger", capability: "tool:read_entry")
        let explained = try await hub.parts.services.access.explain(call, by: hub.owner)
        #expect(explained.verdict == .deny && explained.rule == "ceiling:no-entries")
        #expect(explained.detail?.hasSuffix("on finance/fin-1") == true)
        #expect(all.note == nil)
        hub.advance(by: .hours(1))
        let past = try await list(hub, AccessRequest(server: "finance/ledger", at: hub.now - .minutes(1)))
        #expect(past.rows.map(\.conditions) == [[]] && past.note != nil)
        // What is planned is held against the host too.
        let more = try TestHub.topology {
            $0.rules.append(
                Rule(
                    id: "finance/more", effect: .allow, capabilities: [try CapabilityPattern("tool:read_entry")],
                    servers: ["ledger"], to: [.client(zone: "finance", name: "housekeeping")]))
        }
        let plan = try await hub.parts.services.topology.plan(TopologyRequest(topology: more))
        #expect(plan.access == [] && plan.ceilings == ["finance/fin-1"])
    }

    @Test func aRecordedDecisionIsExplainedUnderTheCeilingOfItsHost() async throws {
        let hub = try await TestHub.applied()
        let record = DecisionRecord(
            number: 1, at: hub.now, caller: "spiffe://analytics.corp.example/client/bot", address: "127.0.0.1",
            server: "finance/ledger", aim: "tool:read_entry", verdict: .deny, reason: "denied-by-rule",
            rule: "ceiling:no-entries", detail: nil, revision: 1)
        try await reportCeiling(hub, [record])
        let explained = try await hub.parts.services.access.explain(
            ExplainRequest(decision: "j-1:1"), by: hub.owner)
        #expect(explained.verdict == .deny && explained.rule == "ceiling:no-entries")
        #expect(explained.note?.contains("finance/fin-1") == true)
    }

    @Test("without a moment the answer is of now, ceilings included, though the clock goes on meanwhile")
    func nowIsOneMoment() async throws {
        let hub = try await TestHub.applied()
        try await reportCeiling(hub)
        let clock = NIOLockedValueBox(hub.now)
        let lists = AccessLists(
            ledger: hub.parts.ledger,
            history: LedgerHistory(database: try HubDatabase(directory: hub.directory.file("hub"))),
            usage: hub.parts.usage,
            now: {
                clock.withLockedValue {
                    $0 = $0 + Milliseconds(1)
                    return $0
                }
            })
        let answer = try await lists.list(AccessRequest(server: "finance/ledger"), by: hub.owner)
        #expect(answer.rows.map(\.exceptions) == [["not tool:read_entry (ceiling:no-entries)"]])
        #expect(answer.size == hub.parts.ledger.snapshot.size)
    }

    @Test func aPersonAndTheirClientAreExplainedTogether() async throws {
        let hub = try await TestHub.applied()
        try await hub.apply(
            TestHub.topology {
                $0.rules.append(
                    Rule(
                        id: "finance/people", effect: .allow, capabilities: [try CapabilityPattern("tool:read_*")],
                        servers: ["ledger"], to: [.group("analysts")], when: Conditions(readOnly: true)))
            })
        let access = hub.parts.services.access
        var request = ExplainRequest(
            by: "user:ana@corp.example", through: "client:analytics/bot", groups: ["analysts"],
            server: "finance/ledger",
            capability: "tool:read_entry", readOnly: true)
        #expect(try await access.explain(request, by: hub.owner).verdict == .allow)
        request.readOnly = false
        #expect(try await access.explain(request, by: hub.owner).reason == "condition-failed")
        request.readOnly = nil
        #expect(try await access.explain(request, by: hub.owner).reason == "missing-fact")
        request.groups = []
        #expect(try await access.explain(request, by: hub.owner).reason == "no-rule")
        request.through = "user:eve@corp.example"
        #expect(await code { try await access.explain(request, by: hub.owner) } == "bad-explain")
    }
}
