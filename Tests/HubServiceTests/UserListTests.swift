import HubService
import Model
import TestSupport
import Testing
import Trust

@Suite struct UserListTests {
    @Test func showsPeopleWithTheirRolesUntilTheyAreErased() async throws {
        let hub = try await TestHub.applied()
        func users() async throws -> [UserRow] { try await hub.parts.services.lists.users(Query()) }
        let first = try #require(try await users().first)
        #expect(try await users().count == 1)
        #expect(first.identity == hub.owner.identity && first.address == nil && !first.isErased)
        #expect(first.roles == [UserRow.HeldRole(role: .owner, zone: nil)] && first.enrolment == .enrolled)

        let token = try await hub.invite(.user, nil, nil, address: "fin@corp.example")
        #expect(try await users().map(\.enrolment) == [.invited, .enrolled])
        let enrolled = try await hub.enrol(token, .generateP256())
        _ = try await hub.enrol(
            try await hub.invite(.user, nil, nil, address: "kim@corp.example"), .generateP256())
        let rows = try await users()
        #expect(rows.map(\.address) == ["fin@corp.example", "kim@corp.example", nil])
        #expect(rows[0].identity == enrolled.identity && rows[0].certificateUntil == enrolled.notAfter)
        #expect(rows[0].roles == [UserRow.HeldRole(role: .owner, zone: "finance")] && rows[1].roles == [])
        #expect(try await hub.parts.services.lists.users(Query(["limit": "1"])).count == 1)

        hub.advance(by: .seconds(1))
        _ = try await hub.parts.services.enrolment.revoke(
            RevocationRequest(address: "fin@corp.example"), by: hub.owner)
        _ = try await hub.parts.services.persons.erase(
            EraseRequest(address: "kim@corp.example", why: "DSR-17"), by: hub.owner)
        let after = try await users()
        #expect(after.count == 3 && after[0].address == "fin@corp.example" && after[0].enrolment == .revoked)
        let erased = try #require(after.first { $0.isErased })
        #expect(erased.address == nil && erased.enrolment == .revoked && erased.identity == rows[1].identity)
        #expect(after.count { $0.isErased } == 1)
    }
}
