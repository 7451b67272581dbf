import Foundation
import HubService
import Model
import Storage
import TestSupport
import Testing
import Trust

@Suite struct PersonErasureTests {
    private static let address = "kim@corp.example"

    private func erase(
        _ hub: TestHub, _ address: String = address, why: String = "DSR-17", by standing: Standing? = nil
    ) async throws -> EraseAnswer {
        try await hub.parts.services.persons.erase(
            EraseRequest(address: address, why: why), by: standing ?? hub.owner)
    }

    @Test func anEnrolledPersonIsForgottenAndKeptOut() async throws {
        let hub = try await TestHub.applied()
        let token = try await hub.invite(.user, nil, nil, address: Self.address)
        let enrolled = try await hub.enrol(token, try PrivateKey.generateP256())
        #expect(hub.parts.ledger.snapshot.addresses.values.contains(Self.address))
        let answer = try await erase(hub)
        #expect(answer.identities == [enrolled.identity])
        #expect(answer.disclosures == 1)
        let snapshot = hub.parts.ledger.snapshot
        #expect(!snapshot.addresses.values.contains(Self.address))
        #expect(snapshot.state.revokedIdentities.map(\.identity) == [enrolled.identity])
        #expect(try HubVerification.verify(data: hub.directory.file("hub")).isClean)
        for name in ["hub.sqlite", "hub.sqlite-wal", "usage.sqlite", "usage.sqlite-wal"] {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: hub.directory.file("hub/\(name)")))
            #expect(bytes.range(of: Data(Self.address.utf8)) == nil, "\(name)")
        }
        // Again: nothing is left, and it says so.
        #expect(try await erase(hub).index == nil)
    }

    @Test func onlyAnOwnerOfTheOrganizationMay() async throws {
        let hub = try await TestHub.applied()
        let fin = try await hub.enrol(
            try await hub.invite(.user, nil, nil, address: "fin@corp.example"), try PrivateKey.generateP256())
        let standing = Standing(of: fin.identity, hub.parts.ledger.snapshot)
        #expect(await code { try await erase(hub, by: standing) } == "forbidden")
    }

    @Test func theReasonDoesNotNameThePerson() async throws {
        let hub = try await TestHub.applied()
        #expect(await code { try await erase(hub, why: "Kim@corp.example asked") } == "bad-why")
        #expect(await code { try await erase(hub, why: " ") } == "bad-why")
        #expect(await code { try await erase(hub, "no address") } == "bad-address")
    }

    @Test func whoHoldsARoleInTheFilesIsNotErasedYet() async throws {
        let hub = try await TestHub.applied()
        #expect(await code { try await erase(hub, "rev@corp.example") } == "still-named")
    }

    @Test func aFullDiskIsFiveHundredSeven() {
        #expect(Problem.details(HubError(.full, "disk-full", "x")).status == 507)
        #expect(Problem.details(StorageError("disk-full", "x")).status == 507)
        #expect(Problem.details(StorageError("still-named", "x")).status == 409)
    }
}
