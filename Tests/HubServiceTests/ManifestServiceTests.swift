import Foundation
import HubService
import Model
import Storage
import TestSupport
import Testing
import Trust

@Suite struct ManifestServiceTests {
    private func signers(_ hub: TestHub, _ numbers: [Int]) throws -> [PrivateKey] {
        try numbers.map { try PrivateKey(pem: try hub.directory.read("hub.manifest-keys/manifest-\($0).key")) }
    }

    private func prepared(_ hub: TestHub, _ roles: [String]) async throws -> DSSEEnvelope {
        let answer = try await hub.parts.services.manifests.prepare(RotateRequest(roles: roles))
        return try JSONCoding.decode(DSSEEnvelope.self, from: answer.manifest)
    }

    private func publish(_ hub: TestHub, _ envelope: DSSEEnvelope) async throws -> PublishManifestAnswer {
        try await hub.parts.services.manifests.publish(
            PublishManifestRequest(manifest: try JSONCoding.encode(envelope)), by: hub.owner)
    }

    private func signed(_ hub: TestHub, _ roles: [String], by numbers: [Int] = [1, 3]) async throws -> DSSEEnvelope {
        var envelope = try await prepared(hub, roles)
        for key in try signers(hub, numbers) { envelope = try envelope.adding(signatureBy: key) }
        return envelope
    }

    private func restarted(_ hub: TestHub) async throws -> HubParts {
        let now = hub.now
        return try await HubParts(quietly: hub.directory.file("hub")) { now }
    }

