import Model
import Storage

/// Who may do what, and where a server is reached.
package struct Access: Sendable {
    /// How long a client may keep an answer of `resolve`.
    static let resolutionValidity = Milliseconds.hours(24)
    /// Where a spoke listens that has not said so yet.
    static let standardPort = 9443

    private let ledger: HubLedger
    private let usage: UsageStore
    private let now: @Sendable () -> Instant

    package init(ledger: HubLedger, usage: UsageStore, now: @escaping @Sendable () -> Instant) {
        self.ledger = ledger
        self.usage = usage
        self.now = now
    }

    /// The decision on a hypothetical call, or again on one that a spoke made, under what is in force now.
    /// - Throws: `unknown-decision`, `unknown-server`, `bad-explain`, `forbidden`.
    package func explain(_ request: ExplainRequest, by standing: Standing) async throws -> Explanation {
        guard let id = request.decision else { return try await hypothetical(request, standing) }
        guard request == ExplainRequest(decision: id) else {
            throw HubError(.invalid, "bad-explain", "with a decision's id nothing else is given")
        }
        guard let row = try await usage.decision(id: id) else {
            throw HubError(
                .notFound, "unknown-decision", "no decision \(quoted(id)) has reached this hub",
                hint: "spokes report every few seconds; `nave decision list`")
        }
        let record = row.record
        // The deciding spoke's zone, not the named server's: a caller may have named one that is not there.
        try standing.require(.auditor, in: row.spoke.split(separator: "/").first.map(String.init))
        guard let ruleset = ruleset(record.server), let call = Request(recorded: record) else {
            return Explanation(
                verdict: record.verdict, reason: record.reason, rule: record.rule, detail: record.detail,
                caller: record.caller, server: record.server, aim: record.aim, revision: record.revision ?? 0,
                steps: [],
                recorded: row)
        }
        // As that spoke enforces it, under what its host takes away now: what it took away then is not recorded.
        let told = try await usage.statuses()[row.spoke]?.report.ceiling
        var explanation = Model.explain(call, under: told?.ceiling?.over(ruleset) ?? ruleset)
        explanation.recorded = row
        if told?.isWhole != true {
            explanation.note = "\(row.spoke) has not told what its host takes away"
        } else if told?.ceiling != nil {
            explanation.note = "the ceiling is the one that \(row.spoke) reported last; what held then is not recorded"
        }
        return explanation
    }

    private func hypothetical(_ request: ExplainRequest, _ standing: Standing) async throws -> Explanation {
        guard let by = request.by, let server = request.server, let text = request.capability else {
            throw HubError(
                .invalid, "bad-explain", "a call is told by caller, server and capability",
                hint: "as `client:analytics/bot finance/ledger tool:read_entry`")
        }
        guard let aim = Self.aim(text) else {
            throw HubError(.invalid, "bad-explain", "\(quoted(text)) is no capability", hint: "as `tool:read_entry`")
        }
        try standing.require(.auditor, in: server.split(separator: "/").first.map(String.init))
        guard let ruleset = ruleset(server) else { throw Self.unknownServer(server) }
        let facts = Facts(
            now: request.at ?? now(), address: request.from ?? ruleset.networks.first?.address,
            readOnly: request.readOnly, definitions: try await definitions(of: aim, on: server),
            arguments: request.arguments.map { .given($0) } ?? .unbound)
        let call = Request(caller: try caller(by, request), aim: aim, facts: facts)
        let explanation = Model.explain(call, under: ruleset)
        guard explanation.verdict != .deny else { return explanation }
        // A host may take away what the organization allows.
        let spokes = ledger.snapshot.state.topology.servers.first { $0.fullName == server }?.spokes ?? []
        let ceilings = try await usage.statuses().compactMapValues(\.report.ceiling)
        for (lowered, spoke) in ruleset.variants(on: spokes, under: ceilings) {
            var there = Model.explain(call, under: lowered)
            guard there.verdict == .deny else { continue }
            there.detail = [there.detail, spoke.map { "on \($0)" }].compactMap(\.self).joined(separator: ", ")
            return there
        }
        return explanation
    }

    /// Under which definitions the spokes of a server told that it lists the tool.
    private func definitions(of aim: Aim, on server: String) async throws -> [String] {
        guard let tool = aim.tool,
            let placed = ledger.snapshot.state.topology.servers.first(where: { $0.fullName == server })
        else { return [] }
        let spokes = Set(placed.fullSpokes)
        return try await usage.definitions(server: server, tool: tool).filter { known in
            known.sightings.contains { spokes.contains($0.spoke) }
        }.map(\.digest)
    }

    /// Where a server is reached, for callers that some rule could allow there.
    /// - Throws: `unknown-server`, also when nothing allows the caller: it learns no names.
    package func resolve(_ server: String, for identity: SPIFFEID) async throws -> Resolution {
        let snapshot = ledger.snapshot
        guard let ruleset = ruleset(server),
            let found = snapshot.state.topology.servers.first(where: { $0.fullName == server })
        else { throw Self.unknownServer(server) }
        let user = snapshot.addresses[identity.name].map {
            Caller.User(issuer: ruleset.organization, subject: identity.name, address: $0)
        }
        let caller =
            identity.kind == "user"
            ? Caller(workload: user == nil ? identity : nil, user: user) : Caller(workload: identity)
        // Where the call will come from is the spoke's to see: here the network is taken to fit.
        let request = Request(
            caller: caller, aim: .reach, facts: Facts(now: now(), address: ruleset.networks.first?.address))
        guard decide(request, under: ruleset).isAllowed else { throw Self.unknownServer(server) }
        let endpoints = Self.endpoints(
            of: found, organization: ruleset.organization, statuses: try await usage.statuses())
        return Resolution(server: server, endpoints: endpoints, expires: now() + Self.resolutionValidity)
    }

    /// One endpoint for each placed spoke.
    static func endpoints(
        of server: Server, organization: String, statuses: [String: SpokeStatus]
    ) -> [Resolution.Endpoint] {
        server.spokes.compactMap { name in
            let spoke = Member(kind: .spoke, zone: server.zone, name: name)
            guard let identity = try? spoke.identity(organization: organization) else { return nil }
            if let endpoint = server.endpoint {
                return Resolution.Endpoint(url: endpoint, address: nil, identity: identity)
            }
            let listener = statuses["\(server.zone)/\(name)"]?.report.listener
            let port = listener.flatMap { $0.split(separator: ":").last.flatMap { Int($0) } } ?? standardPort
            return Resolution.Endpoint(
                url: "https://\(name).\(identity.trustDomain):\(port)/\(server.name)/mcp", address: listener,
                identity: identity)
        }
    }

    private func ruleset(_ server: String) -> Ruleset? {
        let state = ledger.snapshot.state
        let zone = String(server.prefix { $0 != "/" })
        return state.topology.ruleset(
            for: server, masks: state.masks, pins: state.pins[server] ?? [], revision: state.revision(ofZone: zone))
    }

    /// A person with what the request says of them, or a workload.
    private func caller(_ text: String, _ request: ExplainRequest) throws -> Caller {
        var caller = try self.caller(text)
        if let user = caller.user, let groups = request.groups {
            caller.user = Caller.User(
                issuer: user.issuer, subject: user.subject, address: user.address, groups: Set(groups),
                client: user.client)
        }
        guard let through = request.through else { return caller }
        guard caller.user != nil, let workload = try self.caller(through).workload else {
            throw HubError(
                .invalid, "bad-explain", "\(quoted(text)) cannot call through \(quoted(through))",
                hint: "a person calls through a client, as `client:ZONE/NAME`")
        }
        caller.workload = workload
        return caller
    }

    private func caller(_ text: String) throws -> Caller {
        let organization = ledger.snapshot.state.topology.organization.domain
        switch try Principal(text) {
        case .client(let zone, let name):
            return Caller(
                workload: try Member(kind: .client, zone: zone, name: name).identity(organization: organization))
        case .user(let address):
            return Caller(user: Caller.User(issuer: organization, subject: address, address: address))
        case .spiffe: return Caller(workload: try SPIFFEID(text))
        case .zone, .group, .domain, .anyone:
            throw HubError(
                .invalid, "bad-explain", "\(quoted(text)) is not one caller",
                hint: "`client:ZONE/NAME`, `user:ADDRESS` or a SPIFFE ID")
        }
    }

    private static func aim(_ text: String) -> Aim? {
        if text.hasPrefix("resource:"), text.contains("{") {
            return .template(String(text.dropFirst("resource:".count)))
        }
        return Aim(recorded: text)
    }

    private static func unknownServer(_ server: String) -> HubError {
        HubError(
            .notFound, "unknown-server", "there is no server \(quoted(server)) for you",
            hint: "as ZONE/NAME; `nave access explain` tells an auditor why")
    }
}
