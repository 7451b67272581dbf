import Model

/// A spoke or a client of a zone, as its SPIFFE ID names it.
package struct Member: Hashable, Sendable {
    /// `spoke` or `client`.
    package var kind: Invitation.Kind
    package var zone: String
    package var name: String

    package var fullName: String { "\(zone)/\(name)" }

    package init(kind: Invitation.Kind, zone: String, name: String) {
        self.kind = kind
        self.zone = zone
        self.name = name
    }

    /// Of either kind.
    /// - Returns: Nil for every other identity.
    package init?(_ identity: SPIFFEID, organization: String) {
        guard let kind = Invitation.Kind(rawValue: identity.kind) else { return nil }
        self.init(identity, kind: kind, organization: organization)
    }

    /// - Returns: Nil for every other identity.
    package init?(_ identity: SPIFFEID, kind: Invitation.Kind, organization: String) {
        let suffix = ".\(organization)"
        guard kind != .user, identity.path.count == 2, identity.kind == kind.rawValue,
            identity.trustDomain.hasSuffix(suffix)
        else { return nil }
        let zone = String(identity.trustDomain.dropLast(suffix.count))
        guard isLabel(zone) else { return nil }
        self.init(kind: kind, zone: zone, name: identity.name)
    }

    /// - Throws: `bad-spiffe-id` for what is no label.
    package func identity(organization: String) throws(ModelError) -> SPIFFEID {
        try SPIFFEID(trustDomain: "\(zone).\(organization)", path: [kind.rawValue, name])
    }
}

extension Topology {
    /// Whether the files know a spoke or a client of that identity.
    func registers(_ identity: SPIFFEID) -> Bool {
        if let spoke = Member(identity, kind: .spoke, organization: organization.domain) {
            // By position: an element that is handed to a closure is copied, and every request asks.
            return spokes.indices.contains { spokes[$0].name == spoke.name && spokes[$0].zone == spoke.zone }
        }
        if let client = Member(identity, kind: .client, organization: organization.domain) {
            return clients.indices.contains { clients[$0].name == client.name && clients[$0].zone == client.zone }
        }
        return false
    }

    /// Identities of all spokes and clients.
    func memberIdentities() throws(ModelError) -> [SPIFFEID] {
        var identities: [SPIFFEID] = []
        for spoke in spokes {
            let member = Member(kind: .spoke, zone: spoke.zone, name: spoke.name)
            identities.append(try member.identity(organization: organization.domain))
        }
        for client in clients {
            let member = Member(kind: .client, zone: client.zone, name: client.name)
            identities.append(try member.identity(organization: organization.domain))
        }
        return identities
    }
}
