/// Everything the hub can decide. The type names stand in leaves for ever.
package enum Event: Hashable, Sendable {
    case ledgerOpened(LedgerOpened)
    case roleGranted(RoleGranted)
    case invitationCreated(Invitation)
    case certificateIssued(CertificateIssued)
    case certificateRevoked(CertificateRevoked)
    case identityRevoked(IdentityRevocation)
    case topologyApplied(TopologyApplied)
    case objectSet(ObjectSet)
    case objectRemoved(ObjectName)
    case grantRevoked(GrantRevoked)
    case grantReinstated(GrantReinstated)
    case reviewOpened(ReviewOpened)
    case reviewDecided(ReviewDecided)
    case reviewClosed(ReviewClosed)
    case bundlesPublished(BundlesPublished)
    case manifestPublished(ManifestPublished)
    case journalsAnchored(JournalsAnchored)
    case personErased(PersonErased)
    case epochOpened(EpochOpened)
    case authorityPrepared(AuthorityPrepared)
    case authorityActivated(AuthorityStep)
    case authorityTainted(AuthorityStep)
    case authorityRetired(AuthorityStep)
    case toolsApproved(ToolsApproved)
    case toolsWithdrawn(ToolsWithdrawn)

    package var type: String {
        switch self {
        case .ledgerOpened: "ledger.opened"
        case .roleGranted: "role.granted"
        case .invitationCreated: "invitation.created"
        case .certificateIssued: "certificate.issued"
        case .certificateRevoked: "certificate.revoked"
        case .identityRevoked: "identity.revoked"
        case .topologyApplied: "topology.applied"
        case .objectSet: "object.set"
        case .objectRemoved: "object.removed"
        case .grantRevoked: "grant.revoked"
        case .grantReinstated: "grant.reinstated"
        case .reviewOpened: "review.opened"
        case .reviewDecided: "review.decided"
        case .reviewClosed: "review.closed"
        case .bundlesPublished: "bundles.published"
        case .manifestPublished: "manifest.published"
        case .journalsAnchored: "journals.anchored"
        case .personErased: "person.erased"
        case .epochOpened: "epoch.opened"
        case .authorityPrepared: "authority.prepared"
        case .authorityActivated: "authority.activated"
        case .authorityTainted: "authority.tainted"
        case .authorityRetired: "authority.retired"
        case .toolsApproved: "tools.approved"
        case .toolsWithdrawn: "tools.withdrawn"
        }
    }

    func body() throws(ModelError) -> JSON {
        switch self {
        case .ledgerOpened(let body): try JSONCoding.encode(body)
        case .roleGranted(let body): try JSONCoding.encode(body)
        case .invitationCreated(let body): try JSONCoding.encode(body)
        case .certificateIssued(let body): body.json
        case .certificateRevoked(let body): try JSONCoding.encode(body)
        case .identityRevoked(let body): try JSONCoding.encode(body)
        case .topologyApplied(let body): try JSONCoding.encode(body)
        case .objectSet(let body): try JSONCoding.encode(body)
        case .objectRemoved(let body): try JSONCoding.encode(body)
        case .grantRevoked(let body): try JSONCoding.encode(body)
        case .grantReinstated(let body): try JSONCoding.encode(body)
        case .reviewOpened(let body): try JSONCoding.encode(body)
        case .reviewDecided(let body): try JSONCoding.encode(body)
        case .reviewClosed(let body): try JSONCoding.encode(body)
        case .bundlesPublished(let body): try JSONCoding.encode(body)
        case .manifestPublished(let body): try JSONCoding.encode(body)
        case .journalsAnchored(let body): try JSONCoding.encode(body)
        case .personErased(let body): try JSONCoding.encode(body)
        case .epochOpened(let body): try JSONCoding.encode(body)
        case .authorityPrepared(let body): try JSONCoding.encode(body)
        case .authorityActivated(let body), .authorityTainted(let body), .authorityRetired(let body):
            try JSONCoding.encode(body)
        case .toolsApproved(let body): try JSONCoding.encode(body)
        case .toolsWithdrawn(let body): try JSONCoding.encode(body)
        }
    }

    init(type: String, body: JSON) throws(ModelError) {
        switch type {
        case "ledger.opened": self = .ledgerOpened(try JSONCoding.decode(LedgerOpened.self, from: body))
        case "role.granted": self = .roleGranted(try JSONCoding.decode(RoleGranted.self, from: body))
        case "invitation.created": self = .invitationCreated(try JSONCoding.decode(Invitation.self, from: body))
        case "certificate.issued": self = .certificateIssued(try JSONCoding.decode(CertificateIssued.self, from: body))
        case "certificate.revoked":
            self = .certificateRevoked(try JSONCoding.decode(CertificateRevoked.self, from: body))
        case "identity.revoked": self = .identityRevoked(try JSONCoding.decode(IdentityRevocation.self, from: body))
        case "topology.applied": self = .topologyApplied(try JSONCoding.decode(TopologyApplied.self, from: body))
        case "object.set": self = .objectSet(try JSONCoding.decode(ObjectSet.self, from: body))
        case "object.removed": self = .objectRemoved(try JSONCoding.decode(ObjectName.self, from: body))
        case "grant.revoked": self = .grantRevoked(try JSONCoding.decode(GrantRevoked.self, from: body))
        case "grant.reinstated": self = .grantReinstated(try JSONCoding.decode(GrantReinstated.self, from: body))
        case "review.opened": self = .reviewOpened(try JSONCoding.decode(ReviewOpened.self, from: body))
        case "review.decided": self = .reviewDecided(try JSONCoding.decode(ReviewDecided.self, from: body))
        case "review.closed": self = .reviewClosed(try JSONCoding.decode(ReviewClosed.self, from: body))
        case "bundles.published": self = .bundlesPublished(try JSONCoding.decode(BundlesPublished.self, from: body))
        case "manifest.published":
            self = .manifestPublished(try JSONCoding.decode(ManifestPublished.self, from: body))
        case "journals.anchored": self = .journalsAnchored(try JSONCoding.decode(JournalsAnchored.self, from: body))
        case "person.erased": self = .personErased(try JSONCoding.decode(PersonErased.self, from: body))
        case "epoch.opened": self = .epochOpened(try JSONCoding.decode(EpochOpened.self, from: body))
        case "authority.prepared":
            self = .authorityPrepared(try JSONCoding.decode(AuthorityPrepared.self, from: body))
        case "authority.activated":
            self = .authorityActivated(try JSONCoding.decode(AuthorityStep.self, from: body))
        case "authority.tainted":
            self = .authorityTainted(try JSONCoding.decode(AuthorityStep.self, from: body))
        case "authority.retired":
            self = .authorityRetired(try JSONCoding.decode(AuthorityStep.self, from: body))
        case "tools.approved": self = .toolsApproved(try JSONCoding.decode(ToolsApproved.self, from: body))
        case "tools.withdrawn": self = .toolsWithdrawn(try JSONCoding.decode(ToolsWithdrawn.self, from: body))
        default:
            throw ModelError(
                "unknown-entry", "ledger entries of type `\(type.prefix(60))` are not known to this program")
        }
    }
}

