/// What decides about each server of a topology, put together for one server when it is asked for: a question about few
/// servers costs little, however many there are.
package struct Rulesets {
    private let topology: Topology
    private let servers: [String: Server]
    private let zones: [String: Zone]
    /// By zone; nil holds the organization's. In the order of their names.
    private let rules: [String?: [(rule: Rule, selection: ServerSelection)]]
    private let masks: [String: [Mask]]
    private let pins: [String: [ToolDefinition]]
    private let zoneFacts: [ZoneFacts]

    /// - Parameter pins: approved definitions of tools, by the server's full name.
    package init(_ topology: Topology, masks: [Mask], pins: [String: [ToolDefinition]] = [:]) {
        self.topology = topology
        servers = Dictionary(topology.servers.map { ($0.fullName, $0) }, uniquingKeysWith: { first, _ in first })
        zones = Dictionary(topology.zones.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        rules = Dictionary(grouping: topology.rules.sorted { $0.id < $1.id }.map { ($0.zone, $0) }, by: \.0)
            .mapValues { $0.map { (rule: $0.1, selection: ServerSelection($0.1.servers)) } }
        self.masks = Dictionary(grouping: masks, by: \.server)
        self.pins = pins
        zoneFacts = topology.zoneFacts
    }

    /// Full names of the servers, sorted.
    package var names: [String] { servers.keys.sorted() }

    package func server(_ name: String) -> Server? { servers[name] }

    /// The rules that speak about a server, resolved for it alone: the organization's, then its zone's.
    package func rules(of server: Server) -> [Rule] {
        let concerned = (rules[nil] ?? []) + (rules[server.zone] ?? [])
        return concerned.filter { $0.selection.contains(server) }.map { rule, _ in
            var rule = rule
            if rule.zone != nil || rule.servers != nil { rule.servers = [server.fullName] }
            return rule
        }
    }

    /// - Parameter name: the server's full name.
    /// - Returns: nil when there is no such server.
    package func ruleset(for name: String, revision: Int64) -> Ruleset? {
        guard let server = servers[name], let zone = zones[server.zone] else { return nil }
        let organization = topology.organization
        let pin = EffectivePolicy(layers: [organization.policy, zone.policy, server.policy]).pin
        return Ruleset(
            organization: organization.domain, server: name, networks: zone.networks,
            callers: zone.callerDomains(organization.domain), rules: rules(of: server), masks: masks[name] ?? [],
            surroundings: Surroundings(
                environment: organization.environment, classification: server.classification, zones: zoneFacts),
            observedUntil: server.enforcement?.observedUntil(server.classification),
            pinning: pin.map { Pinning(mode: $0, approved: pins[name] ?? []) }, revision: revision)
    }
}
