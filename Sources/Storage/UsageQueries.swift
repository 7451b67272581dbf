import GRDB
import Model

/// The newest report of a spoke, without counters and decisions.
package struct SpokeStatus: Hashable, Sendable {
    /// Full name.
    package var spoke: String
    /// Its `usage` and `decisions` are empty.
    package var report: Report
    /// When the hub received it, by the hub's clock.
    package var received: Instant
}

/// Between which moments a spoke's word about use is complete.
package struct Observation: Hashable, Sendable {
    /// When its journal began, or up to which moment older use was pruned, by the later of the two.
    package var since: Instant
    /// When the hub heard of it last.
    package var last: Instant

    package init(since: Instant, last: Instant) {
        self.since = since
        self.last = last
    }
}

/// Uses of one grant.
package struct GrantUsage: Hashable, Sendable {
    package var count: Int64
    package var last: Instant?

    package init(count: Int64, last: Instant?) {
        self.count = count
        self.last = last
    }
}

/// Which decisions to list; nil for any.
package struct DecisionFilter: Hashable, Sendable {
    /// Of the spoke that decided.
    package var zone: String?
    /// Full name of a server.
    package var server: String?
    /// `Caller.key`
    package var caller: String?
    package var verdict: DecisionRecord.Verdict?
    package var since: Instant?

    package init(
        zone: String? = nil, server: String? = nil, caller: String? = nil, verdict: DecisionRecord.Verdict? = nil,
        since: Instant? = nil
    ) {
        self.zone = zone
        self.server = server
        self.caller = caller
        self.verdict = verdict
        self.since = since
    }
}

extension UsageStore {
    /// The newest report of every spoke that ever reported, by full name.
    package func statuses() async throws -> [String: SpokeStatus] {
        try await read { db in
            let rows = try Row.fetchAll(db, sql: "SELECT spoke, received, status FROM spokes")
            return Dictionary(try rows.map { row in (row["spoke"], try Self.status(row)) }) { first, _ in first }
        }
    }

    /// - Returns: nil for a spoke that never reported.
    package func observation(spoke: String) async throws -> Observation? {
        try await read { db in
            let row = try Row.fetchOne(
                db, sql: "SELECT since, received FROM spokes WHERE spoke = ?", arguments: [spoke])
            guard let row else { return nil }
            let pruned = try Int64.fetchOne(db, sql: "SELECT before FROM pruned")
            return Observation(
                since: Instant(milliseconds: max(row["since"], pruned ?? .min)),
                last: Instant(milliseconds: row["received"]))
        }
    }

    /// Uses of one grant that were counted, over all spokes and journals.
    /// - Parameters:
    ///   - principal: the principal's text.
    ///   - server: full name.
    ///   - capabilities: only uses of what one of these matches.
    ///   - rule: only uses through this rule; nil for any.
    package func usage(
        principal: String, server: String, capabilities: [CapabilityPattern], rule: String? = nil
    ) async throws -> GrantUsage {
        try await read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT capability, sum(count) AS count, max(last) AS last FROM usage
                    WHERE server = ? AND principal = ? AND (? IS NULL OR rule = ?) GROUP BY capability
                    """, arguments: [server, principal, rule, rule])
            var usage = GrantUsage(count: 0, last: nil)
            while let row = try rows.next() {
                let text: String = row["capability"]
                guard capabilities.contains(where: { $0.covers(text) }) else { continue }
                usage.count += row["count"] as Int64
                usage.last = max(usage.last ?? Instant(milliseconds: .min), Instant(milliseconds: row["last"]))
            }
            return usage
        }
    }

    /// What was used of one server, by caller, principal, rule and capability.
    /// - Parameters:
    ///   - since: only what was used on that day or later.
    ///   - limit: at most so many.
    package func usage(of server: String, since: Instant?, limit: Int) async throws -> [UsageRow] {
        try await read { db in
            let sql = """
                SELECT caller, principal, rule, capability, sum(count) AS count, max(last) AS last FROM usage
                WHERE server = ? AND last >= ? GROUP BY caller, principal, rule, capability
                ORDER BY caller, principal, rule, capability LIMIT ?
                """
            return try Row.fetchAll(db, sql: sql, arguments: [server, since?.milliseconds ?? Int64.min, limit]).map {
                row in
                UsageRow(
                    caller: row["caller"], principal: row["principal"], rule: row["rule"],
                    capability: row["capability"], count: row["count"], last: Instant(milliseconds: row["last"]))
            }
        }
    }

    /// Decisions that reached the hub, newest first.
    /// - Parameter limit: at most so many.
    package func decisions(_ filter: DecisionFilter = DecisionFilter(), limit: Int) async throws -> [DecisionRow] {
        var conditions: [String] = []
        var arguments = StatementArguments()
        func demand(_ condition: String, _ value: (any DatabaseValueConvertible)?) {
            guard let value else { return }
            conditions.append(condition)
            arguments += [value]
        }
        demand("zone = ?", filter.zone)
        demand("server = ?", filter.server)
        demand("caller = ?", filter.caller)
        demand("verdict = ?", filter.verdict?.rawValue)
        demand("at >= ?", filter.since?.milliseconds)
        let clause = conditions.isEmpty ? "" : "WHERE \(conditions.joined(separator: " AND "))"
        arguments += [limit]
        let sql = "SELECT * FROM decisions \(clause) ORDER BY at DESC, journal, number DESC LIMIT ?"
        return try await read { [arguments] db in
            try Row.fetchAll(db, sql: sql, arguments: arguments).map(Self.decision)
        }
    }

    /// - Parameter id: `JOURNAL:NUMBER`.
    /// - Returns: nil when there is none, also for a malformed id.
    package func decision(id: String) async throws -> DecisionRow? {
        guard let colon = id.lastIndex(of: ":"), let number = Int64(id[id.index(after: colon)...]) else { return nil }
        let journal = String(id[..<colon])
        return try await read { db in
            let sql = "SELECT * FROM decisions WHERE journal = ? AND number = ?"
            return try Row.fetchOne(db, sql: sql, arguments: [journal, number]).map(Self.decision)
        }
    }

    /// How many denials there were since then; a line that stands for several counts them all.
    package func denials(since: Instant) async throws -> Int64 {
        try await read { db in
            let sql = "SELECT coalesce(sum(count), 0) FROM decisions WHERE verdict = 'deny' AND at >= ?"
            return try Int64.fetchOne(db, sql: sql, arguments: [since.milliseconds]) ?? 0
        }
    }

    private static func status(_ row: Row) throws -> SpokeStatus {
        SpokeStatus(
            spoke: row["spoke"],
            report: try JSONCoding.decode(Report.self, from: Array((row["status"] as String).utf8)),
            received: Instant(milliseconds: row["received"]))
    }

    private static func decision(_ row: Row) throws -> DecisionRow {
        DecisionRow(
            id: "\(row["journal"] as String):\(row["number"] as Int64)", spoke: row["spoke"],
            record: try JSONCoding.decode(DecisionRecord.self, from: Array((row["record"] as String).utf8)))
    }
}

extension CapabilityPattern {
    /// Whether a reported capability is one of these; a text that is none, such as `reach`, is one of everything.
    fileprivate func covers(_ reported: String) -> Bool {
        guard let capability = try? Capability(reported) else { return kind == nil }
        return matches(capability)
    }
}
