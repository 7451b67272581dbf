import Model
import Storage

/// Who may use what, now and as it was.
package struct AccessLists: Sendable {
    private let ledger: HubLedger
    private let history: LedgerHistory
    private let usage: UsageStore
    private let now: @Sendable () -> Instant

    package init(
        ledger: HubLedger, history: LedgerHistory, usage: UsageStore, now: @escaping @Sendable () -> Instant
    ) {
        self.ledger = ledger
        self.history = history
        self.usage = usage
        self.now = now
    }

    /// - Throws: `bad-access`, `unknown-server`, `forbidden`, `too-many-rows`; `history-busy`, `history-too-long` and
    ///   `before-the-ledger` for the past.
    package func list(_ request: AccessRequest, by standing: Standing) async throws -> AccessAnswer {
        let capability = try request.capability.map { text throws -> Capability in
            do { return try Capability(text) } catch {
                throw HubError(.invalid, "bad-access", "\(quoted(text)) is no capability", hint: "as `tool:read_entry`")
            }
        }
        guard request.server != nil || request.principal != nil else {
            throw HubError(
                .invalid, "bad-access", "neither a server nor a principal is given",
                hint: "`nave access who ZONE/SERVER`, or `nave access what PRINCIPAL`")
        }
        if let server = request.server { try standing.require(.auditor, in: String(server.prefix { $0 != "/" })) }
        let present = now()
        let at = request.at ?? present
        let isPast = at < present
        let snapshot = ledger.snapshot
        var (state, size) = (snapshot.state, snapshot.size)
        // What hosts take away is known of now only.
        var ceilings: [String: ReportedCeiling] = [:]
        if isPast {
            (state, size) = try await history.state(at: at)
        } else {
            ceilings = try await usage.statuses().compactMapValues(\.report.ceiling)
        }
        let rulesets = Rulesets(state.topology, masks: state.masks, pins: state.pins)
        let servers = request.server.map { [$0] } ?? rulesets.names
        let budget = SearchBudget()
        var rows: [AccessRow] = []
        for name in servers {
            guard standing.may(.auditor, in: String(name.prefix { $0 != "/" })) else { continue }
            guard let ruleset = rulesets.ruleset(for: name, revision: 0) else {
                throw HubError(
                    .notFound, "unknown-server", "there \(isPast ? "was" : "is") no server \(quoted(name))",
                    hint: "`nave server list` shows those there are")
            }
            try Task.checkCancellation()
            for (ruleset, spokes) in ruleset.variants(on: rulesets.server(name)?.spokes ?? [], under: ceilings) {
                let list = AccessList(ruleset, at: at, budget: budget)
                for principal in request.principal.map({ [$0] }) ?? list.principals {
                    rows += list.rows(of: principal, groups: Set(request.groups ?? []), capability: capability).map {
                        var row = $0
                        if let spokes { row.conditions.append("on \(spokes)") }
                        return row
                    }
                }
            }
            guard rows.count <= AccessAnswer.maximumRows else {
                throw HubError(
                    .unacceptable, "too-many-rows", "there are more than \(AccessAnswer.maximumRows) rows",
                    hint: "ask about one server, one principal or one capability")
            }
        }
        return AccessAnswer(
            rows: rows, at: at, size: size,
            note: isPast ? "what hosts took away then is not recorded: they may have refused more than is shown" : nil)
    }
}

extension Ruleset {
    /// This ruleset, and as each host lowers it that has a ceiling.
    /// - Returns: with the names of the spokes, where they differ.
    func variants(
        on spokes: [String], under ceilings: [String: ReportedCeiling]
    ) -> [(ruleset: Ruleset, spokes: String?)] {
        let placed = placed(on: spokes, under: ceilings)
        let lowered = placed.filter { $0.ceiling == .known }
        guard !lowered.isEmpty else { return [(self, nil)] }
        let others = placed.filter { $0.ceiling != .known }.map(\.spoke)
        return lowered.map { ($0.ruleset, $0.spoke) } + (others.isEmpty ? [] : [(self, others.joined(separator: ", "))])
    }
}
