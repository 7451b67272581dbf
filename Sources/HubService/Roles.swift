import Model
import Storage

/// What roles a person holds, over the organization and over single zones, as the ledger and the topology say.
package struct Standing: Hashable, Sendable {
    package var identity: SPIFFEID
    /// As the person was invited; nil for the first owner, and after erasure.
    package var address: String?
    package var organization: Set<Role>
    package var zones: [String: Set<Role>]

    package init(identity: SPIFFEID, address: String? = nil, organization: Set<Role>, zones: [String: Set<Role>]) {
        self.identity = identity
        self.address = address
        self.organization = organization
        self.zones = zones
    }

    /// Groups name nobody here: no identity provider has spoken for this caller.
    package init(of identity: SPIFFEID, _ snapshot: Snapshot) {
        let address = snapshot.addresses[identity.name]
        let topology = snapshot.state.topology
        let stated = Self.roles(topology.organization.roles, of: address)
        let zones = topology.zones.map { ($0.name, Self.roles($0.roles, of: address)) }.filter { !$0.1.isEmpty }
        self.init(
            identity: identity, address: address,
            organization: (snapshot.roles[identity] ?? []).union(stated),
            zones: Dictionary(zones) { first, _ in first })
    }

    private static func roles(_ roles: Roles?, of address: String?) -> Set<Role> {
        guard let roles, let address else { return [] }
        var held: Set<Role> = []
        for role in Role.allCases where roles.holders(of: role).contains(.user(address)) { held.insert(role) }
        return held
    }

    /// Whether the person may act in that role there. An owner may also review and read, a reviewer may also read.
    /// - Parameter zone: Nil for the organization as a whole.
    package func may(_ role: Role, in zone: String?) -> Bool {
        let held = organization.union(zone.flatMap { zones[$0] } ?? [])
        return switch role {
        case .owner: held.contains(.owner)
        case .reviewer: held.contains(.owner) || held.contains(.reviewer)
        case .auditor: !held.isEmpty
        }
    }

    /// Whether there is any scope where the person may act in that role.
    package func mayAnywhere(_ role: Role) -> Bool {
        may(role, in: nil) || zones.keys.contains { may(role, in: $0) }
    }

    /// - Throws: `forbidden`.
    package func require(_ role: Role, in zone: String?) throws(HubError) {
        guard may(role, in: zone) else {
            let scope = zone.map { "the zone \(quoted($0))" } ?? "the organization"
            throw HubError.forbidden("this needs the role \(role.rawValue) over \(scope)")
        }
    }
}

extension Roles {
    package func holders(of role: Role) -> [Principal] {
        switch role {
        case .owner: owner ?? []
        case .reviewer: reviewer ?? []
        case .auditor: auditor ?? []
        }
    }
}
