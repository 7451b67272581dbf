import HubService
import Model
import Storage
import Testing
import Trust

@Suite struct TopologyServiceTests {
    @Test func applyingTheSameFilesAgainChangesNothing() async throws {
        let hub = try await TestHub.applied()
        let size = hub.parts.ledger.snapshot.size
        let answer = try await hub.apply(TestHub.topology())
        #expect(answer.plan.isEmpty)
        #expect(answer.change == ChangeAnswer(index: nil))
        #expect(hub.parts.ledger.snapshot.size == size)
        #expect(try hub.parts.services.topology.export() == TestHub.topology())
    }

    @Test func onlySpokesOfTheChangedZoneAreConcerned() async throws {
        let hub = try await TestHub.applied()
        let answer = try await hub.apply(TestHub.topology { $0.servers[1].description = "General ledger" })
        #expect(answer.change.spokes == ["finance/fin-1", "finance/fin-2"])
        #expect(answer.change.index == hub.parts.ledger.snapshot.size - 2)
    }

    @Test func removingAZoneNeedsToBeMeant() async throws {
        let hub = try await TestHub.applied()
        let less = try TestHub.topology {
            $0.zones.removeFirst()
            $0.spokes.removeFirst()
            $0.clients.removeFirst()
            $0.rules = []
        }
        #expect(await code { try await hub.apply(less) } == "needs-removals")
        #expect(hub.parts.ledger.snapshot.state.topology.zones.count == 2)
        let answer = try await hub.apply(less, allowRemovals: true)
        #expect(!answer.plan.removals.isEmpty)
        #expect(hub.parts.ledger.snapshot.state.topology.zones.map(\.name) == ["finance"])
    }

    @Test func removingOneOfFewIsNormalAndManyOfManyIsNot() async throws {
        let hub = try await TestHub.made()
        func topology(_ count: Int) throws -> Topology {
            try TestHub.topology { topology in
                topology.clients += (0..<count).map { Client(zone: "finance", name: "c-\($0)") }
            }
        }
        try await hub.apply(topology(28))
        // 30 clients: three are a tenth, four are more.
        #expect(await code { try await hub.apply(topology(24)) } == "needs-removals")
        #expect(await code { try await hub.apply(topology(25)) } == nil)
        #expect(await code { try await hub.apply(topology(24)) } == nil)
    }

    @Test func whoLeavesTheFilesIsRevokedInTheSameAppend() async throws {
        let hub = try await TestHub.applied()
        let answer = try await hub.enrol(try await hub.invite(.client, "finance", "housekeeping"), .generateP256())
        let chain = try Certificate.chain(pem: answer.chain).map(\.der)
        hub.advance(by: .minutes(10))
        try await hub.apply(TestHub.topology { $0.clients.removeLast() })
        let revoked = hub.parts.ledger.snapshot.state.revokedIdentities.map(\.identity)
        #expect(revoked == [answer.identity])
        let verifier = hub.parts.trust.verifier
        #expect(await code { try verifier.verify(chainDER: chain, purpose: .client, now: hub.now) } == "revoked")
    }

    @Test func filesThatMeanNothingAreRefusedWithAllTheirProblems() async throws {
        let hub = try await TestHub.applied()
        let wrong = try TestHub.topology {
            $0.servers[0].spokes = ["fin-8"]
            $0.servers[1].spokes = ["fin-9"]
        }
        do {
            try await hub.apply(wrong)
            Issue.record("a server was placed on a spoke that is not there")
        } catch let error as HubError {
            #expect(error.code == "topology-invalid")
            #expect(error.problems.count == 2)
        }
        let foreign = try TestHub.topology { $0.organization.domain = "other.example" }
        #expect(await code { try await hub.apply(foreign) } == "other-organization")
    }

    @Test func aZoneOwnerChangesTheZoneAndNoMore() async throws {
        let hub = try await TestHub.applied()
        let owner = try await standing(hub, "fin@corp.example")
        let inside = try TestHub.topology { $0.servers[1].description = "General ledger" }
        #expect(await code { try await hub.apply(inside, by: owner) } == nil)
        let outside = try TestHub.topology {
            $0.servers[1].description = "General ledger"
            $0.clients.append(Client(zone: "analytics", name: "c-2"))
        }
        #expect(await code { try await hub.apply(outside, by: owner) } == "forbidden")
        let itself = try TestHub.topology {
            $0.servers[1].description = "General ledger"
            $0.zones[1].networks = [try Network("0.0.0.0/0")]
        }
        #expect(await code { try await hub.apply(itself, by: owner) } == "forbidden")
        let reviewer = try await standing(hub, "rev@corp.example")
        #expect(await code { try await hub.apply(inside, by: reviewer) } == "forbidden")
    }

    @Test func aHubStaysOfItsEnvironment() async throws {
        let hub = try await TestHub.made()
        try await hub.apply(TestHub.topology { $0.organization.environment = "production" })
        for other in ["staging", nil] {
            let files = try TestHub.topology { $0.organization.environment = other }
            #expect(await code { try await hub.apply(files) } == "other-environment")
        }
        let token = try await hub.invite(.user, nil, nil, address: "fin@corp.example")
        #expect(try await hub.enrol(token, .generateP256()).environment == "production")
        let client = try await hub.invite(.client, "analytics", "bot")
        #expect(try await hub.enrol(client, .generateP256()).environment == nil)
    }
}

/// Somebody who was invited by that address.
func standing(_ hub: TestHub, _ address: String) async throws -> Standing {
    let token = try await hub.invite(.user, nil, nil, address: address)
    return Standing(of: try SPIFFEID("spiffe://corp.example/user/\(token.name)"), hub.parts.ledger.snapshot)
}
