import HubService
import Model
import Testing

@Suite struct ObservedServerTests {
    @Test("an observed server is in the status and in every plan with its end and its reason, and enforces after it")
    func shown() async throws {
        let hub = try await TestHub.made()
        let until = hub.now + .days(2)
        let topology = try TestHub.topology { topology in
            topology.servers[1].enforcement = Enforcement(mode: .observe, until: until, reason: "FIN-1")
        }
        try await hub.apply(topology)
        let services = hub.parts.services
        #expect(
            try await services.lists.status(hub.owner).observed
                == [ObservedServer(name: "finance/ledger", until: until, reason: "FIN-1")])
        let row = try await services.lists.servers(Query(), hub.owner).first { $0.name == "finance/ledger" }
        #expect(row?.enforcement?.until == until && row?.enforcement?.reason == "FIN-1")
        // Who may not read the zone is not told of its servers.
        let other = Standing(identity: hub.owner.identity, organization: [], zones: ["analytics": [.owner]])
        #expect(try await services.lists.status(other).observed == nil)
        let request = TopologyRequest(topology: topology)
        #expect(try await services.topology.plan(request).findings.map(\.code).contains("observed-server"))
        let call = ExplainRequest(by: "client:analytics/bot", server: "finance/ledger", capability: "tool:delete_entry")
        #expect(try await services.access.explain(call, by: hub.owner).verdict == .wouldDeny)

        hub.advance(by: .days(2))
        #expect(try await services.lists.status(hub.owner).observed == nil)
        #expect(try await services.topology.plan(request).findings.map(\.code).contains("observation-ended"))
        #expect(try await services.access.explain(call, by: hub.owner).verdict == .deny)
    }
}
