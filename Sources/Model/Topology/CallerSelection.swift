/// Whose workloads may call a zone's servers at all: `callers:` and the zone itself.
struct CallerSelection {
    /// Names of this organization's zones.
    private let zones: Set<String>
    /// Of other organizations.
    private let domains: Set<String>

    init(_ callers: [Principal], zone: String) {
        var zones: Set<String> = [zone]
        var domains: Set<String> = []
        for caller in callers {
            switch caller {
            case .zone(let name): zones.insert(name)
            case .domain(let domain): domains.insert(domain)
            case .client, .user, .group, .spiffe, .anyone: break
            }
        }
        self.zones = zones
        self.domains = domains
    }

    /// Trust domains, sorted.
    func trustDomains(_ organization: String) -> [String] { (zones.map { "\($0).\(organization)" } + domains).sorted() }

    /// Whether those whom a principal names may call; missing where it depends on the workload.
    func admits(_ principal: Principal) -> Truth {
        switch principal {
        case .client(let zone, _), .zone(let zone): zones.contains(zone) ? .yes : .no
        case .domain(let domain): domains.contains(domain) ? .yes : .no
        case .spiffe(let pattern):
            domains.contains(
                String(pattern.description.dropFirst("spiffe://".count).prefix { $0 != "/" })) ? .yes : .no
        case .user, .group, .anyone: .missing
        }
    }

    /// For people.
    var text: String { (zones.sorted() + domains.sorted()).joined(separator: ", ") }
}

extension Zone {
    /// Nil for a zone that takes calls from everybody's workloads.
    var callerSelection: CallerSelection? { callers.map { CallerSelection($0, zone: name) } }

    func callerDomains(_ organization: String) -> [String]? { callerSelection?.trustDomains(organization) }
}
