import HubService
import Model
import Storage
import Testing
import Trust

/// What the hub knows of its spokes' builds, and what it refuses for it.
@Suite struct WireVersionTests {
    private func report(_ hub: TestHub, _ name: String = "fin-1", wire: [Int64]) async throws {
        var report = Report(
            journal: "j-\(name)-\(wire)", sequence: 0, applied: nil, refused: nil, servers: [], usage: [],
            decisions: [],
            checkpoint: nil, listener: nil, since: hub.now, at: hub.now)
        report.wire = wire
        let spoke = try #require(
            Member(
                try SPIFFEID("spiffe://finance.corp.example/spoke/\(name)"), kind: .spoke, organization: "corp.example")
        )
        _ = try await hub.parts.services.reports.merge(report, from: spoke)
    }

    private func limited(_ change: (inout Topology) -> Void = { _ in }) throws -> Topology {
        try TestHub.topology {
            $0.servers[1].policy = Policy(limits: Limits(sessions: 2))
            $0.servers[1].place = Place(file: "servers.yaml", line: 4, column: 3)
            change(&$0)
        }
    }

    private func problems(_ hub: TestHub, _ topology: Topology) async throws -> [String] {
        do {
            try await hub.apply(topology)
            return []
        } catch let error as HubError {
            #expect(error.code == "spoke-too-old")
            return error.problems
        }
    }

    private func version(_ hub: TestHub, _ spoke: String) async throws -> Int64 {
        let published = try #require(try await hub.parts.publisher.delivery(for: spoke))
        let delivery = try JSONCoding.decode(Delivery.self, from: published.json)
        let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: delivery.bundle)
        return try JSONCoding.decode(PolicyBundle.self, from: #require(Base64.decode(envelope.payload))).v
    }

    @Test func aSpokeThatReadsNothingKnownHoldsUpItsZone() async throws {
        let hub = try await TestHub.applied()
        try await report(hub, wire: [0])
        let size = hub.parts.ledger.snapshot.size
        let changed = try TestHub.topology { $0.servers[1].description = "books" }
        #expect(try await problems(hub, changed) == ["finance/fin-1 reads 0, its bundle would need 1"])
        #expect(hub.parts.ledger.snapshot.size == size)
        // What does not concern that spoke goes on, and so does everything once it is upgraded.
        try await hub.apply(TestHub.topology { $0.clients.append(Client(zone: "analytics", name: "new-bot")) })
        hub.advance(by: .minutes(1))
        try await report(hub, wire: [0, 1])
        #expect(try await problems(hub, changed) == [])
    }

    @Test func aChangeThatAnOlderSpokeCouldNotEnforceIsRefusedAndItsCauseNamed() async throws {
        let hub = try await TestHub.applied()
        try await report(hub, wire: [1])
        let size = hub.parts.ledger.snapshot.size
        let cause = "finance/fin-1 reads 1, its bundle would need 2 for `limits.sessions` of server `finance/ledger` "
        #expect(try await problems(hub, limited()) == [cause + "(servers.yaml:4:3)"])
        #expect(hub.parts.ledger.snapshot.size == size)
        let plan = try await hub.parts.services.topology.plan(TopologyRequest(topology: limited()))
        #expect(plan.findings.filter { $0.code == "spoke-too-old" }.map(\.message) == [cause + "(servers.yaml:4:3)"])
        // What needs nothing new goes on, as a bundle of version 1.
        #expect(try await problems(hub, TestHub.topology { $0.servers[1].description = "books" }) == [])
        #expect(try await version(hub, "finance/fin-1") == 1)
        // The server is not placed on the other spoke: it goes on with version 1 whatever the first one gets.
        hub.advance(by: .minutes(1))
        try await report(hub, wire: [1, 2])
        try await report(hub, "fin-2", wire: [1])
        #expect(try await problems(hub, limited()) == [])
        #expect(try await version(hub, "finance/fin-1") == 2)
        #expect(try await version(hub, "finance/fin-2") == 1)
    }

    @Test func whoEnrolledAndNeverReportedMayBeOfAnyBuild() async throws {
        let hub = try await TestHub.applied()
        // Nobody enrolled: nobody is held up, and who comes later refuses what it cannot read.
        #expect(try await problems(hub, limited()) == [])
        try await hub.apply(TestHub.topology())
        let enrolled = try await hub.enrol(try await hub.invite(.spoke), .generateP256())
        #expect(try await problems(hub, limited()).count == 1)
        try await report(hub, wire: [1])
        #expect(try await problems(hub, limited()).count == 1)
        #expect(await code { try await report(hub, wire: Array(1...65)) } == "bad-report")
        hub.advance(by: .minutes(1))
        _ = try await hub.parts.services.enrolment.revoke(
            RevocationRequest(identity: enrolled.identity), by: hub.owner)
        #expect(try await problems(hub, limited()) == [])
    }

    @Test func aSpokeThatStepsBackHoldsUpOnlyWhatItCannotRead() async throws {
        let hub = try await TestHub.applied()
        try await report(hub, wire: [1, 2])
        try await hub.apply(limited())
        hub.advance(by: .minutes(1))
        try await report(hub, wire: [1])
        #expect(try await problems(hub, limited { $0.servers[1].description = "books" }).count == 1)
        #expect(try await problems(hub, TestHub.topology { $0.servers[1].description = "books" }) == [])
        #expect(try await version(hub, "finance/fin-1") == 1)
    }
}
