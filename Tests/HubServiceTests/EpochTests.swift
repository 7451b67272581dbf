import Foundation
import HubService
import Model
import Storage
import TestSupport
import Testing
import Trust

/// A hub that lost what it decided last, restored in `new`.
@Suite struct EpochTests {
    private func backup(_ hub: TestHub, _ name: String = "backup", withKeys: Bool = true) throws {
        _ = try HubBackup(data: hub.directory.file("hub"), target: hub.directory.file(name), withKeys: withKeys)
            .run(now: hub.now)
    }

    private func restore(
        _ hub: TestHub, _ name: String = "backup", keys: String? = nil, previous: String? = "hub"
    ) throws -> HubRestore.Outcome {
        try HubRestore(
            backup: hub.directory.file(name), data: hub.directory.file("new"),
            keys: keys.map { hub.directory.file($0) }, previous: previous.map { hub.directory.file($0) }
        ).run()
    }

    /// Applied, backed up, changed.
    private func shortened() async throws -> TestHub {
        let hub = try await TestHub.applied()
        try backup(hub)
        try await hub.apply(TestHub.topology { $0.servers[1].description = "books" })
        return hub
    }

    private func prepare(_ hub: TestHub, _ name: String = "next.json", published: [String] = []) throws {
        _ = try EpochPreparation(
            data: hub.directory.file("new"), target: hub.directory.file(name),
            published: published.map { hub.directory.file($0) }
        ).run(now: hub.now)
    }

    private func sign(
        _ hub: TestHub, _ name: String = "next.json", by numbers: [Int] = [1, 3],
        _ change: (inout TrustManifest) -> Void = { _ in }
    ) throws {
        let envelope = try DSSEEnvelope(parsing: Array(try hub.directory.read(name).utf8))
        var manifest = try TrustManifest.claimed(by: envelope)
        change(&manifest)
        let keys = try numbers.map {
            try PrivateKey(pem: try hub.directory.read("hub.manifest-keys/manifest-\($0).key"))
        }
        try hub.directory.write(name, String(decoding: try manifest.signed(by: keys).encoded, as: UTF8.self))
    }

    @discardableResult
    private func open(
        _ hub: TestHub, _ name: String = "next.json", revoked: [String] = [], serials: [String] = []
    ) throws -> EpochOpening.Outcome {
        let now = hub.now
        return try EpochOpening(
            data: hub.directory.file("new"), manifest: hub.directory.file(name), why: "a test", revoked: revoked,
            revokedSerials: serials
        ).run { now }
    }

    private func started(_ hub: TestHub, _ name: String = "new") async throws -> HubParts {
        let now = hub.now
        return try await HubParts(quietly: hub.directory.file(name)) { now }
    }

    private func verified(_ hub: TestHub, _ name: String = "new") throws -> [String] {
        try HubVerification.verify(data: hub.directory.file(name)).report.problems.map {
            "\($0.table) \($0.row) \($0.message)"
        }
    }

    /// The key of before is gone for good once it was followed, and the ledger that knows of the next one is lost.
    @Test func keysNewerThanTheLedgerAreFoundBeforeAnEpochIsPrepared() async throws {
        let hub = try await TestHub.applied()
        try backup(hub)
        let authorities = hub.parts.services.authorities
        _ = try await authorities.prepare("organization", AuthorityRequest(), by: hub.owner)
        _ = try await authorities.activate("organization", AuthorityRequest(), by: hub.owner)
        let unfit = try restore(hub, keys: "hub")
        #expect(unfit.unheldKey != nil && unfit.text.contains("IT CANNOT START YET"))
        #expect(await code { try prepare(hub) } == "authority-key-missing")
        #expect(!FileManager.default.fileExists(atPath: hub.directory.file("next.json")))
        // With the keys of its time it goes on.
        try FileManager.default.removeItem(atPath: hub.directory.file("new"))
        #expect(try restore(hub).unheldKey == nil)
        try prepare(hub)
        try sign(hub)
        try open(hub)
        #expect(try await started(hub).ledger.snapshot.size > 0)
    }

