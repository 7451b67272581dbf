extension Topology {
    /// The rules with their servers as full names and labels resolved: what bundles hold and `decide` reads. The
    /// organization's rules come first, then the zones', each in the order of their names.
    package var resolvedRules: [Rule] {
        let byZone = Dictionary(grouping: servers, by: \.zone)
        let ordered = rules.map { (zone: $0.zone, rule: $0) }.sorted {
            ($0.zone == nil ? 0 : 1, $0.rule.id) < ($1.zone == nil ? 0 : 1, $1.rule.id)
        }
        return ordered.map { zone, rule in
            var rule = rule
            // A rule of the organization that names no server speaks about all of them, those to come included.
            if zone != nil || rule.servers != nil {
                let selection = ServerSelection(rule.servers)
                let candidates = zone.map { byZone[$0] ?? [] } ?? servers
                rule.servers = candidates.filter(selection.contains).map(\.fullName).sorted()
            }
            return rule
        }
    }

    /// What decides about one server, as the registry or the files stand; `Rulesets` answers for many.
    /// - Parameters:
    ///   - server: full name.
    ///   - pins: the approved definitions of its tools.
    /// - Returns: nil when there is no such server.
    package func ruleset(
        for server: String, masks: [Mask], pins: [ToolDefinition] = [], revision: Int64
    ) -> Ruleset? {
        Rulesets(self, masks: masks, pins: [server: pins]).ruleset(for: server, revision: revision)
    }

    /// What holds for a server's tools that are not as they were approved: the strictest layer's word.
    package func pin(of server: Server) -> PinMode {
        let zone = zones.first { $0.name == server.zone }
        return EffectivePolicy(layers: [organization.policy, zone?.policy, server.policy]).pin ?? .off
    }

    /// What conditions may ask about the zones, by name.
    var zoneFacts: [ZoneFacts] {
        zones.map { ZoneFacts(name: $0.name, region: $0.region, classification: $0.classification) }
            .sorted { $0.name < $1.name }
    }

    /// All edges of all allow rules, sorted by server, principal and rule.
    package var grants: [Grant] {
        let names = servers.map(\.fullName)
        return resolvedRules.filter { $0.effect == .allow }.flatMap { rule in
            (rule.servers ?? names).flatMap { server in
                rule.to.map { Grant(principal: $0, server: server, capabilities: rule.capabilities, rule: rule.id) }
            }
        }.sorted { ($0.server, $0.principal.description, $0.rule) < ($1.server, $1.principal.description, $1.rule) }
    }
}

/// The selectors of a rule's `servers:`, read once.
struct ServerSelection {
    private var all = false
    private var names: Set<String> = []
    private var labels: [(key: String, value: String)] = []

    init(_ selectors: [String]?) {
        guard let selectors else {
            all = true
            return
        }
        for selector in selectors {
            guard selector.hasPrefix("label:") else {
                names.insert(selector)
                continue
            }
            let parts = selector.dropFirst("label:".count).split(separator: "=", maxSplits: 1).map(String.init)
            if parts.count == 2 { labels.append((parts[0], parts[1])) }
        }
    }

    func contains(_ server: Server) -> Bool {
        all || names.contains(server.name) || names.contains(server.fullName)
            || labels.contains { server.labels?[$0.key] == $0.value }
    }
}