    private func check(_ delivery: PublishedDelivery?, under manifest: TrustManifest) throws {
        let delivery = try JSONCoding.decode(Delivery.self, from: try #require(delivery).json)
        let envelopes = try [delivery.bundle, delivery.lease].map {
            try JSONCoding.decode(DSSEEnvelope.self, from: $0)
        }
        _ = try manifest.verify(envelopes[0], payloadType: PolicyBundle.payloadType, role: .bundle)
        _ = try manifest.verify(envelopes[1], payloadType: Lease.payloadType, role: .lease)
        _ = try manifest.verifyCheckpoint(delivery.checkpoint)
    }

    @Test func everyOnlineKeyRotatesAndStreamsGetTheManifestBeforeTheDelivery() async throws {
        let hub = try await TestHub.applied()
        let mailbox = hub.parts.streams.add(spoke: "finance/fin-1")
        // A delivery of the old keys waits: it must not come after the manifest.
        try await hub.apply(TestHub.topology { $0.servers[1].description = "books" })
        let old = hub.parts.chain.current.newest
        let answer = try await publish(hub, try await signed(hub, ["bundle", "lease", "checkpoint"]))
        #expect(answer.version == 2)
        let new = hub.parts.chain.current.newest
        for role in OnlineKeys.roles { #expect(new.roles[role] != old.roles[role], "\(role)") }
        #expect(new.roles.manifest == old.roles.manifest)
        let items = mailbox.take()
        #expect(items.count == 2)
        guard case .manifests(let manifests)? = items.first, case .delivery(let delivery)? = items.last else {
            Issue.record("no manifest and delivery, but \(items.count) items")
            return
        }
        let links = try JSONCoding.decode(ManifestLinks.self, from: manifests.json)
        let envelopes = try links.manifests.map { try JSONCoding.decode(DSSEEnvelope.self, from: $0) }
        #expect(try TrustManifest.verifyLinks(envelopes, from: old) == [new])
        try check(delivery, under: new)
        #expect(await code { try check(delivery, under: old) } == "below-threshold")
        // The ledger goes on under the new key, and its old notes still hold.
        try await hub.apply(TestHub.topology { $0.servers[1].description = "more books" })
        #expect(try HubVerification.verify(data: hub.directory.file("hub")).report.problems == [])
        #expect(try await hub.parts.publisher.manifests(after: 1)?.version == 2)
        #expect(try await hub.parts.publisher.manifests(after: 2) == nil)

        let again = try await restarted(hub)
        #expect(again.chain.current.newest == new)
        try check(try await again.publisher.delivery(for: "finance/fin-1"), under: new)
        let files = try FileManager.default.contentsOfDirectory(atPath: hub.directory.file("hub/keys"))
        #expect(!files.contains { $0.contains("next") || $0.contains("manifest") })
    }

    /// The process dies between the entry and everything that follows from it.
    @Test func aStartTakesOverTheKeysOfAManifestThatIsInTheLedger() async throws {
        let hub = try await TestHub.applied()
        let envelope = try await signed(hub, ["lease", "checkpoint"])
        let bytes = try envelope.encoded
        try await hub.parts.ledger.append(by: .hub) { registry in
            [.manifestPublished(ManifestPublished(version: 2, digest: try registry.keep(artifact: bytes)))]
        }
        let again = try await restarted(hub)
        #expect(again.chain.current.newest.version == 2)
        try check(try await again.publisher.delivery(for: "finance/fin-1"), under: again.chain.current.newest)
        #expect(try HubVerification.verify(data: hub.directory.file("hub")).report.problems == [])
    }

    /// The write succeeds but is reported failed: whoever gave the command gives it again, or prepares the next version.
    @Test(arguments: [true, false]) func aManifestThatStandsIsTakenOverWithoutARestart(isGivenAgain: Bool) async throws
    {
        let hub = try await TestHub.applied()
        let mailbox = hub.parts.streams.add(spoke: "finance/fin-1")
        let old = hub.parts.chain.current.newest
        let envelope = try await signed(hub, ["bundle", "lease", "checkpoint"])
        let bytes = try envelope.encoded
        let commit = try await hub.parts.ledger.append(by: .hub) { registry in
            [.manifestPublished(ManifestPublished(version: 2, digest: try registry.keep(artifact: bytes)))]
        }
        #expect(hub.parts.chain.current.newest == old)
        _ = mailbox.take()
        if isGivenAgain {
            let answer = try await publish(hub, envelope)
            #expect(answer.version == 2 && answer.index == commit?.last)
        } else {
            let next = try TrustManifest.claimed(by: try await prepared(hub, ["lease"]))
            #expect(next.version == 3)
        }
        let new = hub.parts.chain.current.newest
        #expect(new.version == 2)
        guard case .manifests? = mailbox.take().first else {
            Issue.record("the open stream has not got the version")
            return
        }
        try check(try await hub.parts.publisher.delivery(for: "finance/fin-1"), under: new)
        try await hub.apply(TestHub.topology { $0.servers[1].description = "books" })
        #expect(try HubVerification.verify(data: hub.directory.file("hub")).report.problems == [])
        #expect(await code { try await publish(hub, envelope) } == "not-next-manifest")
        #expect(try await publish(hub, try await signed(hub, ["lease"])).version == 3)
    }

    /// The write of the copy fails: what stands in the ledger is in force all the same.
    @Test func aCopyThatCannotBeWrittenHoldsNothingUp() async throws {
        let hub = try await TestHub.applied()
        let path = hub.directory.file("hub/manifests.json")
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: "\(path)/in the way", withIntermediateDirectories: true)
        let envelope = try await signed(hub, ["lease", "checkpoint"])
        #expect(try await publish(hub, envelope).version == 2)
        let new = hub.parts.chain.current.newest
        #expect(new.version == 2)
        try check(try await hub.parts.publisher.delivery(for: "finance/fin-1"), under: new)
        #expect(await code { try await publish(hub, envelope) } == "not-next-manifest")
        try FileManager.default.removeItem(atPath: path)
        #expect(try await restarted(hub).chain.current.newest == new)
        #expect(FileManager.default.fileExists(atPath: path))
    }

    /// A key cannot take its place: the command fails though the version stands, and given again it is finished.
    @Test func aKeyThatCannotTakeItsPlaceIsTriedAgain() async throws {
        let hub = try await TestHub.applied()
        let envelope = try await signed(hub, ["lease"])
        let bytes = try envelope.encoded
        _ = try await hub.parts.ledger.append(by: .hub) { registry in
            [.manifestPublished(ManifestPublished(version: 2, digest: try registry.keep(artifact: bytes)))]
        }
        let path = hub.directory.file("hub/keys/lease.key")
        let key = try Data(contentsOf: URL(fileURLWithPath: path))
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: "\(path)/in the way", withIntermediateDirectories: true)
        #expect(await code { try await publish(hub, envelope) } != nil)
        #expect(hub.parts.chain.current.newest.version == 1)
        try FileManager.default.removeItem(atPath: path)
        try key.write(to: URL(fileURLWithPath: path))
        #expect(try await publish(hub, envelope).version == 2)
        try check(
            try await hub.parts.publisher.delivery(for: "finance/fin-1"), under: hub.parts.chain.current.newest)
    }

    @Test func whatIsRefusedChangesNothing() async throws {
        let hub = try await TestHub.applied()
        let good = try await signed(hub, ["lease"])
        let size = hub.parts.ledger.snapshot.size
        #expect(await code { try await publish(hub, try await prepared(hub, ["lease"])) } == "bad-envelope")
        #expect(await code { try await publish(hub, try await signed(hub, ["lease"], by: [2])) } == "below-threshold")
        #expect(
            await code { try await publish(hub, try await signed(hub, ["lease"], by: [2, 2])) } == "below-threshold")

