import Foundation
import HubService
import Model
import Storage
import TestSupport
import Testing
import Trust

@Suite struct PublicationTests {
    private func types(_ hub: HubParts, from first: Int64) async throws -> [String] {
        try await hub.ledger.proofs.entries(from: first, type: nil, limit: 1000).compactMap { $0.1["type"]?.string }
    }

    private func delivery(_ hub: HubParts, _ spoke: String = "finance/fin-1") async throws -> Delivery {
        let published = try #require(try await hub.publisher.delivery(for: spoke))
        return try JSONCoding.decode(Delivery.self, from: published.json)
    }

    private func reopened(_ hub: TestHub) async throws -> HubParts {
        let now = hub.now
        return try await HubParts(quietly: hub.directory.file("hub")) { now }
    }

    @Test func aChangeOfBundlesIsOneEntryAndALeaseIsNone() async throws {
        let hub = try await TestHub.made()
        #expect(hub.parts.ledger.snapshot.publication == nil)
        let answer = try await hub.apply(TestHub.topology())
        let last = try #require(answer.change.index)
        #expect(try await types(hub.parts, from: last + 1) == ["bundles.published"])
        let publication = try #require(hub.parts.ledger.snapshot.publication)
        #expect(publication.body.count == 1 << 32)
        #expect(publication.body.revision == hub.parts.ledger.snapshot.state.revision(ofZone: "finance"))
        let size = hub.parts.ledger.snapshot.size
        for _ in 0..<5 {
            hub.advance(by: .minutes(1))
            try await hub.parts.publisher.renewLeases()
            _ = try await delivery(hub.parts)
        }
        // An invitation changes no bundle.
        _ = try await hub.invite(.spoke)
        #expect(hub.parts.ledger.snapshot.size == size + 1)
    }

    @Test func aDeliveryProvesItsBundle() async throws {
        let hub = try await TestHub.applied()
        for spoke in ["analytics/ana-1", "finance/fin-1", "finance/fin-2"] {
            let delivery = try await delivery(hub.parts, spoke)
            let proof = try #require(delivery.proof)
            let checkpoint = try Checkpoint(claimedBy: delivery.checkpoint)
            let entry = try #require(Base64.decode(proof.entry))
            try MerkleTree.verifyInclusion(
                leafHash: MerkleTree.leafHash(entry), index: proof.index, size: checkpoint.size,
                proof: ProofText.decode(proof.inclusion), root: checkpoint.root)
            guard case .bundlesPublished(let published) = try Entry(JSON(parsing: entry)).event else {
                Issue.record("not a publication")
                continue
            }
            let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: delivery.bundle)
            let payload = try #require(Base64.decode(envelope.payload))
            let bundle = try JSONCoding.decode(PolicyBundle.self, from: payload)
            let leaf = try PublishedBundle(digest: digestText(of: payload), spoke: bundle.spoke).leaf
            try SlotTree.verify(
                MerkleTree.leafHash(leaf), of: bundle.spoke.description, index: proof.leaf.index,
                count: published.count, proof: ProofText.decode(proof.leaf.path),
                root: Hex.decode(String(published.root.dropFirst(7))) ?? [])
            #expect(proof.consistency == nil)
        }
    }

    /// A spoke may have taken or refused each of what was sent since it last told what it holds.
    @Test func proofsBeginWhereTheSpokeMayStand() async throws {
        let hub = try await TestHub.applied()
        let publisher = hub.parts.publisher
        await publisher.heard("finance/fin-1", holding: 3, isNew: true)
        let first = try await delivery(hub.parts)
        #expect(first.proof?.consistency?.map(\.size) == [3])
        let sent = hub.parts.ledger.snapshot.size
        try await hub.apply(TestHub.topology { $0.rules = [] })
        let second = try await delivery(hub.parts)
        #expect(second.proof?.consistency?.map(\.size) == [3, sent])
        await publisher.heard("finance/fin-1", holding: sent, isNew: false)
        let third = try await delivery(hub.parts)
        #expect(third.proof?.consistency?.first?.size == sent)
        await publisher.heard("finance/fin-1", holding: nil, isNew: true)
        #expect(try await delivery(hub.parts).proof?.consistency == nil)
    }

    @Test func aStartFindsThePublicationAndAppendsNone() async throws {
        let hub = try await TestHub.applied()
        let before = hub.parts.ledger.snapshot
        let again = try await reopened(hub)
        #expect(again.ledger.snapshot.publication == before.publication)
        // The hub's own new certificate only.
        #expect(again.ledger.snapshot.size == before.size + 1)
        #expect(try await delivery(again).bundle == delivery(hub.parts).bundle)
    }

    /// The process died after the change was committed and before its bundles were published.
    @Test func aStartPublishesWhatACrashLeft() async throws {
        let hub = try await TestHub.applied()
        let directory = HubDirectory(hub.directory.file("hub"))
        let ledger = try Ledger(
            database: HubDatabase(directory: directory.path),
            signer: PrivateKey(pem: hub.directory.read("hub/keys/checkpoint.key")),
            origin: "corp.example/nave/1", now: { TestHub.start }, random: { try randomBytes($0) })
        let changed = try TestHub.topology { $0.rules = [] }
        _ = try await ledger.append(by: .hub) { registry in
            try topologyEvents(from: try registry.topology(), to: changed, digest: "sha256:00")
        }
        let crashed = ledger.snapshot
        let again = try await reopened(hub)
        let publication = try #require(again.ledger.snapshot.publication)
        #expect(publication.index >= crashed.size)
        #expect(publication.body.revision == crashed.state.revision(ofZone: "finance"))
        #expect(try await delivery(again).proof?.index == publication.index)
        #expect(try HubVerification.verify(data: directory.path).isClean)
    }

    @Test func verifyNamesAPublicationOfOtherBundles() async throws {
        let hub = try await TestHub.applied()
        #expect(try HubVerification.verify(data: hub.directory.file("hub")).isClean)
        var forged = try #require(hub.parts.ledger.snapshot.publication).body
        forged.root = digestText(of: [1])
        let body = forged
        let commit = try await hub.parts.ledger.append(by: .hub) { _ in [.bundlesPublished(body)] }
        let problems = try HubVerification.verify(data: hub.directory.file("hub")).report.problems
        #expect(problems.map(\.table) == ["publications"])
        #expect(problems.map(\.row) == [String(try #require(commit?.last))])
    }

    @Test func changesAtOnceArePublishedTogetherOrInOrder() async throws {
        let hub = try await TestHub.applied()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<12 {
                group.addTask {
                    try await hub.apply(TestHub.topology { $0.servers[0].description = "\(number)" })
                }
            }
            try await group.waitForAll()
        }
        let snapshot = hub.parts.ledger.snapshot
        #expect(snapshot.publication?.body.revision == snapshot.state.revision(ofZone: "finance"))
        let delivered = try #require(try await hub.parts.publisher.delivery(for: "finance/fin-1"))
        #expect(delivered.revision == snapshot.state.revision(ofZone: "finance"))
        #expect(try HubVerification.verify(data: hub.directory.file("hub")).isClean)
    }
}
