/// `POST /v1/access/explain`: a decision that was made, or a hypothetical call.
package struct ExplainRequest: Hashable, Sendable, Codable {
    /// `JOURNAL:NUMBER`; then nothing else is given.
    package var decision: String?
    /// A principal that is one caller: `client:ZONE/NAME`, `user:ADDRESS` or a SPIFFE ID.
    package var by: String?
    /// The client that a person calls through.
    package var through: String?
    /// What is known of a person's groups; nil where nobody said.
    package var groups: [String]?
    package var server: String?
    package var capability: String?
    package var arguments: JSON?
    /// Whether the tool's definition calls it read-only; nil for what was approved, or for not known.
    package var readOnly: Bool?
    package var from: IPAddress?
    package var at: Instant?

    package init(
        decision: String? = nil, by: String? = nil, through: String? = nil, groups: [String]? = nil,
        server: String? = nil, capability: String? = nil, arguments: JSON? = nil, readOnly: Bool? = nil,
        from: IPAddress? = nil, at: Instant? = nil
    ) {
        self.decision = decision
        self.by = by
        self.through = through
        self.groups = groups
        self.server = server
        self.capability = capability
        self.arguments = arguments
        self.readOnly = readOnly
        self.from = from
        self.at = at
    }
}

package struct Explanation: Hashable, Sendable, Codable {
    package struct Step: Hashable, Sendable, Codable {
        package var rule: String
        package var effect: Rule.Effect
        package var outcome: String
        package var place: Place?
        package var reason: String?

        package init(rule: String, effect: Rule.Effect, outcome: String, place: Place?, reason: String?) {
            self.rule = rule
            self.effect = effect
            self.outcome = outcome
            self.place = place
            self.reason = reason
        }
    }

    package var verdict: DecisionRecord.Verdict
    package var reason: String?
    package var rule: String?
    package var detail: String?
    package var caller: String
    package var server: String
    package var aim: String
    package var revision: Int64
    package var steps: [Step]
    /// What the journal said, when a decision was explained.
    package var recorded: DecisionRow?
    /// What a reader has to know besides; nil for nothing.
    package var note: String?

    package init(
        verdict: DecisionRecord.Verdict, reason: String?, rule: String?, detail: String?, caller: String,
        server: String,
        aim: String, revision: Int64, steps: [Step], recorded: DecisionRow?,
        note: String? = nil
    ) {
        self.verdict = verdict
        self.reason = reason
        self.rule = rule
        self.detail = detail
        self.caller = caller
        self.server = server
        self.aim = aim
        self.revision = revision
        self.steps = steps
        self.recorded = recorded
        self.note = note
    }
}

/// `POST /v1/access/list`: who may use what. At least one of server and principal is given.
package struct AccessRequest: Hashable, Sendable, Codable {
    /// Full name; nil for every server.
    package var server: String?
    /// Nil for everyone whom a rule of the server singles out.
    package var principal: Principal?
    /// What is known of a person's groups.
    package var groups: [String]?
    /// `tool:write_entry`; nil for everything.
    package var capability: String?
    /// Before now: as the registry stood then. Later: as it stands now, when some rules have ended.
    package var at: Instant?

    package init(
        server: String? = nil, principal: Principal? = nil, groups: [String]? = nil, capability: String? = nil,
        at: Instant? = nil
    ) {
        self.server = server
        self.principal = principal
        self.groups = groups
        self.capability = capability
        self.at = at
    }
}

/// Complete for what was asked, never cut.
package struct AccessAnswer: Hashable, Sendable, Codable {
    package static let maximumRows = 10_000

    /// By server, principal and rule.
    package var rows: [AccessRow]
    /// The moment that it is of.
    package var at: Instant
    /// How many entries the ledger had then.
    package var size: Int64
    /// What a reader has to know besides; nil for nothing.
    package var note: String?

    package init(rows: [AccessRow], at: Instant, size: Int64, note: String? = nil) {
        self.rows = rows
        self.at = at
        self.size = size
        self.note = note
    }
}
