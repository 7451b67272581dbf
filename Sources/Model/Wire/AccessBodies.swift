/// `POST /v1/access/explain`: a decision that was made, or a hypothetical call.
package struct ExplainRequest: Hashable, Sendable, Codable {
    /// `JOURNAL:NUMBER`; then nothing else is given.
    package var decision: String?
    /// A principal that is one caller: `client:ZONE/NAME`, or a SPIFFE ID.
    package var by: String?
    package var server: String?
    package var capability: String?
    package var arguments: JSON?
    package var from: IPAddress?
    package var at: Instant?

    package init(
        decision: String? = nil, by: String? = nil, server: String? = nil, capability: String? = nil,
        arguments: JSON? = nil, from: IPAddress? = nil, at: Instant? = nil
    ) {
        self.decision = decision
        self.by = by
        self.server = server
        self.capability = capability
        self.arguments = arguments
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

    package init(
        verdict: DecisionRecord.Verdict, reason: String?, rule: String?, detail: String?, caller: String,
        server: String,
        aim: String, revision: Int64, steps: [Step], recorded: DecisionRow?
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
    }
}
