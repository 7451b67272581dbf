extension Topology {
    /// The rules with their servers as full names and labels resolved: what bundles hold and `decide` reads. The
    /// organization's rules come first, then the zones', each in the order of their names.
    package var resolvedRules: [Rule] {
        let ordered = rules.sorted { ($0.zone == nil ? 0 : 1, $0.id) < ($1.zone == nil ? 0 : 1, $1.id) }
        return ordered.map { rule in
            var resolved = rule
            resolved.servers = self.servers(of: rule)
            return resolved
        }
    }

    /// Full names, sorted; nil for every server of the organization.
    private func servers(of rule: Rule) -> [String]? {
        if rule.zone == nil, rule.servers == nil { return nil }
        let candidates = servers.filter { rule.zone == nil || $0.zone == rule.zone }
        guard let selectors = rule.servers else { return candidates.map(\.fullName).sorted() }
        return candidates.filter { server in
            selectors.contains { selector in
                guard selector.hasPrefix("label:") else { return selector == server.name || selector == server.fullName }
                let parts = selector.dropFirst("label:".count).split(separator: "=", maxSplits: 1).map(String.init)
                return parts.count == 2 && server.labels?[parts[0]] == parts[1]
            }
        }.map(\.fullName).sorted()
    }

    /// What decides about one server, as the registry or the files stand.
    /// - Parameter server: full name.
    /// - Returns: nil when there is no such server.
    package func ruleset(for server: String, masks: [Mask], revision: Int64) -> Ruleset? {
        guard let found = servers.first(where: { $0.fullName == server }),
            let zone = zones.first(where: { $0.name == found.zone })
        else { return nil }
        return Ruleset(
            organization: organization.domain, server: server, networks: zone.networks, rules: resolvedRules,
            masks: masks, revision: revision)
    }

    /// All edges of all allow rules, sorted by server, principal and rule.
    package var grants: [Grant] {
        resolvedRules.filter { $0.effect == .allow }.flatMap { rule in
            (rule.servers ?? servers.map(\.fullName)).flatMap { server in
                rule.to.map { Grant(principal: $0, server: server, capabilities: rule.capabilities, rule: rule.id) }
            }
        }.sorted { ($0.server, $0.principal.description, $0.rule) < ($1.server, $1.principal.description, $1.rule) }
    }
}