    @Test func aRestoredHubServesOnlyInTheNextEpoch() async throws {
        let hub = try await shortened()
        let outcome = try restore(hub)
        #expect(outcome.standing == .shorter && outcome.need != nil)
        #expect(outcome.lost?["object.set"] == 1 && outcome.lost?["bundles.published"] == 1, "\(outcome.lost ?? [:])")
        #expect(outcome.text.contains("nave-hub epoch prepare"))
        #expect(await code { try await started(hub) } == "epoch-needed")
        #expect(
            await code {
                try await AdminRecovery(
                    data: hub.directory.file("new"), adminContext: hub.directory.file("rescue.json")
                ).run(now: { TestHub.start })
            } == "epoch-needed")
        #expect(!FileManager.default.fileExists(atPath: hub.directory.file("rescue.json")))
        #expect(try verified(hub) == [])

        try prepare(hub)
        #expect(await code { try prepare(hub) } == "exists")
        #expect(await code { try await started(hub) } == "epoch-needed", "prepared is not opened")
        try sign(hub)
        let opened = try open(hub)
        #expect(opened.index == outcome.note.size && opened.version == 2)
        #expect(try verified(hub) == [])
        let parts = try await started(hub)
        let newest = parts.chain.current.newest
        #expect(newest.origin == "corp.example/nave/2" && newest.start?.size == outcome.note.size)
        for role in OnlineKeys.roles { #expect(newest.roles[role] != hub.parts.chain.current.newest.roles[role]) }
        #expect(try verified(hub) == [])
        let keys = try FileManager.default.contentsOfDirectory(atPath: hub.directory.file("new/keys"))
        #expect(!keys.contains { $0.contains("next") })
        // Given again, also after the hub served, the command says the same.
        #expect(try open(hub) == opened)
        // The wheel goes on: deliveries are of the new epoch, and prove that they continue its start.
        let delivery = try JSONCoding.decode(
            Delivery.self, from: try #require(try await parts.publisher.delivery(for: "finance/fin-1")).json)
        let checkpoint = try newest.verifyCheckpoint(delivery.checkpoint)
        let proof = try #require(delivery.proof?.consistency?.first { $0.size == newest.start?.size })
        try #require(newest.startCheckpoint).demandExtended(by: checkpoint, proof: try ProofText.decode(proof.path))
        // A backup of it is of the epoch, and restores as the same.
        _ = try HubBackup(data: hub.directory.file("new"), target: hub.directory.file("later"), withKeys: true)
            .run(now: hub.now)
        let again = try HubRestore(
            backup: hub.directory.file("later"), data: hub.directory.file("third"), keys: nil,
            previous: hub.directory.file("new")
        ).run()
        #expect(again.standing == .same && again.need == nil && again.note.origin == "corp.example/nave/2")
        #expect(await code { try await started(hub, "third") } == nil)
    }

    @Test func tokensThatWereOutAreVoidAndNamedIdentitiesRevokedFromTheFirstMoment() async throws {
        let hub = try await TestHub.applied()
        let token = try await hub.invite(.spoke)
        let second = try await hub.enrol(try await hub.invite(.spoke, "finance", "fin-2"), .generateP256())
        let chain = try Certificate.chain(pem: second.chain)
        try backup(hub)
        // In what is lost the token is spent, and somebody is revoked.
        _ = try await hub.enrol(token, .generateP256())
        _ = try restore(hub)
        try prepare(hub)
        try sign(hub)
        let bot = "spiffe://analytics.corp.example/client/bot"
        #expect(await code { try open(hub, revoked: ["bot"]) } == "bad-spiffe-id")
        for serial in [
            "", "0", chain[0].serial.uppercased(), "00ff", String(repeating: "ab", count: 21), "serial 12345678",
        ] {
            #expect(await code { try open(hub, serials: [serial]) } == "bad-serial", "\(serial)")
        }
        try open(hub, revoked: [bot], serials: [chain[0].serial])
        let parts = try await started(hub)
        #expect(parts.ledger.snapshot.state.revokedSerials == [chain[0].serial])
        let verifier = parts.trust.verifier
        #expect(
            await code {
                try verifier.verify(chainDER: chain.map(\.der), purpose: .client, now: hub.now)
            } == "revoked")
        let csr = Base64.encode(try CertificateRequest.make(key: .generateP256()))
        let refused = await code {
            try await parts.services.enrolment.enrol(token.request(csr: csr), from: "127.0.0.1")
        }
        #expect(refused == "token-withdrawn", "\(refused ?? "taken")")
        let bundle = try #require(
            compileBundle(
                spoke: Spoke(zone: "finance", name: "fin-1"), from: parts.ledger.snapshot.state))
        #expect(bundle.revokedIdentities.map(\.identity.description) == [bot])
        #expect(bundle.revokedSerials == [chain[0].serial])
        #expect(bundle.origin == "corp.example/nave/2")
    }

    @Test func anAuthorityRetiresAgainWithItsKeyUnlessCertificatesAreIssuedUnderIt() async throws {
        let hub = try await TestHub.applied()
        let authorities = hub.parts.services.authorities
        _ = try await authorities.prepare("finance", AuthorityRequest(), by: hub.owner)
        _ = try await authorities.activate("finance", AuthorityRequest(), by: hub.owner)
        try backup(hub)
        try await hub.apply(TestHub.topology { $0.servers[1].description = "books" })
        _ = try restore(hub)
        try prepare(hub)
        try sign(hub)
        let records = hub.parts.ledger.snapshot.authorities
        let old = try #require(records.first { $0.name == "finance" && $0.state == .old })
        for active in records where active.state == .active {
            #expect(await code { try open(hub, serials: [old.serial, active.serial]) } == "authority-active")
        }
        try open(hub, serials: [old.serial])
        let parts = try await started(hub)
        #expect(parts.ledger.snapshot.state.revokedSerials == [old.serial])
        #expect(parts.ledger.snapshot.state.retiredKeys == [old.key])
        #expect(parts.ledger.snapshot.authorities.first { $0.serial == old.serial }?.state == .retired)
        #expect(try verified(hub) == [])
    }

    @Test func whatDoesNotBeginTheEpochChangesNothing() async throws {
        let hub = try await shortened()
        let size = try restore(hub).note.size
        try prepare(hub)
        #expect(await code { try open(hub) } == "bad-envelope")
        let unsigned = try hub.directory.read("next.json")
        func opening(by numbers: [Int] = [1, 2], _ change: (inout TrustManifest) -> Void) async throws -> String? {
            try hub.directory.write("next.json", unsigned)
            try sign(hub, by: numbers, change)
            return await code { try open(hub) }
        }
        let foreign = try PrivateKey.generateEd25519().publicKey
        let root = try TestPKI().root.certificate.pem
        #expect(try await opening(by: [2]) { _ in } == "below-threshold")
        #expect(try await opening(by: [2, 2]) { _ in } == "below-threshold")
        #expect(try await opening { $0.version = 3 } == "not-next-manifest")
        #expect(try await opening { $0.origin = "corp.example/nave/3" } == "not-next-epoch")
        #expect(try await opening { $0.start = nil } == "no-start")
        #expect(
            try await opening { manifest in
                manifest.start = nil
                manifest.origin = "corp.example/nave/1"
            } == "same-epoch")
        #expect(try await opening { $0.start?.size -= 1 } == "other-start")
        #expect(try await opening { $0.start?.root = digestText(of: [1]) } == "other-start")
        #expect(try await opening { $0.roots.append(root) } == "other-roots")
        #expect(try await opening { $0.expires = hub.now } == "expired")
        #expect(
            try await opening { manifest in
                manifest.keys[foreign.spkiDigest] = TrustManifest.Key(
                    algorithm: "ed25519", public: Base64.encode(foreign.ed25519Bytes ?? []))
                manifest.roles.checkpoint.keys = [foreign.spkiDigest]
            } == "key-not-held")
        #expect(try DatabaseCopy.extent(of: hub.directory.file("new")).size == size)
        #expect(await code { try await started(hub) } == "epoch-needed")
        #expect(try await opening { _ in } == nil)
        #expect(await code { try await started(hub) } == nil)
    }

    /// The process dies after the one append that counts.
    @Test func aStartMakesGoodWhatADeadOpeningLeft() async throws {
        let hub = try await shortened()
        _ = try restore(hub)
        try prepare(hub)
        try sign(hub)
        let before = hub.directory.file("before")
        try FileManager.default.copyItem(atPath: hub.directory.file("new"), toPath: before)
        try open(hub)
        // The database as it is after the append; everything else as it was before it.
        for name in ["hub.sqlite", "hub.sqlite-wal", "hub.sqlite-shm"] {
            try? FileManager.default.removeItem(atPath: "\(before)/\(name)")
            try? FileManager.default.copyItem(atPath: hub.directory.file("new/\(name)"), toPath: "\(before)/\(name)")
        }
        #expect(FileManager.default.fileExists(atPath: "\(before)/epoch.json"))
        let parts = try await started(hub, "before")
        #expect(parts.chain.current.newest.epoch == 2)
        #expect(!FileManager.default.fileExists(atPath: "\(before)/epoch.json"))
        #expect(try verified(hub, "before") == [])
    }

    @Test func aBackupOfAHubThatWaitsForItsEpochWaitsToo() async throws {
        let hub = try await shortened()
        _ = try restore(hub)
        for withKeys in [false, true] {
            _ = try HubBackup(
                data: hub.directory.file("new"), target: hub.directory.file("waiting-\(withKeys)"), withKeys: withKeys
            ).run(now: hub.now)
            let outcome = try HubRestore(
                backup: hub.directory.file("waiting-\(withKeys)"), data: hub.directory.file("third-\(withKeys)"),
                keys: hub.directory.file("hub"), previous: hub.directory.file("new")
            ).run()
            #expect(outcome.standing == .same && outcome.need != nil)
            #expect(await code { try await started(hub, "third-\(withKeys)") } == "epoch-needed")
        }
    }

    // MARK: combinations

    private func rotate(_ hub: TestHub, _ name: String) async throws {
        let answer = try await hub.parts.services.manifests.prepare(
            RotateRequest(roles: ["bundle", "lease", "checkpoint"]))
        try hub.directory.write(name, String(decoding: answer.manifest.canonicalBytes, as: UTF8.self))
        try sign(hub, name)
        let envelope = try JSON(parsing: Array(try hub.directory.read(name).utf8))
        _ = try await hub.parts.services.manifests.publish(PublishManifestRequest(manifest: envelope), by: hub.owner)
    }

    @Test("a backup from before two rotations, with the keys of after them: the versions come along")
    func keysNewerThanTheLedger() async throws {
        let hub = try await TestHub.applied()
        try backup(hub, withKeys: false)
        try await rotate(hub, "second.json")
        try await rotate(hub, "third.json")
        try backup(hub, "keyed")
        let outcome = try restore(hub, keys: "keyed", previous: nil)
        #expect(outcome.need != nil)
        try prepare(hub)
        try sign(hub)
        #expect(try open(hub).version == 4)
        #expect(try verified(hub) == [])
        let parts = try await started(hub)
        #expect(parts.chain.current.manifests.map(\.version) == [1, 2, 3, 4])
        // Who holds version 3 walks on.
        let links = try #require(parts.chain.current.links(after: 3))
        let envelopes = try links.manifests.map { try JSONCoding.decode(DSSEEnvelope.self, from: $0) }
        let reached = try #require(
            try TrustManifest.verifyLinks(envelopes, from: hub.parts.chain.current.newest).last)
        try reached.checkExpiry(hub.now)
        #expect(reached.epoch == 2)
    }

    @Test("everything from before two rotations: the published versions are named, and the way goes on")
    func allFromBefore() async throws {
        let hub = try await TestHub.applied()
        try backup(hub)
        try await rotate(hub, "second.json")
        try await rotate(hub, "third.json")
        _ = try restore(hub, previous: nil)
        // Without them the version would be the second, which spokes that hold the third refuse.
        try prepare(hub, "blind.json")
        try sign(hub, "blind.json")
        let blind = try DSSEEnvelope(parsing: Array(try hub.directory.read("blind.json").utf8))
        #expect(
            await code {
                try TrustManifest.verifySuccessor(blind, of: hub.parts.chain.current.newest, now: hub.now)
            } == "not-next-manifest")
        #expect(await code { try prepare(hub, "gap.json", published: ["third.json"]) } == "not-next-manifest")
        try prepare(hub, published: ["second.json", "third.json"])
        try sign(hub)
        let opened = try open(hub)
        #expect(opened.version == 4)
        #expect(try verified(hub) == [])
        #expect(await code { try await started(hub) } == nil)
        // The one that was signed too early is worth nothing now.
        #expect(await code { try open(hub, "blind.json") } == "not-next-manifest")
    }

    @Test("the newest ledger with the keys of before a rotation: they cannot sign, a new epoch can")
    func keysOlderThanTheLedger() async throws {
        let hub = try await TestHub.applied()
        try backup(hub, "keyed")
        try await rotate(hub, "second.json")
        try backup(hub, withKeys: false)
        let outcome = try restore(hub, keys: "keyed")
        #expect(outcome.standing == .same && outcome.need != nil)
        #expect(await code { try await started(hub) } == "epoch-needed")
        try prepare(hub)
        try sign(hub)
        try open(hub)
        #expect(await code { try await started(hub) } == nil)
        #expect(try verified(hub) == [])
    }

    @Test("keys rotate, a person is erased, the hub is restored: verify is clean and the name is gone")
    func rotationErasureRestore() async throws {
        let hub = try await TestHub.applied()
        _ = try await hub.invite(.user, nil, nil, address: "kim@corp.example")
        try await rotate(hub, "second.json")
        _ = try await hub.parts.services.persons.erase(
            EraseRequest(address: "kim@corp.example", why: "DSR-1"), by: hub.owner)
        try backup(hub)
        try await rotate(hub, "third.json")
        let outcome = try restore(hub)
        #expect(outcome.lost?["manifest.published"] == 1)
        try prepare(hub, published: ["third.json"])
        try sign(hub)
        try open(hub)
        let parts = try await started(hub)
        #expect(try verified(hub) == [])
        #expect(parts.chain.current.newest.version == 4)
        for name in try FileManager.default.subpathsOfDirectory(atPath: hub.directory.file("new")) {
            guard let bytes = FileManager.default.contents(atPath: hub.directory.file("new/\(name)")) else { continue }
            #expect(bytes.range(of: Data("kim@corp.example".utf8)) == nil, "\(name)")
        }
    }

    @Test("with encrypted keys every step takes the passphrase, and nothing without")
    func encrypted() async throws {
        let directory = try TemporaryDirectory()
        let passphrase = Array("correct horse".utf8)
        let now: @Sendable () -> Instant = { TestHub.start }
        try await HubInit(
            data: directory.file("hub"), organization: "corp.example", listen: "127.0.0.1:8443", front: nil,
            adminContext: nil, environment: .development, passphrase: passphrase,
            manifestKeysPassphrase: Array("battery staple".utf8)
        ).run(now: now)
        let pem = try directory.read("hub.manifest-keys/manifest-1.key")
        #expect(pem.hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----"))
        let signer = try PrivateKey(pem: pem, passphrase: Array("battery staple".utf8))
        _ = try HubBackup(
            data: directory.file("hub"), target: directory.file("backup"), withKeys: true, passphrase: passphrase
        ).run(now: TestHub.start)
        func restore(_ passphrase: [UInt8]?) throws -> HubRestore.Outcome {
            try HubRestore(
                backup: directory.file("backup"), data: directory.file("new"), keys: nil, previous: nil,
                passphrase: passphrase
            ).run()
        }
        #expect(await code { try restore(nil) } == "passphrase-missing")
        #expect(await code { try restore(Array("wrong".utf8)) } == "wrong-passphrase")
        #expect(!FileManager.default.fileExists(atPath: directory.file("new")))
        _ = try restore(passphrase)
        func prepare(_ passphrase: [UInt8]?) throws {
            _ = try EpochPreparation(
                data: directory.file("new"), target: directory.file("next.json"), passphrase: passphrase
            ).run(now: TestHub.start)
        }
        try prepare(passphrase)
        let envelope = try DSSEEnvelope(parsing: Array(try directory.read("next.json").utf8))
        try directory.write(
            "next.json", String(decoding: try envelope.adding(signatureBy: signer).encoded, as: UTF8.self))
        func open(_ passphrase: [UInt8]?) throws -> EpochOpening.Outcome {
            try EpochOpening(
                data: directory.file("new"), manifest: directory.file("next.json"), why: "a test",
                passphrase: passphrase
            ).run(now: now)
        }
        #expect(await code { try open(nil) } == "passphrase-missing")
        #expect(await code { try open(Array("wrong".utf8)) } == "wrong-passphrase")
        #expect(try open(passphrase).version == 2)
        for name in try FileManager.default.contentsOfDirectory(atPath: directory.file("new/keys"))
        where name.hasSuffix(".key") {
            #expect(
                try directory.read("new/keys/\(name)").hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "\(name)")
        }
        func recover(_ passphrase: [UInt8]?) async throws -> AdminRecovery.Outcome {
            try await AdminRecovery(
                data: directory.file("new"), adminContext: directory.file("rescue.json"), passphrase: passphrase
            ).run(now: now)
        }
        #expect(await code { try await recover(nil) } == "passphrase-missing")
        #expect(!FileManager.default.fileExists(atPath: directory.file("rescue.json")))
        let context = try await recover(passphrase).context
        let rescued = try JSONCoding.decode(
            HubContext.self, from: Array(try String(contentsOfFile: context, encoding: .utf8).utf8))
        #expect(rescued.manifest == (try JSON(parsing: Array(try directory.read("next.json").utf8))))
        #expect(try HubVerification.verify(data: directory.file("new")).isClean)
    }
}
