import Model
import Storage

/// Tools as servers define them now, and the definitions that their owners approved.
package struct ToolService: Sendable {
    private let ledger: HubLedger
    private let usage: UsageStore

    package init(ledger: HubLedger, usage: UsageStore) {
        self.ledger = ledger
        self.usage = usage
    }

    /// Every tool that was approved or is listed, of the zones where the person may read.
    /// - Throws: `bad-query`.
    package func list(_ query: Query, _ standing: Standing) async throws -> [ToolRow] {
        let limit = try query.limit(standard: 1000, maximum: 100_000)
        let state = try query["state"].map { text throws(HubError) in
            guard let state = ToolRow.State(rawValue: text) else {
                throw HubError(
                    .invalid, "bad-query", "\(quoted(text)) is no state of a tool",
                    hint: ToolRow.State.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return state
        }
        let rows = try await rows(server: query["server"]).filter { row in
            let zone = String(row.server.prefix { $0 != "/" })
            return standing.may(.auditor, in: zone) && (query["zone"].map { $0 == zone } ?? true)
                && (state.map { $0 == row.state } ?? true)
        }
        return Array(rows.prefix(limit))
    }

    /// One tool with its definitions in full.
    /// - Throws: `forbidden`, `unknown-tool`, `bad-query`.
    package func show(_ server: String, _ query: Query, _ standing: Standing) async throws -> ToolDetail {
        try standing.require(.auditor, in: String(server.prefix { $0 != "/" }))
        guard let tool = query["tool"] else { throw HubError(.invalid, "bad-query", "the query names no `tool`") }
        guard let row = try await rows(server: server, tool: tool).first else { throw Self.unknown(tool, server) }
        var contents: [ToolDetail.Content] = []
        for definition in row.definitions {
            var content = try await usage.definition(definition.digest, of: tool, server: server)
            if content == nil {
                let digest = definition.digest
                content = try await ledger.read { try $0.artifact(digest) }.flatMap { try JSON(parsing: $0) }
            }
            if let content { contents.append(.init(digest: definition.digest, definition: content)) }
        }
        return ToolDetail(row: row, contents: contents)
    }

    /// Approves definitions: every spoke of the server takes these, and no others of those tools, from now on.
    /// - Throws: `forbidden` but to an owner of the zone; `bad-approval`, `unknown-server`, `unknown-zone`,
    ///   `unknown-definition`.
    package func approve(_ request: ApproveToolsRequest, by standing: Standing) async throws -> ApproveToolsAnswer {
        let approvals: [ToolsApproved]
        switch (request.server, request.tools, request.firstSeen) {
        case (let server?, let picks?, nil): approvals = [try await picked(picks, of: server, standing)]
        case (nil, nil, let firstSeen?): approvals = try await seenFirst(firstSeen, standing)
        default:
            throw HubError(
                .invalid, "bad-approval", "an approval names a server and its tools, or a zone and what was seen first")
        }
        guard request.dryRun != true else {
            return ApproveToolsAnswer(change: ChangeAnswer(index: nil), approved: approvals)
        }
        let contents = try await contents(of: approvals)
        let commit = try await ledger.append(by: Author(requester: standing.identity), why: request.why) { registry in
            let held = try registry.pins()
            let news = try approvals.filter { approval in
                guard try registry.objectAuthor(ObjectName(kind: .server, name: approval.server)) != nil else {
                    throw Self.unknown(approval.server)
                }
                return Self.changes(approval, held[approval.server] ?? [])
            }
            // Kept by the digest that the entry names, so that what was approved can be shown for ever.
            if !news.isEmpty { for bytes in contents { _ = try registry.keep(artifact: bytes) } }
            return news.map { .toolsApproved($0) }
        }
        return ApproveToolsAnswer(change: commit?.answer ?? ChangeAnswer(index: nil), approved: approvals)
    }

    /// Takes approvals back: no spoke of the server takes any definition of these tools, until somebody approves one by the
    /// tool's name again. In bulk they are passed over.
    /// - Throws: `forbidden` but to an owner of the zone; `bad-approval`, `unknown-server`, `unknown-tool`.
    package func withdraw(_ request: WithdrawToolsRequest, by standing: Standing) async throws -> ChangeAnswer {
        let server = request.server
        try standing.require(.owner, in: String(server.prefix { $0 != "/" }))
        guard (1...ToolSighting.maximumTools).contains(request.tools.count),
            Set(request.tools).count == request.tools.count
        else {
            throw HubError(
                .invalid, "bad-approval", "a withdrawal names 1 to \(ToolSighting.maximumTools) tools once each")
        }
        let commit = try await ledger.append(by: Author(requester: standing.identity), why: request.why) { registry in
            guard try registry.objectAuthor(ObjectName(kind: .server, name: server)) != nil else {
                throw Self.unknown(server)
            }
            let approved = Set((try registry.pins()[server] ?? []).map(\.name))
            if let tool = request.tools.first(where: { !approved.contains($0) }) {
                throw HubError(
                    .notFound, "unknown-tool", "no definition of \(quoted(tool)) of \(quoted(server)) is approved",
                    hint: "`nave tool list \(server)`")
            }
            return [.toolsWithdrawn(ToolsWithdrawn(server: server, tools: request.tools.sorted()))]
        }
        return commit?.answer ?? ChangeAnswer(index: nil)
    }

    /// Servers with tools that are not as they were approved, where the policy looks at that.
    /// - Parameter topology: whose policy; nil for the one in force.
    package func drift(of topology: Topology? = nil, _ visible: (String?) -> Bool = { _ in true }) async throws
        -> [ToolDrift]
    {
        let rows = try await rows(of: topology).filter { row in
            row.pin != .off && visible(String(row.server.prefix { $0 != "/" }))
        }
        return Dictionary(grouping: rows, by: \.server).sorted { $0.key < $1.key }.compactMap { server, rows in
            let drift = ToolDrift(
                server: server, pin: rows[0].pin, changed: rows.count { $0.state == .changed },
                unapproved: rows.count { $0.state == .unapproved })
            return drift.changed + drift.unapproved > 0 ? drift : nil
        }
    }

    // MARK: rows

    private func rows(
        of topology: Topology? = nil, server: String? = nil, tool: String? = nil
    ) async throws -> [ToolRow] {
        let state = ledger.snapshot.state
        let topology = topology ?? state.topology
        let known = Dictionary(grouping: try await usage.definitions(server: server, tool: tool), by: \.server)
        let statuses = try await usage.statuses()
        return topology.servers.filter { server == nil || $0.fullName == server }
            .sorted { $0.fullName < $1.fullName }.flatMap { found in
                Self.rows(
                    of: found, pin: topology.pin(of: found), approved: state.pins[found.fullName] ?? [],
                    known: known[found.fullName] ?? [], listed: Self.listed(found, statuses)
                ).filter { tool == nil || $0.tool == tool }
            }
    }

    /// The tools that each spoke of a server lists now, by the spoke's full name.
    private static func listed(_ server: Server, _ statuses: [String: SpokeStatus]) -> [String: Set<String>] {
        var listed: [String: Set<String>] = [:]
        for name in server.spokes {
            let spoke = "\(server.zone)/\(name)"
            let status = statuses[spoke]?.report.servers.first { $0.name == server.fullName }
            listed[spoke] = Set(status?.tools ?? [])
        }
        return listed
    }

    static func rows(
        of server: Server, pin: PinMode, approved: [ToolDefinition], known: [KnownDefinition],
        listed: [String: Set<String>]
    ) -> [ToolRow] {
        let approvals = Dictionary(grouping: approved, by: \.name)
        let knowns = Dictionary(grouping: known, by: \.tool)
        return Set(approvals.keys).union(knowns.keys).sorted().compactMap { tool in
            let pins = approvals[tool] ?? []
            var definitions = pins.map {
                ToolRow.Definition(digest: $0.digest, readOnly: $0.readOnly, isApproved: true)
            }
            for found in knowns[tool] ?? [] {
                let sightings = found.sightings.filter { listed[$0.spoke]?.contains(tool) ?? false }
                let index = definitions.firstIndex { $0.digest == found.digest }
                // What was seen once, and neither approved nor listed, is history.
                guard index != nil || !sightings.isEmpty else { continue }
                var definition =
                    index.map { definitions[$0] }
                    ?? ToolRow.Definition(digest: found.digest, readOnly: found.readOnly, isApproved: false)
                definition.spokes = sightings.map { String($0.spoke.drop { $0 != "/" }.dropFirst()) }
                definition.versions = Set(sightings.flatMap(\.versions)).sorted()
                definition.firstSeen = found.first
                if let index { definitions[index] = definition } else { definitions.append(definition) }
            }
            guard !definitions.isEmpty else { return nil }
            return ToolRow(server: server.fullName, tool: tool, pin: pin, definitions: definitions)
        }
    }

    // MARK: approving

    private func picked(
        _ picks: [ApproveToolsRequest.Pick], of server: String, _ standing: Standing
    ) async throws -> ToolsApproved {
        try standing.require(.owner, in: String(server.prefix { $0 != "/" }))
        guard ledger.snapshot.state.topology.servers.contains(where: { $0.fullName == server }) else {
            throw Self.unknown(server)
        }
        let known = Dictionary(grouping: try await usage.definitions(server: server), by: \.tool)
        let held = ledger.snapshot.state.pins[server] ?? []
        guard (1...ToolSighting.maximumTools).contains(picks.count), Set(picks.map(\.tool)).count == picks.count,
            picks.allSatisfy({ (1...ToolSighting.maximumDefinitions).contains($0.digests.count) })
        else {
            throw HubError(
                .invalid, "bad-approval", "an approval names 1 to \(ToolSighting.maximumTools) tools once each",
                hint: "with 1 to \(ToolSighting.maximumDefinitions) definitions each")
        }
        var definitions: [ToolDefinition] = []
        for pick in picks {
            for digest in Set(pick.digests).sorted() {
                let seen = known[pick.tool]?.first { $0.digest == digest }
                guard
                    let definition = seen.map({
                        ToolDefinition(name: pick.tool, digest: digest, readOnly: $0.readOnly)
                    })
                        ?? held.first(where: { $0.name == pick.tool && $0.digest == digest })
                else {
                    throw HubError(
                        .notFound, "unknown-definition",
                        "no spoke told of the definition \(quoted(digest)) of \(quoted(pick.tool)) on \(quoted(server))",
                        hint: "`nave tool list \(server)` shows what is listed now")
                }
                definitions.append(definition)
            }
        }
        return ToolsApproved(server: server, definitions: definitions)
    }

    /// Of every tool that nobody approved, and whose approval nobody took back: what was told first, if that was early enough.
    private func seenFirst(
        _ bulk: ApproveToolsRequest.FirstSeen, _ standing: Standing
    ) async throws -> [ToolsApproved] {
        try standing.require(.owner, in: bulk.zone)
        let state = ledger.snapshot.state
        guard state.topology.zones.contains(where: { $0.name == bulk.zone }) else {
            throw HubError(
                .notFound, "unknown-zone", "there is no zone \(quoted(bulk.zone))", hint: "`nave zone list`")
        }
        let known = Dictionary(grouping: try await usage.definitions(), by: \.server)
        let withdrawn = try await ledger.read { try $0.withdrawnTools() }
        return state.topology.servers.filter { $0.zone == bulk.zone }.map(\.fullName).sorted().compactMap { server in
            let decided = Set((state.pins[server] ?? []).map(\.name)).union(withdrawn[server] ?? [])
            let open = Dictionary(grouping: known[server] ?? [], by: \.tool).filter { !decided.contains($0.key) }
            let definitions = open.sorted { $0.key < $1.key }.flatMap { tool, found -> [ToolDefinition] in
                guard let first = found.map(\.first).min(), first < bulk.before else { return [] }
                return found.filter { $0.first == first }.map {
                    ToolDefinition(name: tool, digest: $0.digest, readOnly: $0.readOnly)
                }
            }
            return definitions.isEmpty
                ? nil : ToolsApproved(server: server, definitions: definitions, firstSeenBefore: bulk.before)
        }
    }

    private func contents(of approvals: [ToolsApproved]) async throws -> [[UInt8]] {
        var contents: [[UInt8]] = []
        for approval in approvals {
            for definition in approval.definitions {
                let found = try await usage.definition(
                    definition.digest, of: definition.name, server: approval.server)
                if let found { contents.append(found.interchangeBytes) }
            }
        }
        return contents
    }

    private static func changes(_ approval: ToolsApproved, _ held: [ToolDefinition]) -> Bool {
        let names = Set(approval.definitions.map(\.name))
        return Set(held.filter { names.contains($0.name) }) != Set(approval.definitions)
    }

    private static func unknown(_ server: String) -> HubError {
        HubError(.notFound, "unknown-server", "there is no server \(quoted(server))", hint: "`nave server list`")
    }

    private static func unknown(_ tool: String, _ server: String) -> HubError {
        HubError(
            .notFound, "unknown-tool",
            "nobody approved a tool \(quoted(tool)) of \(quoted(server)), and no spoke lists it",
            hint: "`nave tool list \(server)`")
    }
}
