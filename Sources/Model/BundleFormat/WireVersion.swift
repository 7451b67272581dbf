/// Versions of the bundle's payload. A spoke refuses what it does not know, so what is new in a bundle has a version, the hub
/// knows which versions each spoke reads, and compiles each bundle as the lowest version that carries its content: an older
/// spoke goes on with every bundle that uses nothing new.
package enum WireVersion {
    package static let first: Int64 = 1
    /// What this program reads, and enforces whole.
    package static let read: [Int64] = [1, 2]

    /// One line for each key, condition or value that is younger than version 1. A key without its line fails
    /// `WireVersionTests`.
    package static let features: [WireFeature] = [
        WireFeature("limits.sessions", since: 2, server: { $0.policy.sessions != nil }),
        WireFeature("limits", since: 2, rule: { $0.limits != nil }),
        WireFeature("when.environment", since: 2, rule: { $0.when?.environment != nil }),
        WireFeature("when.sameRegion", since: 2, rule: { $0.when?.sameRegion != nil }),
        WireFeature("when.clearance", since: 2, rule: { $0.when?.clearance != nil }),
        WireFeature(
            "when.arguments", since: 2,
            rule: { $0.when?.arguments?.contains { $0.key.hasPrefix("/") || $0.value.isYoungerThanVersion1 } ?? false }),
        WireFeature("callers", since: 2, server: { $0.callers != nil }),
        WireFeature("enforcement", since: 2, server: { $0.enforcement != nil }),
        WireFeature("tools.pin", since: 2, server: { $0.policy.pin != nil || $0.pins != nil }),
        WireFeature("serverRequests", since: 2, server: { $0.policy.serverRequests != nil }),
        WireFeature("egress", since: 2, server: { $0.policy.egress != nil }),
        WireFeature("checks", since: 2, server: { $0.policy.checks != nil }),
        WireFeature("environment", since: 2, bundle: { $0.environment != nil }),
        WireFeature("zones", since: 2, bundle: { $0.zones != nil }),
    ]
}

/// Something in a bundle that only spokes from a version on enforce.
package struct WireFeature: Sendable {
    /// As files spell it.
    package let name: String
    package let version: Int64
    /// Whether a rule of a bundle uses it.
    package let isUsedByRule: @Sendable (Rule) -> Bool
    /// Whether a server of a bundle uses it.
    package let isUsedByServer: @Sendable (BundleServer) -> Bool
    /// Whether a bundle uses it beside its rules and servers: what they need to be judged.
    package let isUsedByBundle: @Sendable (PolicyBundle) -> Bool

    package init(
        _ name: String, since version: Int64,
        rule isUsedByRule: @escaping @Sendable (Rule) -> Bool = { _ in false },
        server isUsedByServer: @escaping @Sendable (BundleServer) -> Bool = { _ in false },
        bundle isUsedByBundle: @escaping @Sendable (PolicyBundle) -> Bool = { _ in false }
    ) {
        self.name = name
        self.version = version
        self.isUsedByRule = isUsedByRule
        self.isUsedByServer = isUsedByServer
        self.isUsedByBundle = isUsedByBundle
    }

    package func isUsed(by bundle: PolicyBundle) -> Bool {
        bundle.rules.contains(where: isUsedByRule) || bundle.servers.contains(where: isUsedByServer)
            || isUsedByBundle(bundle)
    }

    /// Who of the files asks for it in a bundle: `rule finance/x (zones/finance.yaml:12:3)`.
    package func users(in bundle: PolicyBundle, of topology: Topology) -> [String] {
        let rules = bundle.rules.filter(isUsedByRule).map { ("rule `\($0.id)`", $0.place) }
        let servers = bundle.servers.filter(isUsedByServer).flatMap { layers(of: $0, in: topology) }
        var seen: Set<String> = []
        return (rules + servers).map { what, place in what + (place.map { " (\($0))" } ?? "") }
            .filter { seen.insert($0).inserted }
    }

    /// The layers whose policy alone makes the server use it.
    private func layers(of server: BundleServer, in topology: Topology) -> [(String, Place?)] {
        let stated = topology.servers.first { $0.fullName == server.name }
        let zone = topology.zones.first { $0.name == stated?.zone }
        let organization = topology.organization
        let layers: [(String, Policy?, Place?)] = [
            ("organization `\(organization.domain)`", organization.policy, organization.place),
            ("zone `\(zone?.name ?? "")`", zone?.policy, zone?.place),
            ("server `\(server.name)`", stated?.policy, stated?.place),
        ]
        let users = layers.filter { _, policy, _ in
            var alone = server
            alone.policy = EffectivePolicy(layers: [policy])
            return isUsedByServer(alone)
        }
        return users.isEmpty ? [("server `\(server.name)`", stated?.place)] : users.map { ($0.0, $0.2) }
    }
}

extension ArgumentTest {
    /// Version 1 knows a pattern and one bound.
    fileprivate var isYoungerThanVersion1: Bool {
        switch self {
        case .pattern: false
        case .bounds(let bounds): bounds.count > 1
        case .oneOf, .present: true
        }
    }
}

extension PolicyBundle {
    /// The lowest version whose readers enforce all of this.
    package var neededWireVersion: Int64 {
        WireVersion.features.filter { $0.isUsed(by: self) }.map(\.version).max() ?? WireVersion.first
    }
}
