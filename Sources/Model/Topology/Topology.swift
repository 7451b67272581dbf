/// What Git owns: the desired state of one organization, as its files state it.
package struct Topology: Hashable, Sendable, Codable {
    package var organization: Organization
    package var zones: [Zone]
    package var spokes: [Spoke]
    package var clients: [Client]
    package var servers: [Server]
    /// The organization's rules and every zone's, in the order of their full names.
    package var rules: [Rule]

    package init(
        organization: Organization, zones: [Zone] = [], spokes: [Spoke] = [], clients: [Client] = [],
        servers: [Server] = [], rules: [Rule] = []
    ) {
        self.organization = organization
        self.zones = zones
        self.spokes = spokes
        self.clients = clients
        self.servers = servers
        self.rules = rules
    }
}

extension Topology {
    /// Whether the key of an expired certificate of the zone's gets the next one.
    package func renewsExpired(inZone name: String) -> Bool {
        [organization.renewal, zones.first { $0.name == name }?.renewal].allSatisfy { $0?.expired ?? true }
    }
}

/// Who holds a role over an organization or a zone; principals of the kinds `user:` and `group:`.
package struct Roles: Hashable, Sendable, Codable {
    package var owner: [Principal]?
    package var reviewer: [Principal]?
    package var auditor: [Principal]?

    package init(owner: [Principal]? = nil, reviewer: [Principal]? = nil, auditor: [Principal]? = nil) {
        self.owner = owner
        self.reviewer = reviewer
        self.auditor = auditor
    }
}

package struct Organization: Hashable, Sendable, Codable {
    /// The domain, itself the SPIFFE trust domain of hub, people and robots.
    package var domain: String
    package var name: String?
    package var environment: String?
    package var roles: Roles?
    package var policy: Policy?
    /// For every zone.
    package var renewal: RenewalTerms?
    package var place: Place?

    package init(
        domain: String, name: String? = nil, environment: String? = nil, roles: Roles? = nil, policy: Policy? = nil,
        renewal: RenewalTerms? = nil, place: Place? = nil
    ) {
        self.domain = domain
        self.name = name
        self.environment = environment
        self.roles = roles
        self.policy = policy
        self.renewal = renewal
        self.place = place
    }
}

/// How the certificates of spokes and clients renew, as one layer (organization or zone) states it.
package struct RenewalTerms: Hashable, Sendable, Codable {
    /// Whether the key of a certificate that ended a short time ago gets the next one; nil leaves it on. What one layer
    /// switches off, no other switches on.
    package var expired: Bool?

    package init(expired: Bool? = nil) { self.expired = expired }
}

/// How sensitive what a server holds is; a zone's is the ceiling of its servers'.
package enum Classification: String, Codable, Hashable, Sendable, CaseIterable, Comparable {
    case `public`, `internal`, confidential, restricted

    package static func < (left: Classification, right: Classification) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}

/// A security zone, and a SPIFFE trust domain of its own: `NAME.ORGANIZATION`.
package struct Zone: Hashable, Sendable, Codable {
    package var name: String
    package var description: String?
    package var region: String?
    package var classification: Classification
    /// Where callers of the zone's servers may come from; empty for nowhere.
    package var networks: [Network]
    /// Whose clients may call besides the zone's own, `zone:` and `domain:`; nil for everybody's.
    package var callers: [Principal]?
    package var roles: Roles?
    package var policy: Policy?
    package var renewal: RenewalTerms?
    package var place: Place?

    /// Bytes of `region`.
    static let maximumRegionLength = 64

    package init(
        name: String, description: String? = nil, region: String? = nil, classification: Classification,
        networks: [Network], callers: [Principal]? = nil, roles: Roles? = nil, policy: Policy? = nil,
        renewal: RenewalTerms? = nil,
        place: Place? = nil
    ) {
        self.name = name
        self.description = description
        self.region = region
        self.classification = classification
        self.networks = networks
        self.callers = callers
        self.roles = roles
        self.policy = policy
        self.renewal = renewal
        self.place = place
    }
}

package struct Spoke: Hashable, Sendable, Codable {
    package var zone: String
    package var name: String
    package var place: Place?

    package init(zone: String, name: String, place: Place? = nil) {
        self.zone = zone
        self.name = name
        self.place = place
    }

    package var fullName: String { "\(zone)/\(name)" }
}

package struct Client: Hashable, Sendable, Codable {
    package var zone: String
    package var name: String
    package var owner: Principal?
    package var purpose: String?
    /// No certificate of the client is valid from then on.
    package var until: Instant?
    package var place: Place?

    package init(
        zone: String, name: String, owner: Principal? = nil, purpose: String? = nil, until: Instant? = nil,
        place: Place? = nil
    ) {
        self.zone = zone
        self.name = name
        self.owner = owner
        self.purpose = purpose
        self.until = until
        self.place = place
    }

    package var fullName: String { "\(zone)/\(name)" }
}

/// A registered MCP server of a zone.
package struct Server: Hashable, Sendable, Codable {
    package var zone: String
    package var name: String
    package var description: String?
    package var owner: Principal?
    /// Names of the zone's spokes that front it.
    package var spokes: [String]
    /// Where callers reach it; nil for the placed spokes' own address.
    package var endpoint: String?
    package var classification: Classification
    package var labels: [String: String]?
    package var policy: Policy?
    /// Nil for a server that enforces.
    package var enforcement: Enforcement?
    package var place: Place?

    package init(
        zone: String, name: String, description: String? = nil, owner: Principal? = nil, spokes: [String],
        endpoint: String? = nil, classification: Classification, labels: [String: String]? = nil,
        policy: Policy? = nil, enforcement: Enforcement? = nil, place: Place? = nil
    ) {
        self.zone = zone
        self.name = name
        self.description = description
        self.owner = owner
        self.spokes = spokes
        self.endpoint = endpoint
        self.classification = classification
        self.labels = labels
        self.policy = policy
        self.enforcement = enforcement
        self.place = place
    }

    package var fullName: String { "\(zone)/\(name)" }

    /// Full names of the spokes that front it.
    package var fullSpokes: [String] { spokes.map { "\(zone)/\($0)" } }
}

/// An expectation that a topology's files state about themselves; it never leaves them.
package struct TopologyTest: Hashable, Sendable {
    package enum Expectation: String, Hashable, Sendable, CaseIterable { case allow, deny }

    /// A workload's principal (`client:ZONE/NAME`), `user:ADDRESS` or `group:NAME`.
    package var by: Principal
    /// The workload that a person calls through; nil for a workload, or a person alone.
    package var through: Principal?
    /// Full name, `finance/ledger`.
    package var server: String
    package var capability: Capability
    /// Top-level arguments given in the call.
    package var arguments: [String: JSON]
    /// Where the caller is; nil for the first address of the zone's first network.
    package var from: IPAddress?
    /// When; nil for now.
    package var at: Instant?
    package var expect: Expectation
    package var place: Place

    package init(
        by: Principal, through: Principal? = nil, server: String, capability: Capability,
        arguments: [String: JSON] = [:], from: IPAddress? = nil,
        at: Instant? = nil, expect: Expectation, place: Place
    ) {
        self.by = by
        self.through = through
        self.server = server
        self.capability = capability
        self.arguments = arguments
        self.from = from
        self.at = at
        self.expect = expect
        self.place = place
    }
}
