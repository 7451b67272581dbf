/// The servers whose access may differ after some changes.
struct TouchedServers {
    /// Sorted.
    let servers: [String]
    /// Ids of the rules that changed.
    let rules: Set<String>
    /// Of which everything may differ, and not only what those rules speak about.
    private let whole: Set<String>

    init(_ changes: [Plan.Change], _ current: Topology?, _ desired: Topology) {
        // Limits are no access.
        let rules = Set(
            changes.filter { change in
                change.object.kind == .rule
                    && (change.action != .change
                        || change.fields.contains { $0 != "reason" && !$0.hasPrefix("limits") })
            }.map(\.object.name))
        var zones = Set(changes.filter { $0.object.kind == .zone }.map(\.object.name))
        let facts = { (topology: Topology?) in
            Dictionary((topology?.zoneFacts ?? []).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        }
        let organizations = [current?.organization, desired.organization]
        // What rules compare zones by, and what is pinned everywhere, may concern every server.
        if facts(current).contains(where: { name, value in facts(desired)[name].map { $0 != value } ?? false })
            || organizations[0]?.environment != organizations[1]?.environment
            || organizations[0]?.policy?.tools != organizations[1]?.policy?.tools
        {
            zones.formUnion(desired.zones.map(\.name))
        }
        var whole = Set(changes.filter { $0.object.kind == .server }.map(\.object.name))
        var touched = whole
        for topology in [current, desired].compactMap(\.self) {
            let byZone = Dictionary(grouping: topology.servers, by: \.zone)
            for zone in zones { whole.formUnion((byZone[zone] ?? []).map(\.fullName)) }
            for rule in topology.rules where rules.contains(rule.id) {
                let selection = ServerSelection(rule.servers)
                let candidates = rule.zone.map { byZone[$0] ?? [] } ?? topology.servers
                touched.formUnion(candidates.filter(selection.contains).map(\.fullName))
            }
        }
        self.rules = rules
        self.whole = whole
        servers = touched.union(whole).sorted()
    }

    func isWhole(_ server: String) -> Bool { whole.contains(server) }
}
