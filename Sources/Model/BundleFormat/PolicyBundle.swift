/// What one spoke needs to enforce, as the payload of a DSSE envelope of type `application/vnd.nave.policy-bundle.v1+json`.
/// Canonical JSON; a reader refuses the whole payload for one unknown key, kind or value.
package struct PolicyBundle: Hashable, Sendable, Codable {
    package static let payloadType = "application/vnd.nave.policy-bundle.v1+json"

    /// The lowest wire version that carries the content (`WireVersion`).
    package var v: Int64
    package var organization: String
    /// Of the ledger that `revision` counts in: `corp.example/nave/1`.
    package var origin: String
    package var spoke: SPIFFEID
    /// Ledger index of the last change compiled in.
    package var revision: Int64
    /// This organization's trust domains; their anchors are the manifest's roots.
    package var domains: [String]
    /// Of the organization; absent where no rule asks for it.
    package var environment: String?
    /// Every zone of the organization, by name; absent where no rule compares zones.
    package var zones: [ZoneFacts]?
    package var servers: [BundleServer]
    /// Rules that concern those servers, with full names, in order.
    package var rules: [Rule]
    package var masks: [Mask]
    /// Serial numbers of certificates in hexadecimal, and `sha256:…` of the keys of CAs that retired.
    package var revokedSerials: [String]
    package var revokedIdentities: [IdentityRevocation]

    package init(
        organization: String, origin: String, spoke: SPIFFEID, revision: Int64, domains: [String],
        environment: String? = nil, zones: [ZoneFacts]? = nil, servers: [BundleServer], rules: [Rule], masks: [Mask],
        revokedSerials: [String],
        revokedIdentities: [IdentityRevocation]
    ) {
        v = WireVersion.first
        self.organization = organization
        self.origin = origin
        self.spoke = spoke
        self.revision = revision
        self.domains = domains
        self.environment = environment
        self.zones = zones
        self.servers = servers
        self.rules = rules
        self.masks = masks
        self.revokedSerials = revokedSerials
        self.revokedIdentities = revokedIdentities
        v = neededWireVersion
    }

    /// - Parameter server: full name.
    /// - Returns: nil when this bundle does not place the server here.
    package func ruleset(for server: String) -> Ruleset? {
        servers.first { $0.name == server }.map { ruleset(for: $0, rules: rules) }
    }

    /// Of every server placed here, by full name, indexed.
    package var rulesets: [String: Ruleset] {
        // Once over the rules, not once for every server.
        var concerning: [String: [Rule]] = [:]
        for server in servers { concerning[server.name] = [] }
        for rule in rules {
            for name in rule.servers ?? servers.map(\.name) { concerning[name]?.append(rule) }
        }
        return Dictionary(
            servers.map { ($0.name, ruleset(for: $0, rules: concerning[$0.name] ?? []).indexed()) },
            uniquingKeysWith: { first, _ in first })
    }

    private func ruleset(for server: BundleServer, rules: [Rule]) -> Ruleset {
        Ruleset(
            organization: organization, server: server.name, networks: server.networks, callers: server.callers,
            rules: rules, masks: masks,
            surroundings: Surroundings(
                environment: environment, classification: server.classification, zones: zones ?? []),
            observedUntil: server.enforcement?.observedUntil(server.classification),
            pinning: server.policy.pin.map { Pinning(mode: $0, approved: server.pins ?? []) }, revision: revision)
    }
}

package struct BundleServer: Hashable, Sendable, Codable {
    /// Full name, `finance/ledger`.
    package var name: String
    package var classification: Classification
    package var networks: [Network]
    package var policy: EffectivePolicy
    /// Trust domains whose workloads may call, sorted; absent for every one.
    package var callers: [String]?
    /// Absent for a server that enforces. Without its reason, which stays at the hub.
    package var enforcement: Enforcement?
    /// The approved definitions of its tools, by name and digest; absent where nothing is pinned.
    package var pins: [ToolDefinition]?

    package init(
        name: String, classification: Classification, networks: [Network], policy: EffectivePolicy,
        callers: [String]? = nil, enforcement: Enforcement? = nil, pins: [ToolDefinition]? = nil
    ) {
        self.name = name
        self.classification = classification
        self.networks = networks
        self.policy = policy
        self.callers = callers
        self.enforcement = enforcement
        self.pins = pins
    }

    /// `ledger` of `finance/ledger`: the first path segment of its endpoint on a spoke.
    package var shortName: String { String(name.drop { $0 != "/" }.dropFirst()) }
}

/// The short signed word that a bundle is still in force; type `application/vnd.nave.lease.v1+json`.
package struct Lease: Hashable, Sendable, Codable {
    package static let payloadType = "application/vnd.nave.lease.v1+json"
    package static let version: Int64 = 1

    package var v: Int64
    package var spoke: SPIFFEID
    /// `sha256:…` of the bundle's payload bytes.
    package var bundle: String
    package var issued: Instant

    package init(spoke: SPIFFEID, bundle: String, issued: Instant) {
        v = Self.version
        self.spoke = spoke
        self.bundle = bundle
        self.issued = issued
    }
}
