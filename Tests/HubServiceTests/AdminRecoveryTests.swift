import Foundation
@testable import HubService
import Model
import TestSupport
import Testing
import Transport

@Suite struct AdminRecoveryTests {
    @Test func recoverAdminMakesAnOwnerOnceTheHubIsStopped() async throws {
        // The parts hold no lock: only `serve` does.
        let hub = try await TestHub.applied()
        let context = hub.directory.file("rescue.json")
        let recovery = AdminRecovery(data: hub.directory.file("hub"), adminContext: context)
        let outcome = try await recovery.run { TestHub.start }
        let made = try JSONCoding.decode(HubContext.self, from: Array(try hub.directory.read("rescue.json").utf8))
        #expect(made.identity == outcome.identity)
        let mode = try FileManager.default.attributesOfItem(atPath: context)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        // The parts that ran meanwhile see it with their next append.
        _ = try await hub.invite(.spoke)
        let standing = Standing(of: outcome.identity, hub.parts.ledger.snapshot)
        #expect(standing.may(.owner, in: nil))
        #expect(try await hub.parts.services.lists.status(hub.owner).alarms?.count == 1)
        #expect(await code { try await recovery.run { TestHub.start } } == "exists")
        _ = try await hub.parts.services.enrolment.revoke(
            RevocationRequest(identity: outcome.identity), by: hub.owner)
        #expect(try await hub.parts.services.lists.status(hub.owner).alarms == [])
        #expect(try HubVerification.verify(data: hub.directory.file("hub")).isClean)
    }
    @Test func nothingIsRecoveredWhileAHubServes() async throws {
        let hub = try await TestHub.applied()
        let context = hub.directory.file("rescue.json")
        let recovery = AdminRecovery(data: hub.directory.file("hub"), adminContext: context)
        // What `serve` holds.
        let lock = try DirectoryLock(HubDirectory(hub.directory.file("hub")))
        #expect(await code { try await recovery.run { TestHub.start } } == "already-running")
        #expect(!FileManager.default.fileExists(atPath: context))
        lock.release()
        _ = try await recovery.run { TestHub.start }
        #expect(FileManager.default.fileExists(atPath: context))
    }
}
