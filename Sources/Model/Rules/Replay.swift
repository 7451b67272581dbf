/// What came of recomputing a recorded decision under the bundle that it names.
package struct Replay: Hashable, Sendable, Codable {
    package enum Outcome: String, Codable, Hashable, Sendable {
        case same, different
        /// What decided is not in the record: arguments, groups of a person, the pipeline's own tables.
        case undetermined
    }

    package var outcome: Outcome
    package var detail: String

    package init(_ outcome: Outcome, _ detail: String) {
        self.outcome = outcome
        self.detail = detail
    }
}

/// Decides a recorded call again, by the same `decide`.
///
/// Arguments are never recorded, nor a digest of them: short ones could be guessed from it. So a call that has arguments is decided
/// twice, as if every condition on them spoke for it and as if none could be judged, between which every call lies; only where
/// both agree is the verdict known.
package func replay(_ record: DecisionRecord, under bundle: PolicyBundle) -> Replay {
    guard record.reason != DenyReason.ceiling.rawValue, record.rule?.utf8.starts(with: "ceiling:".utf8) != true else {
        return Replay(.undetermined, "the host's own ceiling decided: it is in its spoke.yaml, and in no bundle")
    }
    guard let reason = known(record.reason) else {
        return Replay(.undetermined, "`\(record.reason?.prefix(60) ?? "")` is not decided by rules")
    }
    guard var request = Request(recorded: record) else {
        return Replay(
            .undetermined, "`\(record.aim.prefix(60))` of `\(record.caller.prefix(300))` is not decided by rules")
    }
    guard request.caller.user == nil else {
        return Replay(.undetermined, "what decided about the person who called is not recorded")
    }
    guard let ruleset = bundle.ruleset(for: record.server) else {
        return record.verdict == .allow
            ? Replay(.different, "the bundle does not place `\(record.server.prefix(130))` on this spoke")
            : Replay(.undetermined, "the bundle has no rules for it")
    }
    let open = decide(request, under: ruleset)
    request.facts.arguments = .none
    let strict = decide(request, under: ruleset)

    let recorded = ReplayedVerdict(record, reason)
    let verdicts = [ReplayedVerdict(open), ReplayedVerdict(strict)]
    let told = "recorded \(recorded), this bundle says \(verdicts[0])"
    if verdicts[0] == verdicts[1] {
        return recorded == verdicts[0] ? Replay(.same, "\(recorded)") : Replay(.different, told)
    }
    guard verdicts.contains(where: { $0.isAllowed == recorded.isAllowed }) else { return Replay(.different, told) }
    return Replay(.undetermined, "a condition on arguments decided, which are not recorded")
}

/// What a record and a decision are compared by.
private struct ReplayedVerdict: Hashable, CustomStringConvertible {
    var isAllowed: Bool
    var reason: DenyReason?
    var rule: String?

    init(_ decision: Decision) {
        isAllowed = decision.isAllowed
        switch decision {
        case .allow(let permit):
            reason = permit.wouldDeny?.reason
            if let denial = permit.wouldDeny { rule = denial.rule } else { rule = permit.ruleText }
        case .deny(let denial):
            reason = denial.reason
            rule = denial.rule
        }
    }

    init(_ record: DecisionRecord, _ reason: DenyReason?) {
        // An observed server passes what its rules deny.
        isAllowed = record.verdict != .deny
        self.reason = reason
        rule = record.rule
    }

    var description: String {
        isAllowed ? "allow by \(rule ?? "no rule")" : "deny, \(reason?.rawValue ?? "")\(rule.map { " by \($0)" } ?? "")"
    }
}

/// - Returns: `.some(nil)` for an allow; nil for a reason that `decide` does not have.
private func known(_ reason: String?) -> DenyReason?? {
    guard let reason else { return .some(nil) }
    let decided: [DenyReason] = [
        .noRule, .deniedByRule, .conditionFailed, .missingFact, .revoked, .lapsed, .expired, .network, .stale,
        .callerZone, .unapprovedTool, .changedTool,
    ]
    return decided.first { $0.rawValue == reason }.map(Optional.some)
}