/// The first entry of every ledger.
package struct LedgerOpened: Hashable, Sendable, Codable {
    package var organization: String
    package var epoch: Int64
    /// `corp.example/nave/1`, the origin of its checkpoints.
    package var origin: String
    /// `sha256:…` of the root's SubjectPublicKeyInfo.
    package var root: String

    package init(organization: String, epoch: Int64, origin: String, root: String) {
        self.organization = organization
        self.epoch = epoch
        self.origin = origin
        self.root = root
    }
}

/// A role that a command gave, not the topology: the first owner's, or `nave-hub recover-admin`'s.
package struct RoleGranted: Hashable, Sendable, Codable {
    package var identity: SPIFFEID
    package var role: Role

    package init(identity: SPIFFEID, role: Role) {
        self.identity = identity
        self.role = role
    }
}

package enum Role: String, Codable, Hashable, Sendable, CaseIterable {
    /// Changes everything of its scope.
    case owner
    /// Judges the grants of its scope in access reviews.
    case reviewer
    /// Reads everything, changes nothing.
    case auditor
}

/// Who may enrol under a name, once, with the secret whose hash this is.
package struct Invitation: Hashable, Sendable, Codable {
    package enum Kind: String, Codable, Hashable, Sendable, CaseIterable { case spoke, client, user }

    package var id: String
    package var kind: Kind
    /// Nil for users.
    package var zone: String?
    /// Of the spoke or client; for users the opaque id.
    package var name: String
    /// `sha256:…` of the secret's bytes.
    package var secretHash: String
    package var expires: Instant
    /// A user's address; personal.
    package var address: String?

    package init(
        id: String, kind: Kind, zone: String?, name: String, secretHash: String, expires: Instant,
        address: String? = nil
    ) {
        self.id = id
        self.kind = kind
        self.zone = zone
        self.name = name
        self.secretHash = secretHash
        self.expires = expires
        self.address = address
    }

    /// - Throws: `bad-spiffe-id`.
    package func identity(organization: String) throws(ModelError) -> SPIFFEID {
        try SPIFFEID(trustDomain: zone.map { "\($0).\(organization)" } ?? organization, path: [kind.rawValue, name])
    }
}

