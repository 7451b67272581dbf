/// What an organization's file sets otherwise than the shared files of zones, for its environment: where things are and how
/// much of them, never who may do what.
struct Overrides {
    struct OfZone {
        var name: String
        var networks: [Network]?
        var spokes: [String]?
        var limits: Limits?
        var place: Place
    }

    struct OfServer {
        /// Full name.
        var name: String
        var endpoint: String?
        var spokes: [String]?
        var limits: Limits?
        var place: Place
    }

    /// What the environment's identity provider calls a group.
    struct OfGroup {
        var name: String
        var id: String
        var place: Place
    }

    var zones: [OfZone] = []
    var servers: [OfServer] = []
    var groups: [OfGroup] = []
}

extension TopologyDraft {
    func readOverrides(_ value: NodeReader) {
        _ = value.mapping("overrides") { file in
            overrides.zones = file.optional("zones") { value in value.entries(readZoneOverride) } ?? []
            overrides.servers = file.optional("servers") { value in value.entries(readServerOverride) } ?? []
            let groups = file.optional("groups") { value in
                value.entries { key, value -> Overrides.OfGroup? in
                    // Both, so that both are noted in the schema and in the problems.
                    let (name, id) = (key.group(), value.group())
                    return name.flatMap { name in
                        id.map { Overrides.OfGroup(name: name, id: $0, place: value.place) }
                    }
                }
            }
            overrides.groups = groups ?? []
        }
    }

    private func readZoneOverride(_ key: NodeReader, _ value: NodeReader) -> Overrides.OfZone? {
        value.mapping("what is set otherwise of a zone") { zone in
            Overrides.OfZone(
                name: key.string("a zone") ?? "",
                networks: zone.optional("networks") { $0.list { readNetwork($0) } },
                spokes: zone.optional("spokes") { $0.list { $0.label("a spoke") } },
                limits: zone.optional("limits") { readLimits($0) }, place: key.place)
        }
    }

    private func readServerOverride(_ key: NodeReader, _ value: NodeReader) -> Overrides.OfServer? {
        value.mapping("what is set otherwise of a server") { server in
            Overrides.OfServer(
                name: key.string("a server") ?? "",
                endpoint: server.optional("endpoint") { readEndpoint($0) },
                spokes: server.optional("spokes") { $0.list { mention($0, "a spoke", by: key.place) } },
                limits: server.optional("limits") { readLimits($0) }, place: key.place)
        }
    }

    /// Sets everything as the environment has it; `undeclared-name` for what there is not.
    func applyOverrides() {
        for override in overrides.zones {
            guard let index = zones.firstIndex(where: { $0.name == override.name }) else {
                undeclared("zone", override.name, among: zones.map(\.name), at: override.place)
                continue
            }
            if let networks = override.networks { zones[index].networks = networks }
            if let names = override.spokes {
                spokes.removeAll { $0.zone == override.name }
                spokes += names.map { Spoke(zone: override.name, name: $0, place: override.place) }
            }
            if let limits = override.limits { zones[index].policy = zones[index].policy.with(limits) }
        }
        for override in overrides.servers where !elsewhere.servers.contains(override.name) {
            guard let index = servers.firstIndex(where: { $0.fullName == override.name }) else {
                undeclared("server", override.name, among: servers.map(\.fullName), at: override.place)
                continue
            }
            if let endpoint = override.endpoint { servers[index].endpoint = endpoint }
            if let spokes = override.spokes { servers[index].spokes = spokes }
            if let limits = override.limits { servers[index].policy = servers[index].policy.with(limits) }
        }
        applyGroups()
    }

    private func undeclared(_ kind: String, _ name: String, among known: [String], at place: Place) {
        guard isComplete else { return }
        problems.add(
            "undeclared-name", "\(kind) \(backticked(name)) is not declared",
            hint: suggestionHint(for: name, among: known), at: place)
    }

    private func applyGroups() {
        guard !overrides.groups.isEmpty else { return }
        let groups = Dictionary(overrides.groups.map { ($0.name, $0.id) }, uniquingKeysWith: { first, _ in first })
        demandDistinct(groups)
        func renamed(_ principal: Principal) -> Principal {
            if case .group(let name) = principal, let id = groups[name] { .group(id) } else { principal }
        }
        func renamed(_ roles: Roles?) -> Roles? {
            roles.map {
                Roles(
                    owner: $0.owner?.map(renamed), reviewer: $0.reviewer?.map(renamed),
                    auditor: $0.auditor?.map(renamed))
            }
        }
        let roles = renamed(organization?.roles)
        organization?.roles = roles
        for index in zones.indices { zones[index].roles = renamed(zones[index].roles) }
        for index in servers.indices { servers[index].owner = servers[index].owner.map(renamed) }
        for index in clients.indices { clients[index].owner = clients[index].owner.map(renamed) }
        for index in rules.indices {
            rules[index].to = rules[index].to.map(renamed)
            rules[index].except = rules[index].except?.map(renamed)
        }
        for index in tests.indices { tests[index].by = renamed(tests[index].by) }
    }

    /// That no two groups become one, for then each would have what the other has: `duplicate-name`.
    /// - Parameter ids: by name.
    private func demandDistinct(_ ids: [String: String]) {
        let names = Dictionary(grouping: groupNames.union(ids.keys).sorted()) { ids[$0] ?? $0 }
        var before: Set<String> = []
        for group in overrides.groups {
            let other = names[group.id]?.first { name in
                name != group.name && (ids[name] == nil || before.contains(name))
            }
            if let other {
                problems.add(
                    "duplicate-name",
                    "the group \(backticked(group.name)) would have the id \(backticked(group.id)), which "
                        + "\(backticked(other)) has",
                    hint: "two groups cannot be one: who may do what is said by rules", at: group.place)
            }
            before.insert(group.name)
        }
    }

    /// Of groups that the files speak of, before they are called otherwise.
    private var groupNames: Set<String> {
        let roles = ([organization?.roles] + zones.map(\.roles)).compactMap(\.self)
        var principals = roles.flatMap { ($0.owner ?? []) + ($0.reviewer ?? []) + ($0.auditor ?? []) }
        principals += servers.compactMap(\.owner) + clients.compactMap(\.owner) + tests.map(\.by)
        principals += rules.flatMap { $0.to + ($0.except ?? []) }
        return Set(principals.compactMap { if case .group(let name) = $0 { name } else { nil } })
    }
}

extension Optional where Wrapped == Policy {
    fileprivate func with(_ limits: Limits) -> Policy {
        var policy = self ?? Policy()
        policy.limits = policy.limits?.overridden(by: limits) ?? limits
        return policy
    }
}

extension Limits {
    /// What the other leaves out stays. A rate is one thing, with its burst.
    fileprivate func overridden(by other: Limits) -> Limits {
        Limits(
            rate: other.rate ?? rate, concurrency: other.concurrency ?? concurrency,
            sessions: other.sessions ?? sessions, requestBody: other.requestBody ?? requestBody,
            responseBody: other.responseBody ?? responseBody,
            timeouts: other.timeouts.map { stated in
                Timeouts(
                    connect: stated.connect ?? timeouts?.connect, request: stated.request ?? timeouts?.request,
                    idle: stated.idle ?? timeouts?.idle)
            } ?? timeouts)
    }
}

extension NodeReader {
    /// A group's name or id, as `group:NAME` has it.
    fileprivate func group() -> String? {
        parsed("a group") { text in
            if case .group(let name)? = try? Principal("group:\(text)") { name } else { nil }
        }
    }
}
