import HubService
import Model
import Storage
import Testing
import Trust

@Suite struct PublisherTests {
    private func bundle(_ hub: TestHub, _ spoke: String) async throws -> (PublishedDelivery, [UInt8]) {
        let published = try #require(try await hub.parts.publisher.delivery(for: spoke))
        let delivery = try JSONCoding.decode(Delivery.self, from: published.json)
        let manifest = try manifest(hub)
        let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: delivery.bundle)
        let payload = try manifest.verify(envelope, payloadType: PolicyBundle.payloadType, role: .bundle)
        let lease = try JSONCoding.decodeCanonical(
            Lease.self,
            from: try manifest.verify(
                try JSONCoding.decode(DSSEEnvelope.self, from: delivery.lease), payloadType: Lease.payloadType,
                role: .lease))
        #expect(lease.bundle == digestText(of: payload))
        #expect(lease.bundle == published.digest)
        #expect(try manifest.verifyCheckpoint(delivery.checkpoint).size == hub.parts.ledger.snapshot.size)
        return (published, payload)
    }

    private func manifest(_ hub: TestHub) throws -> TrustManifest {
        let envelope = try JSONCoding.decode(
            DSSEEnvelope.self, from: hub.parts.chain.current.opening(for: hub.parts.authority.root))
        return try TrustManifest.verifyFirst(
            envelope, pinnedRootSPKI: hub.parts.authority.root.publicKey.spkiDigest)
    }

    @Test func theSameStateGivesTheSameBytesAndOnlyTheLeaseMoves() async throws {
        let hub = try await TestHub.applied()
        let (first, payload) = try await bundle(hub, "finance/fin-1")
        hub.advance(by: .minutes(1))
        let (second, again) = try await bundle(hub, "finance/fin-1")
        #expect(first.revision == second.revision)
        #expect(payload == again)
        #expect(first.json != second.json)
        let content = try JSONCoding.decodeCanonical(PolicyBundle.self, from: payload)
        #expect(content.servers.map(\.name) == ["finance/git", "finance/ledger"])
        #expect(content.spoke.description == "spiffe://finance.corp.example/spoke/fin-1")
    }

    @Test func aSpokeGetsOnlyWhatIsPlacedOnIt() async throws {
        let hub = try await TestHub.applied()
        let (_, payload) = try await bundle(hub, "finance/fin-2")
        let content = try JSONCoding.decodeCanonical(PolicyBundle.self, from: payload)
        #expect(content.servers.map(\.name) == ["finance/git"])
        #expect(content.rules.isEmpty)
        #expect(try await hub.parts.publisher.delivery(for: "finance/fin-9") == nil)
    }

    @Test func aChangeIsPushedToTheStreamsItConcerns() async throws {
        let hub = try await TestHub.applied()
        let concerned = hub.parts.streams.add(spoke: "finance/fin-1")
        let other = hub.parts.streams.add(spoke: "analytics/ana-1")
        let answer = try await hub.apply(TestHub.topology { $0.rules = [] })
        let items = concerned.take()
        guard case .delivery(let delivery)? = items.first else {
            Issue.record("nothing was pushed")
            return
        }
        #expect(items.count == 1)
        #expect(delivery.revision == answer.change.index)
        #expect(other.take().isEmpty)
        #expect(concerned.take().isEmpty)
    }

    @Test func onlyTheNewestDeliveryWaits() async throws {
        let hub = try await TestHub.applied()
        let mailbox = hub.parts.streams.add(spoke: "finance/fin-1")
        for text in ["a", "b", "c"] {
            try await hub.apply(TestHub.topology { $0.servers[1].description = text })
        }
        hub.parts.streams.pingAll()
        let items = mailbox.take()
        #expect(items.count == 2)
        #expect(items.last == .ping)
    }

    @Test func aRevocationReachesEveryZone() async throws {
        let hub = try await TestHub.applied()
        let mailbox = hub.parts.streams.add(spoke: "analytics/ana-1")
        _ = try await hub.enrol(try await hub.invite(.spoke), .generateP256())
        #expect(mailbox.take().isEmpty)
        let revoked = try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1")
        _ = try await hub.parts.services.enrolment.revoke(RevocationRequest(identity: revoked), by: hub.owner)
        #expect(mailbox.take().count == 1)
    }
}
