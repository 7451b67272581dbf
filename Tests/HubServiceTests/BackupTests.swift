import Foundation
import HubService
import Model
import NIOConcurrencyHelpers
import Storage
import TestSupport
import Testing
import Trust

@Suite struct BackupTests {
    private func backup(_ hub: TestHub, _ name: String = "backup", withKeys: Bool = true) throws -> BackupNote {
        try HubBackup(data: hub.directory.file("hub"), target: hub.directory.file(name), withKeys: withKeys)
            .run(now: hub.now)
    }

    private func restore(
        _ hub: TestHub, _ name: String = "backup", to data: String = "new", keys: String? = nil,
        previous: String? = nil
    ) throws -> HubRestore.Outcome {
        try HubRestore(
            backup: hub.directory.file(name), data: hub.directory.file(data),
            keys: keys.map(hub.directory.file), previous: previous.map(hub.directory.file)
        ).run()
    }

    private func files(_ directory: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: directory).sorted()
    }

    @Test func aBackupIsWholePrivateAndNeverReplaced() async throws {
        let hub = try await TestHub.applied()
        let note = try backup(hub, withKeys: false)
        #expect(note.size == hub.parts.ledger.snapshot.size)
        let path = hub.directory.file("backup")
        #expect(try files(path) == ["backup.json", "hub.sqlite", "settings.json", "usage.sqlite"])
        _ = try backup(hub, "keyed")
        for name in try files(hub.directory.file("keyed")) {
            let attributes = try FileManager.default.attributesOfItem(atPath: hub.directory.file("keyed/\(name)"))
            let isDirectory = attributes[.type] as? FileAttributeType == .typeDirectory
            #expect((attributes[.posixPermissions] as? Int) == (isDirectory ? 0o700 : 0o600), "\(name)")
        }
        let before = try Data(contentsOf: URL(fileURLWithPath: "\(path)/hub.sqlite"))
        #expect(await code { try backup(hub, withKeys: false) } == "exists")
        #expect(try Data(contentsOf: URL(fileURLWithPath: "\(path)/hub.sqlite")) == before)
        #expect(!FileManager.default.fileExists(atPath: "\(path)/keys"))
    }

    @Test func whatIsRestoredIsTheSameHub() async throws {
        let hub = try await TestHub.applied()
        let note = try backup(hub)
        let outcome = try restore(hub, previous: "hub")
        #expect(outcome.standing == .same)
        #expect(outcome.missing == 0)
        let report = try HubVerification.verify(data: hub.directory.file("new"))
        #expect(report.isClean)
        #expect(report.report.size == note.size)
        #expect(await code { try restore(hub) } == "not-empty")
    }

    @Test func aShorterLedgerIsCalledSo() async throws {
        let hub = try await TestHub.applied()
        _ = try backup(hub)
        _ = try await hub.invite(.spoke)
        _ = try await hub.invite(.spoke, "finance", "fin-2")
        let outcome = try restore(hub, previous: "hub")
        #expect(outcome.standing == .shorter)
        #expect(outcome.missing == 2)
        #expect(outcome.text.contains("THE LAST 2 ENTRIES ARE LOST"))
        #expect(outcome.text.contains("new epoch"))
        let blind = try restore(hub, to: "another")
        #expect(blind.standing == .unknown)
        #expect(blind.text.contains("new epoch"))
    }

    @Test func anotherHubsLedgerIsCalledSo() async throws {
        let hub = try await TestHub.applied()
        let other = try await TestHub.made()
        _ = try backup(hub)
        let outcome = try HubRestore(
            backup: hub.directory.file("backup"), data: hub.directory.file("new"), keys: nil,
            previous: other.directory.file("hub")
        ).run()
        #expect(outcome.standing == .other)
    }

    @Test func keysCanComeFromElsewhereButMustBeTheLedgers() async throws {
        let hub = try await TestHub.applied()
        _ = try backup(hub, withKeys: false)
        #expect(await code { try restore(hub) } == "no-keys")
        let other = try await TestHub.made()
        #expect(
            await code {
                try HubRestore(
                    backup: hub.directory.file("backup"), data: hub.directory.file("new"),
                    keys: other.directory.file("hub"), previous: nil
                ).run()
            } == "not-verified")
        #expect(!FileManager.default.fileExists(atPath: hub.directory.file("new")))
        _ = try restore(hub, keys: "hub")
        #expect(try HubVerification.verify(data: hub.directory.file("new")).isClean)
    }

    @Test func aDamagedBackupIsRefusedAndNothingIsMade() async throws {
        let hub = try await TestHub.applied()
        _ = try backup(hub)
        #expect(await code { try restore(hub, "hub") } == "not-a-backup")
        let file = hub.directory.file("backup/hub.sqlite")
        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        // One letter of a leaf's text.
        let place = try #require(bytes.range(of: Data("topology.applied".utf8)))
        bytes[place.lowerBound] ^= 1
        try bytes.write(to: URL(fileURLWithPath: file))
        #expect(await code { try restore(hub) } == "not-verified")
        #expect(try files(hub.directory.path).filter { $0.hasPrefix("new") } == [])
    }

    @Test func aShortenedBackupIsNotTheOneThatWasMade() async throws {
        let hub = try await TestHub.applied()
        _ = try backup(hub, "older")
        _ = try await hub.invite(.spoke)
        _ = try backup(hub)
        let old = hub.directory.file("older/hub.sqlite")
        try FileManager.default.removeItem(atPath: hub.directory.file("backup/hub.sqlite"))
        try FileManager.default.copyItem(atPath: old, toPath: hub.directory.file("backup/hub.sqlite"))
        #expect(await code { try restore(hub) } == "not-verified")
    }

    /// The hub died, or its disk failed, after `authority.activated` and before the key took its place.
    @Test func theKeyOfAnActiveAuthorityIsKeptWhereverItLies() async throws {
        let hub = try await TestHub.applied()
        _ = try backup(hub)
        let files = FileManager.default
        let active = ["root", "organization", "zones/finance"]
        for name in active {
            let file = hub.directory.file("backup/keys/\(name)")
            try files.moveItem(atPath: "\(file).key", toPath: "\(file).next.key")
        }
        // Finance has another one in its place; that of analytics only waits.
        for name in ["zones/finance", "zones/analytics.next"] {
            let pem = try PrivateKey.generateP256().pem
            try hub.directory.write("backup/keys/\(name).key", pem)
        }
        let outcome = try restore(hub)
        #expect(outcome.standing == .unknown && outcome.unheldKey == nil)
        for name in active {
            let key = try PrivateKey(pem: try hub.directory.read("new/keys/\(name).next.key"))
            let certificate = try Certificate(pem: try hub.directory.read("new/keys/\(name).pem"))
            #expect(key.publicKey == certificate.publicKey, "\(name)")
        }
        #expect(!files.fileExists(atPath: hub.directory.file("new/keys/zones/analytics.next.key")))
        #expect(files.fileExists(atPath: hub.directory.file("new/keys/zones/analytics.key")))
    }

    /// What takes the place of a key after the databases were copied, and before the keys were.
    enum Turn: String, CaseIterable { case organization, finance, root, manifest }

    private func take(_ turn: Turn, _ hub: TestHub) async throws {
        let authorities = hub.parts.services.authorities
        switch turn {
        case .organization, .finance, .root:
            let prepared = try await authorities.prepare(turn.rawValue, AuthorityRequest(why: "t"), by: hub.owner)
            if turn == .root { try await publish(hub, try #require(prepared.manifest)) }
            _ = try await authorities.activate(turn.rawValue, AuthorityRequest(why: "t"), by: hub.owner)
        case .manifest:
            let request = RotateRequest(roles: ["bundle", "lease", "checkpoint"])
            try await publish(hub, try await hub.parts.services.manifests.prepare(request).manifest)
        }
    }

    private func publish(_ hub: TestHub, _ manifest: JSON) async throws {
        var envelope = try JSONCoding.decode(DSSEEnvelope.self, from: manifest)
        for number in [1, 3] {
            let key = try PrivateKey(pem: try hub.directory.read("hub.manifest-keys/manifest-\(number).key"))
            envelope = try envelope.adding(signatureBy: key)
        }
        _ = try await hub.parts.services.manifests.publish(
            PublishManifestRequest(manifest: try JSONCoding.encode(envelope)), by: hub.owner)
    }

    /// - Parameter times: how often the databases are those of before.
    private func backupInBetween(_ hub: TestHub, times: Int) throws -> Int {
        let (before, copies) = (hub.directory.file("before"), NIOLockedValueBox(0))
        _ = try HubBackup(
            data: hub.directory.file("hub"), target: hub.directory.file("backup"), withKeys: true,
            copyDatabases: { source, target in
                let isBefore = copies.withLockedValue {
                    $0 += 1
                    return $0 <= times
                }
                try DatabaseCopy.copy(from: isBefore ? before : source, to: target)
            }
        ).run(now: hub.now)
        return copies.withLockedValue { $0 }
    }

    @Test(arguments: Turn.allCases) func aBackupHoldsTheKeysOfItsLedger(turn: Turn) async throws {
        let hub = try await TestHub.applied()
        try FileManager.default.copyItem(
            atPath: hub.directory.file("hub"), toPath: hub.directory.file("before"))
        try await take(turn, hub)
        #expect(await code { try backupInBetween(hub, times: 100) } == "keys-changing")
        #expect(try files(hub.directory.path).filter { $0.hasPrefix("backup") } == [])
        #expect(try backupInBetween(hub, times: 1) == 2)
        let outcome = try restore(hub, previous: "hub")
        #expect(outcome.standing == .same && outcome.need == nil)
        let now = hub.now
        let again = try await HubParts(quietly: hub.directory.file("new")) { now }
        #expect(again.authority.holdsRootKey)
        for domain in ["corp.example", "finance.corp.example"] {
            #expect(again.authority.intermediate(of: domain) != nil)
        }
    }
}
