extension Principal {
    /// Callers whom this principal names, one of each kind that rules can tell apart by nothing but their kind: what no rule
    /// names besides is filled with `fresh`. A person comes alone, and through a client of each zone.
    /// - Parameters:
    ///   - groups: what is known of a person's groups.
    ///   - rulesets: those that tell callers apart.
    func representatives(fresh: String, of rulesets: [Ruleset], groups: Set<String> = []) -> [Caller] {
        guard let organization = rulesets.first?.organization else { return [] }
        let domains = Set(rulesets.flatMap { isPerson ? $0.clientDomains : $0.callerDomains }).sorted()
        switch self {
        case .client(let zone, let name):
            return workload("\(zone).\(organization)", ["client", name])
        case .zone(let zone): return workload("\(zone).\(organization)", ["client", fresh])
        case .domain(let domain): return workload(domain, ["client", fresh])
        case .spiffe(let pattern):
            let fillings = [fresh] + (2...4).map { [String](repeating: fresh, count: $0).joined(separator: "/") } + [""]
            return fillings.compactMap { pattern.example($0) }.compactMap { try? SPIFFEID($0) }.map {
                Caller(workload: $0)
            }
        case .user(let address): return person(address, groups, fresh, domains)
        case .group(let name): return person("\(fresh)@\(fresh)", groups.union([name]), fresh, domains)
        case .anyone:
            let foreign = workload("\(fresh).\(fresh)", ["client", fresh])
            return domains.flatMap { workload($0, ["client", fresh]) } + foreign
                + person("\(fresh)@\(fresh)", groups, fresh, domains)
        }
    }

    private func workload(_ domain: String, _ path: [String]) -> [Caller] {
        (try? SPIFFEID(trustDomain: domain, path: path)).map { [Caller(workload: $0)] } ?? []
    }

    private func person(_ address: String, _ groups: Set<String>, _ fresh: String, _ domains: [String]) -> [Caller] {
        let user = Caller.User(issuer: fresh, subject: address, address: address, groups: groups)
        return [Caller(user: user)]
            + domains.flatMap { workload($0, ["client", fresh]) }.map { Caller(workload: $0.workload, user: user) }
    }
}

extension Ruleset {
    /// Trust domains that rules or the zone tell apart: those that they name, and all zones where zones are compared.
    fileprivate var callerDomains: [String] {
        let principals = (rules + ceiling).flatMap { $0.to + ($0.except ?? []) }
        let zones = Set(
            principals.compactMap { principal -> String? in
                switch principal {
                case .client(let zone, _), .zone(let zone): zone
                case .user, .group, .domain, .spiffe, .anyone: nil
                }
            })
        let domains = principals.compactMap { principal -> String? in
            if case .domain(let domain) = principal { domain } else { nil }
        }
        return zones.union([zone]).map { "\($0).\(organization)" } + domains + clientDomains
    }

    /// Where a person's client may be of, as far as it matters: rules that name people do not name it.
    fileprivate var clientDomains: [String] {
        if let callers { return callers }
        guard (rules + ceiling).contains(where: { $0.when?.comparesZones == true }) else { return [] }
        return surroundings.zones.keys.map { "\($0).\(organization)" }
    }

    /// The id of what `admitting` adds.
    static let clientRule = "the-client"

    /// As though a rule let a person's client in, so that what is asked is what the person may do.
    func admitting(_ workload: SPIFFEID?) -> Ruleset {
        guard let workload, let name = try? Principal(workload.description),
            let everything = try? CapabilityPattern("*")
        else { return self }
        var ruleset = self
        ruleset.rules.append(Rule(id: Self.clientRule, effect: .allow, capabilities: [everything], to: [name]))
        return ruleset
    }
}

extension Ruleset {
    /// Where the zone takes calls of some zones only, and the principal does not say whose.
    func admissionTexts(of principal: Principal) -> [String] {
        guard let callers, principal.isPerson || principal == .anyone else { return [] }
        let suffix = ".\(organization)"
        let names = callers.map { $0.hasSuffix(suffix) ? String($0.dropLast(suffix.count)) : $0 }
        return ["through clients of \(names.joined(separator: ", "))"]
    }
}

extension Principal {
    /// Whether somebody may be named by both, as far as names tell.
    func sharesCallers(with other: Principal) -> Bool {
        switch (self, other) {
        case (.anyone, _), (_, .anyone): return true
        // Whoever is a person may be in any group, and in several.
        case (.user(let one), .user(let two)): return one == two
        case (.user, .group), (.group, .user), (.group, .group): return true
        case (.user, _), (.group, _), (_, .user), (_, .group): return false
        case (.spiffe(let one), .spiffe(let two)): return one.overlaps(two)
        case (.client(let zone, let name), .client(let other, let theirs)): return zone == other && name == theirs
        case (.client(let zone, _), .zone(let other)), (.zone(let other), .client(let zone, _)),
            (.zone(let zone), .zone(let other)):
            return zone == other
        case (.domain(let one), .domain(let two)): return one == two
        case (.spiffe(let pattern), .domain(let domain)), (.domain(let domain), .spiffe(let pattern)):
            return pattern.description.hasPrefix("spiffe://\(domain)/")
        // Workloads of other organizations and of this one's zones (`TopologyCheck` keeps them apart).
        case (.spiffe, .client), (.spiffe, .zone), (.client, .spiffe), (.zone, .spiffe), (.domain, .client),
            (.domain, .zone), (.client, .domain), (.zone, .domain):
            return false
        }
    }

    /// Whether everyone whom the other names is named.
    func covers(_ other: Principal) -> Bool {
        switch (self, other) {
        case (.anyone, _): true
        case (.zone(let zone), .client(let theirs, _)): zone == theirs
        case (.domain(let domain), .spiffe(let pattern)): pattern.description.hasPrefix("spiffe://\(domain)/")
        case (.spiffe(let one), .spiffe(let two)): one.covers(two)
        default: self == other
        }
    }
}
