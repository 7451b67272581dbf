import Model
import Storage

extension Lists {
    /// Who was invited or enrolled as a person, and the owners that commands of the hub's own host made. Addresses are
    /// personal data: only for who may read the whole organization.
    package func users(_ query: Query) async throws -> [UserRow] {
        let limit = try query.limit(standard: 1000, maximum: 10_000)
        let invited = try await ledger.read { try $0.users() }
        // Younger than what was read: whoever was invited in between is in neither, or has an address in both.
        let (snapshot, now) = (ledger.snapshot, now())
        let organization = snapshot.state.topology.organization.domain
        var known = Set(snapshot.certificates.values.map(\.identity).filter { $0.kind == "user" })
        known.formUnion(try invited.map { try SPIFFEID(trustDomain: organization, path: ["user", $0.id]) })
        let addresses = Dictionary(invited.map { ($0.id, $0.address) }) { first, _ in first }
        let rows = known.map { identity in
            let standing = Standing(of: identity, snapshot)
            let address = addresses[identity.name] ?? nil
            return UserRow(
                identity: identity, address: address,
                isErased: addresses.keys.contains(identity.name) && address == nil,
                roles: standing.held,
                enrolment: Self.enrolment(of: identity, .user, (nil, identity.name), snapshot, now),
                certificateUntil: snapshot.certificates[identity]?.notAfter)
        }
        // Without an address last.
        return rows.sorted { left, right in
            guard left.address == right.address else {
                guard let leftAddress = left.address else { return false }
                return right.address.map { leftAddress < $0 } ?? true
            }
            return left.identity.description < right.identity.description
        }.prefix(limit).map(\.self)
    }
}

extension Standing {
    /// The roles as rows: those of the organization first, then by zone, each the mightiest first.
    fileprivate var held: [UserRow.HeldRole] {
        let scopes: [(zone: String?, roles: Set<Role>)] =
            [(nil, organization)] + zones.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        return scopes.flatMap { scope in
            Role.allCases.filter(scope.roles.contains).map { UserRow.HeldRole(role: $0, zone: scope.zone) }
        }
    }
}
