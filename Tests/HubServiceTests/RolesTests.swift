import HubService
import Model
import Testing

@Suite struct RolesTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var address: String?
        var zone: String?
        var owner: Bool
        var reviewer: Bool
        var auditor: Bool

        var testDescription: String { "\(address ?? "first owner") over \(zone ?? "organization")" }
    }

    @Test(arguments: [
        Row(address: nil, zone: nil, owner: true, reviewer: true, auditor: true),
        Row(address: nil, zone: "finance", owner: true, reviewer: true, auditor: true),
        Row(address: "fin@corp.example", zone: "finance", owner: true, reviewer: true, auditor: true),
        Row(address: "fin@corp.example", zone: "analytics", owner: false, reviewer: false, auditor: false),
        Row(address: "fin@corp.example", zone: nil, owner: false, reviewer: false, auditor: false),
        Row(address: "rev@corp.example", zone: "finance", owner: false, reviewer: true, auditor: true),
        Row(address: "rev@corp.example", zone: "analytics", owner: false, reviewer: false, auditor: false),
        Row(address: "aud@corp.example", zone: "finance", owner: false, reviewer: false, auditor: true),
        Row(address: "aud@corp.example", zone: nil, owner: false, reviewer: false, auditor: true),
        Row(address: "eve@corp.example", zone: "finance", owner: false, reviewer: false, auditor: false),
    ])
    func whoMayWhatWhere(row: Row) async throws {
        let hub = try await TestHub.applied()
        var person = hub.owner
        if let address = row.address { person = try await standing(hub, address) }
        #expect(person.may(.owner, in: row.zone) == row.owner)
        #expect(person.may(.reviewer, in: row.zone) == row.reviewer)
        #expect(person.may(.auditor, in: row.zone) == row.auditor)
    }

    @Test func aGroupNamesNobodyWithoutAnIdentityProvider() async throws {
        let hub = try await TestHub.made()
        try await hub.apply(
            TestHub.topology { $0.organization.roles = Roles(owner: [try Principal("group:platform")]) })
        #expect(try await !standing(hub, "platform").mayAnywhere(.auditor))
    }
}