package struct CertificateIssued: Hashable, Sendable, Codable {
    package var identity: SPIFFEID
    /// Lower-case hex.
    package var serial: String
    package var notBefore: Instant
    package var notAfter: Instant
    /// `sha256:…` of the SubjectPublicKeyInfo.
    package var key: String
    /// DER in Base64, so that a lost answer can be given again.
    package var certificate: String
    /// The invitation that this spends.
    package var invitation: String?

    package init(
        identity: SPIFFEID, serial: String, notBefore: Instant, notAfter: Instant, key: String, certificate: String,
        invitation: String?
    ) {
        self.identity = identity
        self.serial = serial
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.key = key
        self.certificate = certificate
        self.invitation = invitation
    }

    /// What `JSONCoding` makes of it, by hand: nearly every entry of a ledger is of a certificate.
    var json: JSON {
        .texts([
            ("certificate", certificate), ("identity", identity.description), ("invitation", invitation), ("key", key),
            ("notAfter", notAfter.description), ("notBefore", notBefore.description), ("serial", serial),
        ])
    }
}

package struct CertificateRevoked: Hashable, Sendable, Codable {
    package var serial: String

    package init(serial: String) { self.serial = serial }
}

/// No certificate of the identity issued before that moment is believed.
package struct IdentityRevocation: Hashable, Sendable, Codable {
    package var identity: SPIFFEID
    package var issuedBefore: Instant

    package init(identity: SPIFFEID, issuedBefore: Instant) {
        self.identity = identity
        self.issuedBefore = issuedBefore
    }
}

/// The files as a whole; the changes that it makes follow as entries of their own in the same append.
package struct TopologyApplied: Hashable, Sendable, Codable {
    /// `sha256:…` of the canonical topology.
    package var topology: String
    package var set: Int64
    package var removed: Int64

    package init(topology: String, set: Int64, removed: Int64) {
        self.topology = topology
        self.set = set
        self.removed = removed
    }
}

/// Objects that the topology owns.
package enum ObjectKind: String, Codable, Hashable, Sendable, CaseIterable {
    case organization, zone, spoke, client, server, rule
}

package struct ObjectName: Hashable, Sendable, Codable {
    package var kind: ObjectKind
    /// Full name: `finance`, `finance/ledger`, `finance/analysts-read`.
    package var name: String

    package init(kind: ObjectKind, name: String) {
        self.kind = kind
        self.name = name
    }

    /// What a change of this object can change: every bundle (`organization`), or those of a zone (`finance`). A zone is in
    /// every bundle, as a trust domain to believe.
    package var scope: String {
        switch kind {
        case .organization, .zone: "organization"
        case .rule where !name.contains("/"): "organization"
        case .spoke, .client, .server, .rule: String(name.prefix { $0 != "/" })
        }
    }
}

package struct ObjectSet: Hashable, Sendable, Codable {
    package var kind: ObjectKind
    package var name: String
    /// The object as `JSONCoding` writes it.
    package var value: JSON

    package init(kind: ObjectKind, name: String, value: JSON) {
        self.kind = kind
        self.name = name
        self.value = value
    }
}

package struct GrantRevoked: Hashable, Sendable, Codable {
    /// `rv-…`
    package var id: String
    package var principal: Principal
    package var server: String
    package var capabilities: [CapabilityPattern]
    package var cause: Mask.Cause
    /// The review's item that demanded it, `ar-…/3`.
    package var item: String?

    package init(
        id: String, principal: Principal, server: String, capabilities: [CapabilityPattern], cause: Mask.Cause,
        item: String?
    ) {
        self.id = id
        self.principal = principal
        self.server = server
        self.capabilities = capabilities
        self.cause = cause
        self.item = item
    }
}

package struct GrantReinstated: Hashable, Sendable, Codable {
    /// Of the revocation that this lifts.
    package var id: String

    package init(id: String) { self.id = id }
}
