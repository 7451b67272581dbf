/// Everything of the registry that bundles are compiled from.
package struct RegistryState: Sendable {
    package var origin: String
    package var topology: Topology
    /// Revocations of grants in force and lapses of open reviews.
    package var masks: [Mask]
    /// Approved definitions of tools, by the server's full name.
    package var pins: [String: [ToolDefinition]]
    package var revokedSerials: [String]
    /// `sha256:…` of the keys of CAs that retired.
    package var retiredKeys: [String]
    package var revokedIdentities: [IdentityRevocation]
    /// Ledger index of the last change by scope: `organization` (with revocations of certificates), or a zone's name.
    package var changes: [String: Int64]

    package init(
        origin: String, topology: Topology, masks: [Mask] = [], pins: [String: [ToolDefinition]] = [:],
        revokedSerials: [String] = [], retiredKeys: [String] = [], revokedIdentities: [IdentityRevocation] = [],
        changes: [String: Int64] = [:]
    ) {
        self.origin = origin
        self.topology = topology
        self.masks = masks
        self.pins = pins
        self.revokedSerials = revokedSerials
        self.retiredKeys = retiredKeys
        self.revokedIdentities = revokedIdentities
        self.changes = changes
    }

    /// What a bundle carries as `revokedSerials`. A reader that knows of no keys takes theirs for serial numbers that nobody
    /// has, and goes on refusing the certificates that it is told by number: no reason for it to refuse the bundle.
    package var denied: [String] { (revokedSerials + retiredKeys).sorted() }

    /// Ledger index of the last change that a zone's spokes could notice.
    package func revision(ofZone zone: String) -> Int64 { max(changes["organization"] ?? 0, changes[zone] ?? 0) }
}

/// Compiles what one spoke enforces. Pure: the same state gives the same bytes.
/// - Returns: nil when the topology has no such spoke.
package func compileBundle(spoke: Spoke, from state: RegistryState) -> PolicyBundle? {
    let topology = state.topology
    guard topology.spokes.contains(where: { $0.name == spoke.name && $0.zone == spoke.zone }),
        let zone = topology.zones.first(where: { $0.name == spoke.zone }),
        let identity = try? SPIFFEID(
            trustDomain: "\(zone.name).\(topology.organization.domain)", path: ["spoke", spoke.name])
    else { return nil }
    let servers = topology.servers
        .filter { $0.zone == spoke.zone && $0.spokes.contains(spoke.name) }
        .sorted { $0.fullName < $1.fullName }
        .map { server in
            let policy = EffectivePolicy(layers: [topology.organization.policy, zone.policy, server.policy])
            return BundleServer(
                name: server.fullName, classification: server.classification, networks: zone.networks, policy: policy,
                callers: zone.callerDomains(topology.organization.domain), enforcement: server.enforcement?.bare,
                pins: policy.pin.map { _ in
                    (state.pins[server.fullName] ?? []).sorted { ($0.name, $0.digest) < ($1.name, $1.digest) }
                })
        }
    let names = Set(servers.map(\.name))
    let rules = topology.resolvedRules.compactMap { rule -> Rule? in
        var rule = rule
        // Free text stays at the hub: a spoke decides without it.
        rule.reason = nil
        guard let concerned = rule.servers else { return rule }
        rule.servers = concerned.filter(names.contains)
        return rule.servers == [] ? nil : rule
    }
    let conditions = rules.compactMap(\.when)
    return PolicyBundle(
        organization: topology.organization.domain, origin: state.origin, spoke: identity,
        revision: state.revision(ofZone: zone.name),
        domains: [topology.organization.domain]
            + topology.zones.map { "\($0.name).\(topology.organization.domain)" }.sorted(),
        environment: conditions.contains { $0.environment != nil } ? topology.organization.environment : nil,
        zones: conditions.contains(where: \.comparesZones) ? topology.zoneFacts : nil,
        servers: servers, rules: rules,
        masks: state.masks.filter { names.contains($0.server) }.map(inForce).sorted { $0.id < $1.id },
        revokedSerials: state.denied,
        revokedIdentities: state.revokedIdentities.sorted { $0.identity.description < $1.identity.description })
}

/// A revocation (`rv-…`) holds from the beginning of time: a spoke whose clock lags behind the hub's must not honour the
/// grant until then. The lapse of an open review (`ar-…/3`) keeps its due date.
private func inForce(_ mask: Mask) -> Mask {
    guard mask.id.hasPrefix("rv-") else { return mask }
    var mask = mask
    mask.at = Instant(milliseconds: 0)
    return mask
}
