import Model
import Storage
import TestSupport
import Testing

@Suite struct RecoveredOwnerTests {
    @Test func anOwnerThatRecoverAdminMadeIsNamedUntilRevoked() async throws {
        let hub = try await TestHub.opened()
        let rescue = try SPIFFEID("spiffe://corp.example/user/rescue")
        _ = try await hub.ledger.append(by: .hub) { _ in
            [.roleGranted(RoleGranted(identity: try SPIFFEID("spiffe://corp.example/user/first"), role: .owner))]
        }
        _ = try await hub.ledger.append(by: .recoverAdmin) { _ in
            [.roleGranted(RoleGranted(identity: rescue, role: .owner))]
        }
        #expect(try await hub.ledger.read { try $0.recoveredOwners() }.map(\.identity) == [rescue])
        _ = try await hub.ledger.append(by: .hub) { _ in
            [.identityRevoked(IdentityRevocation(identity: rescue, issuedBefore: TestHub.start))]
        }
        #expect(try await hub.ledger.read { try $0.recoveredOwners() }.isEmpty)
        #expect(try hub.verify().problems == [])
    }
}
