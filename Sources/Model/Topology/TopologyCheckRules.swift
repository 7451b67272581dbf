extension TopologyCheck {
    /// One rule: every name in it is declared, and there is something it can match.
    mutating func check(_ rule: Rule) {
        if let zone = rule.zone { inZone(zone, of: rule.place) }
        if rule.to.isEmpty || rule.capabilities.isEmpty {
            fail("bad-value", "rule \(backticked(rule.id)) names nobody or nothing", at: rule.place)
        }
        for principal in rule.to + (rule.except ?? []) { declared(principal, by: rule.place) }
        let foundBefore = errors.count
        for selector in rule.servers ?? [] { check(selector, of: rule) }
        checkPeriod(of: rule)
        checkLimits(of: rule)
        checkReach(of: rule, namesAreGood: errors.count == foundBefore)
    }

    /// Names of this organization in a principal must be declared; people and groups are the identity provider's.
    mutating func declared(_ principal: Principal, by owner: Place?) {
        let place = mentions.place(of: principal.description, by: owner)
        switch principal {
        case .client(let zone, let name):
            if !zones.contains(zone) {
                undeclared("zone", zone, among: zones, at: place)
            } else if !clients.contains("\(zone)/\(name)") {
                undeclared("client", "\(zone)/\(name)", among: clients, at: place)
            }
        case .zone(let name):
            if !zones.contains(name) { undeclared("zone", name, among: zones, at: place) }
        case .domain(let domain):
            if isOwn(domain) {
                fail(
                    "bad-value", "\(backticked(principal.description)) is a domain of this organization",
                    hint: "name its clients with `zone:NAME` or `client:ZONE/NAME`", at: place)
            }
        case .spiffe(let pattern):
            let domain = pattern.description.dropFirst("spiffe://".count).prefix { $0 != "/" }
            if !isDomainName(String(domain)) {
                fail(
                    "bad-value", "\(backticked(principal.description)) names no trust domain",
                    hint: "a pattern stands in the path only", at: place)
            } else if isOwn(String(domain)) {
                fail(
                    "bad-value", "\(backticked(principal.description)) is in a domain of this organization",
                    hint: "name its clients with `zone:NAME` or `client:ZONE/NAME`", at: place)
            }
        case .user, .group, .anyone: break
        }
    }

    private func isOwn(_ domain: String) -> Bool {
        domain == topology.organization.domain || domain.hasSuffix(".\(topology.organization.domain)")
    }

    /// `ledger`, `finance/ledger` or `label:tier=gold`.
    private mutating func check(_ selector: String, of rule: Rule) {
        let place = mentions.place(of: selector, by: rule.place)
        let candidates = self.candidates(of: rule)
        if selector.hasPrefix("label:") {
            let parts = selector.dropFirst("label:".count).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false
            ).map(String.init)
            guard parts.count == 2, isLabel(parts[0]), !parts[1].isEmpty else {
                fail("bad-value", "\(backticked(selector)) selects no label", hint: "as `label:tier=gold`", at: place)
                return
            }
            if !candidates.contains(where: { $0.labels?[parts[0]] == parts[1] }) {
                find("matches-nothing", "no server has the label that \(backticked(selector)) selects", at: place)
            }
            return
        }
        if !candidates.contains(where: { $0.name == selector || $0.fullName == selector }),
            rule.zone.map(zones.contains) ?? true
        {
            undeclared(
                "server", selector, among: candidates.map { selector.contains("/") ? $0.fullName : $0.name }, at: place)
        }
    }

    private mutating func checkPeriod(of rule: Rule) {
        if let from = rule.from, let until = rule.until, from >= until {
            fail("bad-period", "rule \(backticked(rule.id)) ends before it begins", at: rule.place)
        } else if let until = rule.until, until <= now {
            find("expired-rule", "rule \(backticked(rule.id)) ended on \(until)", at: rule.place)
        }
    }

    /// What can never match is a finding: somebody believes that it allows or denies something.
    private mutating func checkReach(of rule: Rule, namesAreGood: Bool) {
        let targets = reached(by: rule)
        if targets.isEmpty, namesAreGood, rule.servers?.contains(where: { $0.hasPrefix("label:") }) != true {
            find("matches-nothing", "rule \(backticked(rule.id)) applies to no server", at: rule.place)
        }
        checkCallers(of: rule, targets)
        if let except = rule.except, !rule.to.isEmpty, except.contains(.anyone) || rule.to.allSatisfy(except.contains) {
            find("matches-nothing", "rule \(backticked(rule.id)) excepts everyone whom it names", at: rule.place)
        }
        guard let when = rule.when else { return }
        let kinds = Set(rule.capabilities.map(\.kind))
        // Only tools say that they read only, and resources take no arguments: the fact is missing, an allow never holds.
        if when.readOnly != nil, rule.effect == .allow, !kinds.contains(nil), !kinds.contains(.tool) {
            find(
                "matches-nothing", "rule \(backticked(rule.id)) asks for read-only tools and names none", at: rule.place
            )
        }
        if when.arguments?.isEmpty == false, rule.effect == .allow, kinds == [.resource] {
            find(
                "matches-nothing", "rule \(backticked(rule.id)) tests arguments, and resources take none",
                at: rule.place)
        }
        if let networks = when.networks {
            let reachable = topology.zones.filter { zone in targets.contains { $0.zone == zone.name } }.flatMap(
                \.networks)
            if !reachable.isEmpty, !networks.contains(where: { one in reachable.contains { overlap(one, $0) } }) {
                find(
                    "matches-nothing", "rule \(backticked(rule.id)) wants networks from which no caller may come",
                    at: rule.place)
            }
        }
    }

    /// The servers that the rule can select from.
    private func candidates(of rule: Rule) -> [Server] {
        rule.zone.map { serversOfZone[$0] ?? [] } ?? topology.servers
    }

    /// The servers that the rule applies to.
    private func reached(by rule: Rule) -> [Server] {
        let inZone = candidates(of: rule)
        guard let selectors = rule.servers else { return inZone }
        return inZone.filter { server in
            selectors.contains { selector in
                selector == server.name || selector == server.fullName
                    || (server.labels ?? [:]).contains { "label:\($0.key)=\($0.value)" == selector }
            }
        }
    }

    private func overlap(_ one: Network, _ other: Network) -> Bool {
        one.contains(other.address) || other.contains(one.address)
    }
}
