/// Whether a topology means something: what the files of `TopologyReader` and the hub's `apply` both demand.
///
/// Errors refuse it. Findings are what is legal and probably not meant. Codes of errors: `bad-name`, `reserved-name`,
/// `duplicate-name`, `undeclared-name`, `bad-value`, `bad-role`, `above-ceiling`, `header-set-above`, `bad-staleness`,
/// `bad-period`, `bad-enforcement`. Codes of findings: `expired-rule`, `expired-client`, `matches-nothing`,
/// `unplaced-server`, `unreachable-zone`, `observed-server`, `observation-ended`.
package struct TopologyCheck {
    let topology: Topology
    let tests: [TopologyTest]
    let mentions: Mentions
    let now: Instant
    /// In the order in which they were found, at most `Problems.maximum`.
    package private(set) var errors: [ModelError] = []
    package private(set) var findings: [Plan.Finding] = []

    private var reported: Set<String> = []
    let zones: Set<String>
    let spokes: Set<String>
    let clients: Set<String>
    let servers: Set<String>
    let serversOfZone: [String: [Server]]
    /// Only of zones that choose who may call.
    let callersOfZone: [String: CallerSelection]

    package init(_ topology: Topology, tests: [TopologyTest] = [], mentions: Mentions = Mentions(), now: Instant) {
        self.topology = topology
        self.tests = tests
        self.mentions = mentions
        self.now = now
        zones = Set(topology.zones.map(\.name))
        spokes = Set(topology.spokes.map(\.fullName))
        clients = Set(topology.clients.map(\.fullName))
        servers = Set(topology.servers.map(\.fullName))
        serversOfZone = Dictionary(grouping: topology.servers, by: \.zone)
        callersOfZone = Dictionary(
            topology.zones.compactMap { zone in zone.callerSelection.map { (zone.name, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    package mutating func run() {
        checkNames()
        checkPlacement()
        checkRoles()
        checkPolicies()
        checkCallers()
        checkEnforcement()
        for rule in topology.rules { check(rule) }
        for test in tests { check(test) }
    }

    mutating func fail(_ code: String, _ message: String, hint: String? = nil, at place: Place?) {
        let error = ModelError(code, message, hint: hint, place: place)
        // One mistake (an undeclared zone) can be met in many objects of one file.
        if errors.count < Problems.maximum, reported.insert(error.description).inserted { errors.append(error) }
    }

    mutating func find(_ code: String, _ message: String, at place: Place?) {
        findings.append(Plan.Finding(code: code, message: message, place: place))
    }

    /// `undeclared-name`, with what may have been meant.
    mutating func undeclared(_ kind: String, _ name: String, among known: some Sequence<String>, at place: Place?) {
        fail(
            "undeclared-name", "\(kind) \(backticked(name)) is not declared",
            hint: suggestionHint(for: name, among: known),
            at: place)
    }

    // MARK: names

    private mutating func checkNames() {
        let organization = topology.organization
        if !isDomainName(organization.domain) {
            fail(
                "bad-name", "the organization \(backticked(organization.domain)) is not a domain",
                hint: "lower case, as corp.example", at: organization.place)
        }
        for zone in topology.zones {
            name("zone", zone.name, at: zone.place)
            if ["hub", "root", "organization"].contains(zone.name) {
                fail(
                    "reserved-name", "the name `\(zone.name)` is the hub's own", hint: "choose another for the zone",
                    at: zone.place)
            } else if isLabel(zone.name), isDomainName(organization.domain),
                !isDomainName("\(zone.name).\(organization.domain)")
            {
                fail(
                    "bad-name", "the zone's domain `\(zone.name).\(organization.domain)` is longer than 253 bytes",
                    at: zone.place)
            }
        }
        for spoke in topology.spokes { name("spoke", spoke.name, at: spoke.place) }
        for client in topology.clients { name("client", client.name, at: client.place) }
        for server in topology.servers { name("server", server.name, at: server.place) }
        for rule in topology.rules {
            let parts = rule.id.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            name("rule", parts.last ?? rule.id, at: rule.place)
        }
        unique("zone", topology.zones.map { ($0.name, $0.place) })
        unique("spoke", topology.spokes.map { ($0.fullName, $0.place) })
        unique("client", topology.clients.map { ($0.fullName, $0.place) })
        unique("server", topology.servers.map { ($0.fullName, $0.place) })
        unique("rule", topology.rules.map { ($0.id, $0.place) })
    }

    private mutating func name(_ kind: String, _ name: String, at place: Place?) {
        if !isLabel(name) {
            fail(
                "bad-name", "\(backticked(name)) cannot name a \(kind)",
                hint: "lower-case letters, digits and inner hyphens, at most 63", at: place)
        }
    }

    private mutating func unique(_ kind: String, _ names: [(name: String, place: Place?)]) {
        var first: [String: Place?] = [:]
        for (name, place) in names {
            if let earlier = first[name] {
                fail(
                    "duplicate-name", "\(kind) \(backticked(name)) is declared twice",
                    hint: earlier.map { "first at \($0)" }, at: place)
            } else {
                first[name] = .some(place)
            }
        }
    }

    // MARK: zones, servers, clients

    private mutating func checkPlacement() {
        for zone in topology.zones where zone.networks.isEmpty {
            find(
                "unreachable-zone", "zone \(backticked(zone.name)) has no networks, so nobody can call its servers",
                at: zone.place)
        }
        for spoke in topology.spokes { inZone(spoke.zone, of: spoke.place) }
        for client in topology.clients {
            inZone(client.zone, of: client.place)
            if let until = client.until, until <= now {
                find("expired-client", "client \(backticked(client.fullName)) ended on \(until)", at: client.place)
            }
        }
        let ceilings = Dictionary(
            topology.zones.map { ($0.name, $0.classification) }, uniquingKeysWith: { first, _ in first })
        for server in topology.servers {
            inZone(server.zone, of: server.place)
            if let ceiling = ceilings[server.zone], server.classification > ceiling {
                fail(
                    "above-ceiling",
                    "server \(backticked(server.fullName)) is \(server.classification.rawValue), its zone only \(ceiling.rawValue)",
                    at: server.place)
            }
            if server.spokes.isEmpty {
                find("unplaced-server", "server \(backticked(server.fullName)) is on no spoke", at: server.place)
            }
            for spoke in Set(server.spokes).sorted() {
                let place = mentions.place(of: spoke, by: server.place)
                if server.spokes.count(where: { $0 == spoke }) > 1 {
                    fail("duplicate-name", "spoke \(backticked(spoke)) is named twice", at: place)
                }
                if !spokes.contains("\(server.zone)/\(spoke)"), zones.contains(server.zone) {
                    undeclared(
                        "spoke", spoke, among: topology.spokes.filter { $0.zone == server.zone }.map(\.name), at: place)
                }
            }
        }
    }

    /// The zone that an object stands in must be declared.
    mutating func inZone(_ zone: String, of owner: Place?) {
        if !zones.contains(zone) {
            undeclared("zone", zone, among: zones, at: mentions.place(of: "zone:\(zone)", by: owner))
        }
    }

    private mutating func checkRoles() {
        let layers =
            [(topology.organization.roles, topology.organization.place)] + topology.zones.map { ($0.roles, $0.place) }
        for (roles, place) in layers {
            for principal in (roles?.owner ?? []) + (roles?.reviewer ?? []) + (roles?.auditor ?? []) {
                person(principal, "hold a role", of: place)
            }
        }
        for server in topology.servers {
            if let owner = server.owner { person(owner, "own a server", of: server.place) }
        }
        for client in topology.clients {
            if let owner = client.owner { person(owner, "own a client", of: client.place) }
        }
    }

    /// Roles are held by people, alone or as a group.
    private mutating func person(_ principal: Principal, _ what: String, of owner: Place?) {
        switch principal {
        case .user, .group: break
        case .client, .zone, .domain, .spiffe, .anyone:
            fail(
                "bad-role", "\(backticked(principal.description)) cannot \(what)",
                hint: "`user:ADDRESS` or `group:NAME`",
                at: mentions.place(of: principal.description, by: owner))
        }
    }

    // MARK: tests

    private mutating func check(_ test: TopologyTest) {
        if !servers.contains(test.server) {
            undeclared("server", test.server, among: servers, at: mentions.place(of: test.server, by: test.place))
        }
        switch test.by {
        case .client, .user, .group: declared(test.by, by: test.place)
        case .spiffe(let pattern) where (try? SPIFFEID(pattern.description)) != nil: break
        case .zone, .domain, .spiffe, .anyone:
            fail(
                "bad-value", "\(backticked(test.by.description)) is nobody in particular, who could call",
                hint: "`client:ZONE/NAME`, `user:ADDRESS`, `group:NAME` or one SPIFFE ID",
                at: mentions.place(of: test.by.description, by: test.place))
        }
        guard let through = test.through else { return }
        switch (test.by, through) {
        case (.user, .client), (.group, .client): declared(through, by: test.place)
        default:
            fail(
                "bad-value",
                "\(backticked(test.by.description)) cannot call through \(backticked(through.description))",
                hint: "a person calls through a client, as `client:ZONE/NAME`",
                at: mentions.place(of: through.description, by: test.place))
        }
    }
}
