import HubService
import Model
import Storage
import Testing

@Suite struct SavedPlanTests {
    @Test func whatWasPlannedIsAppliedOrNothing() async throws {
        let hub = try await TestHub.applied()
        let topology = hub.parts.services.topology
        let desired = try TestHub.topology { $0.servers[1].description = "General ledger" }
        let plan = try await topology.plan(TopologyRequest(topology: desired))
        let base = try #require(plan.base)
        #expect(base.map(\.object) == [ObjectName(kind: .server, name: "finance/ledger")])
        let bound = PlanBinding(changes: plan.changes, base: base)
        // Somebody else sets the same object in the meantime, and sets it back.
        try await hub.apply(TestHub.topology { $0.servers[1].description = "other" })
        try await hub.apply(TestHub.topology())
        // What was planned and shown is held to the same.
        let request = TopologyRequest(topology: desired).held(to: plan)
        #expect(
            request.bound == bound
                && request.held(
                    to: Plan(
                        changes: [], access: [], denies: [], findings: [], removals: [], base: [])
                ).bound == bound)
        let size = hub.parts.ledger.snapshot.size
        #expect(await code { try await topology.apply(request, by: hub.owner) } == "plan-moved")
        #expect(hub.parts.ledger.snapshot.size == size)
        let again = try await topology.plan(TopologyRequest(topology: desired))
        let fresh = TopologyRequest(
            topology: desired, bound: PlanBinding(changes: again.changes, base: again.base ?? []))
        // Something that the plan did not see would be undone.
        try await hub.apply(TestHub.topology { $0.clients[0].purpose = "reports" })
        #expect(await code { try await topology.apply(fresh, by: hub.owner) } == "plan-moved")
        try await hub.apply(TestHub.topology())
        #expect(try await topology.apply(fresh, by: hub.owner).plan.changes == again.changes)
        // Once.
        #expect(await code { try await topology.apply(fresh, by: hub.owner) } == "plan-moved")
    }
}