        let current = hub.parts.chain.current.newest
        func sealed(_ manifest: TrustManifest) throws -> DSSEEnvelope { try manifest.signed(by: signers(hub, [1, 2])) }
        let foreign = try PrivateKey.generateEd25519().publicKey
        let notHeld = try current.successor(expires: hub.now + .days(9), replacing: [.bundle: ([foreign], 1)])
        #expect(await code { try await publish(hub, try sealed(notHeld)) } == "key-not-held")
        let ended = try current.successor(expires: hub.now, replacing: [:])
        #expect(await code { try await publish(hub, try sealed(ended)) } == "expired")
        var ahead = try current.successor(expires: hub.now + .days(9), replacing: [:])
        ahead.version = 3
        #expect(await code { try await publish(hub, try sealed(ahead)) } == "not-next-manifest")
        var elsewhere = try current.successor(expires: hub.now + .days(9), replacing: [:])
        elsewhere.origin = "corp.example/nave/2"
        #expect(await code { try await publish(hub, try sealed(elsewhere)) } == "no-start")
        // A running hub does not go back, whoever signs.
        elsewhere.start = TrustManifest.Start(size: size, root: digestText(of: [1]))
        #expect(await code { try await publish(hub, try sealed(elsewhere)) } == "foreign-origin")
        var rooted = try current.successor(expires: hub.now + .days(9), replacing: [:])
        rooted.roots.append(try TestPKI().root.certificate.pem)
        #expect(await code { try await publish(hub, try sealed(rooted)) } == "other-roots")
        #expect(hub.parts.ledger.snapshot.size == size)

        _ = try await publish(hub, good)
        #expect(await code { try await publish(hub, good) } == "not-next-manifest")
    }

    @Test func manifestKeysRotateToKeysMadeElsewhere() async throws {
        let hub = try await TestHub.applied()
        let fresh = try PrivateKey.generateEd25519()
        let service = hub.parts.services.manifests
        let text = Base64.encode(fresh.publicKey.ed25519Bytes ?? [])
        #expect(
            await code { try await service.prepare(RotateRequest(roles: ["manifest"])) } == "bad-manifest-keys")
        #expect(
            await code { try await service.prepare(RotateRequest(roles: ["lease"], manifestKeys: [text])) }
                == "bad-manifest-keys")
        #expect(
            await code {
                try await service.prepare(RotateRequest(roles: ["manifest"], manifestKeys: [text, text]))
            } == "bad-manifest-keys")
        #expect(await code { try await service.prepare(RotateRequest(roles: ["root"])) } == "unknown-role")
        let answer = try await service.prepare(RotateRequest(roles: ["manifest"], manifestKeys: [text]))
        var envelope = try JSONCoding.decode(DSSEEnvelope.self, from: answer.manifest)
        for key in try signers(hub, [1, 2]) { envelope = try envelope.adding(signatureBy: key) }
        let without = envelope
        #expect(await code { try await publish(hub, without) } == "below-threshold")
        let both = try envelope.adding(signatureBy: fresh)
        #expect(try await publish(hub, both).version == 2)
        // From now on the new key signs alone, and the old ones no more.
        let next = try await prepared(hub, [])
        let old = try signers(hub, [1, 2, 3])
        #expect(
            await code {
                try await publish(hub, try old.reduce(next) { try $0.adding(signatureBy: $1) })
            } == "below-threshold")
        #expect(try await publish(hub, try next.adding(signatureBy: fresh)).version == 3)
    }

    @Test func aSecondRequestPreparesTheSameKey() async throws {
        let hub = try await TestHub.applied()
        let first = try TrustManifest.claimed(by: try await prepared(hub, ["lease"]))
        let second = try TrustManifest.claimed(by: try await prepared(hub, ["lease", "bundle"]))
        #expect(first.roles.lease == second.roles.lease)
        #expect(first.roles.bundle != second.roles.bundle)
        #expect(hub.parts.chain.current.newest.version == 1)
    }

    @Test func aHubWhoseManifestHasEndedStartsSoThatTheNextCanBePublished() async throws {
        let hub = try await TestHub.applied()
        let service = hub.parts.services.manifests
        let answer = try await service.prepare(RotateRequest(roles: [], validFor: .days(1)))
        let short = try JSONCoding.decode(DSSEEnvelope.self, from: answer.manifest)
        _ = try await publish(hub, try signers(hub, [1, 2]).reduce(short) { try $0.adding(signatureBy: $1) })
        hub.advance(by: .days(2))
        let again = try await restarted(hub)
        #expect(again.chain.current.newest.expires < hub.now)
        #expect(try await publish(hub, try await signed(hub, [])).version == 3)
    }

    @Test func newcomersGetTheVersionThatTheirPinVouchesFor() async throws {
        let hub = try await TestHub.applied()
        _ = try await publish(hub, try await signed(hub, ["lease"]))
        let token = try await hub.invite(.spoke)
        let answer = try await hub.enrol(token, .generateP256())
        let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: answer.manifest)
        #expect(try TrustManifest.verifyFirst(envelope, pinnedRootSPKI: token.root).version == 1)
    }
}
