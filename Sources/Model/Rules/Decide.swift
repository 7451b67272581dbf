/// The proof that `decide` allowed this call under that revision. Nothing else can make one, and an upstream cannot be
/// reached without.
package struct Permit: Hashable, Sendable {
    package let caller: Caller
    package let server: String
    package let aim: Aim
    /// The allow rule of each part of the caller; none where the server is only observed.
    package let rules: [String]
    package let principals: [Principal]
    /// What the rules that speak about the call bound, besides the server's policy.
    package let limits: [RuleLimit]
    /// Why the call would have been refused, if the server were not only observed.
    package let wouldDeny: Denial?
    package let revision: Int64

    fileprivate init(
        _ request: Request, _ ruleset: Ruleset, _ matches: [Match] = [], limits: [RuleLimit] = [],
        wouldDeny: Denial? = nil
    ) {
        caller = request.caller
        server = ruleset.server
        aim = request.aim
        rules = matches.map(\.rule)
        principals = matches.map(\.principal)
        self.limits = limits
        self.wouldDeny = wouldDeny
        revision = ruleset.revision
    }
}

/// The one decision, total and deny by default (Docs/Policy.md):
/// 1. what holds before any rule, and the host's ceiling; 2. any matching deny denies; 3. else every part of the caller needs
/// a matching allow; 4. else deny. While a server is observed, 2 to 4 are recorded, and the call is let through.
///
/// A condition that cannot be evaluated makes an allow not match and a deny match. In a listing an argument condition is
/// "maybe": an allow could match, a deny does not match for certain.
package func decide(_ request: Request, under ruleset: Ruleset) -> Decision {
    let request = believed(request, ruleset)
    if let denial = admission(request, ruleset) ?? ceilingDenial(request, ruleset) { return .deny(denial) }
    if let denial = denial(by: ruleset.rules, request, ruleset) { return observed(denial, request, ruleset) }
    switch grants(of: ruleset.rules, ruleset.masks, request, ruleset) {
    case .refused(let nearest): return observed(nearest, request, ruleset)
    case .granted(let matches):
        return .allow(Permit(request, ruleset, matches, limits: limits(request, ruleset)))
    }
}

/// Every rule in the order in which it is looked at, with what became of it, for each part of the caller: the host's ceiling
/// first, denies before allows.
package func trace(_ request: Request, under ruleset: Ruleset) -> [(rule: Rule, part: Caller, outcome: RuleOutcome)] {
    let request = believed(request, ruleset)
    return [(ruleset.ceiling, []), (ruleset.rules, ruleset.masks)].flatMap { rules, masks in
        [Rule.Effect.deny, .allow].flatMap { effect in
            rules.filter { $0.effect == effect }.flatMap { rule in
                request.caller.parts.map { part in
                    (rule: rule, part: part, outcome: rule.outcome(for: part, masks, request, ruleset))
                }
            }
        }
    }
}

/// The request with the facts that rules may believe.
private func believed(_ request: Request, _ ruleset: Ruleset) -> Request {
    var request = request
    if let pinning = ruleset.pinning { request.facts = pinning.facts(request) }
    // A task's call was judged with its arguments when it began.
    if case .task = request.aim { request.facts.arguments = .unbound }
    return request
}

/// What holds before any rule: the caller's network and zone, the age of the bundle's lease, and that a pinned tool is the
/// approved one.
private func admission(_ request: Request, _ ruleset: Ruleset) -> Denial? {
    guard request.caller.workload != nil || request.caller.user != nil else {
        return Denial(.noRule, detail: "no caller")
    }
    guard let address = request.facts.address, ruleset.networks.contains(where: { $0.contains(address) }) else {
        return Denial(
            .network, detail: "`\(request.facts.address?.description ?? "unknown")` is outside the zone's networks")
    }
    if let callers = ruleset.callers, !(request.caller.workload.map { callers.contains($0.trustDomain) } ?? false) {
        return Denial(
            .callerZone,
            detail: "the zone takes no calls from `\(request.caller.workload?.trustDomain ?? "no workload")`")
    }
    switch request.facts.freshness {
    case .fresh: break
    case .expired: return Denial(.stale, detail: "no lease in time, and the policy denies then")
    case .readOnly where request.aim.tool != nil && request.facts.readOnly != true:
        return Denial(.stale, detail: "no lease in time: only read-only tools until one comes")
    case .readOnly: break
    }
    guard let pinning = ruleset.pinning, pinning.mode == .enforce else { return nil }
    return switch pinning.drift(request) {
    case nil: nil
    case .unapproved: Denial(.unapprovedTool, detail: "no definition of this tool was approved")
    case .changed: Denial(.changedTool, detail: "the tool's definition is not the approved one")
    }
}

/// What the host's owner takes away: by a deny, or by not being among the allows where there are any.
private func ceilingDenial(_ request: Request, _ ruleset: Ruleset) -> Denial? {
    let ceiling = ruleset.ceiling
    guard !ceiling.isEmpty else { return nil }
    if let denial = denial(by: ceiling, request, ruleset) { return denial }
    // Revocations mask what the organization granted, and the ceiling grants nothing.
    guard ceiling.contains(where: { $0.effect == .allow }),
        case .refused(let nearest) = grants(of: ceiling, [], request, ruleset)
    else { return nil }
    return Denial(
        .ceiling, rule: nearest.rule, detail: nearest.detail ?? "no rule of the host's ceiling allows it")
}

/// The first deny that matches some part of the caller.
private func denial(by rules: some Sequence<Rule>, _ request: Request, _ ruleset: Ruleset) -> Denial? {
    let parts = request.caller.parts
    for rule in rules where rule.effect == .deny {
        for part in parts {
            switch rule.outcome(for: part, [], request, ruleset) {
            case .matched(let principal):
                return Denial(.deniedByRule, rule: rule.id, detail: "denies `\(principal)`")
            case .missingFact(let detail): return Denial(.deniedByRule, rule: rule.id, detail: detail)
            default: break
            }
        }
    }
    return nil
}

private struct Match {
    var rule: String
    var principal: Principal
}

private enum Grants {
    /// The allow of each part of the caller.
    case granted([Match])
    /// What came nearest for a part that has none.
    case refused(Denial)
}

/// The first allow that matches, for each part of the caller.
private func grants(of rules: [Rule], _ masks: [Mask], _ request: Request, _ ruleset: Ruleset) -> Grants {
    var matches: [Match] = []
    var refusal: Denial?
    for part in request.caller.parts {
        var nearest = Denial(.noRule)
        var match: Match?
        for rule in rules where rule.effect == .allow {
            let outcome = rule.outcome(for: part, masks, request, ruleset)
            switch outcome {
            case .matched(let principal), .maybe(let principal): match = Match(rule: rule.id, principal: principal)
            default: nearest = nearer(nearest, Denial(outcome, rule: rule.id))
            }
            if match != nil { break }
        }
        if let match { matches.append(match) } else { refusal = refusal.map { nearer($0, nearest) } ?? nearest }
    }
    return refusal.map { .refused($0) } ?? .granted(matches)
}

/// A refusal by rules: final, or only recorded while the server is observed. The organization's denials hold all the same,
/// and what was revoked or lapsed stays so.
private func observed(_ denial: Denial, _ request: Request, _ ruleset: Ruleset) -> Decision {
    guard let until = ruleset.observedUntil, request.facts.now < until else { return .deny(denial) }
    let organization = ruleset.rules.lazy.filter { $0.zone == nil }
    if let firm = Model.denial(by: organization, request, ruleset) { return .deny(firm) }
    if case .refused(let nearest) = grants(of: ruleset.rules, ruleset.masks, request, ruleset),
        nearest.reason == .revoked || nearest.reason == .lapsed
    {
        return .deny(nearest)
    }
    if let mask = ruleset.masks.first(where: { takes($0, request, ruleset) }) {
        return .deny(Denial(mask.cause == .revoked ? .revoked : .lapsed, detail: mask.id))
    }
    return .allow(Permit(request, ruleset, limits: limits(request, ruleset), wouldDeny: denial))
}

/// Whether a mask speaks about the call of anybody who the caller is or may be, whatever became of the rule that it masked.
private func takes(_ mask: Mask, _ request: Request, _ ruleset: Ruleset) -> Bool {
    guard request.facts.now >= mask.at, let subject = request.aim.subject,
        mask.capabilities.contains(where: { $0.matches(subject) })
    else { return false }
    return request.caller.parts.contains { mask.principal.names($0, organization: ruleset.organization) != .no }
}

/// The bounds of every allow rule that speaks about the call, the ceiling's too. A bound takes away, so where it cannot be
/// known whether its rule matches it holds, and a revocation does not lift it.
private func limits(_ request: Request, _ ruleset: Ruleset) -> [RuleLimit] {
    var found: [RuleLimit] = []
    for rules in [ruleset.rules, ruleset.ceiling] where request.aim != .reach {
        for rule in rules where rule.limits != nil && rule.effect == .allow {
            let speaks = request.caller.parts.contains { part in
                switch rule.outcome(for: part, [], request, ruleset) {
                case .matched, .maybe, .missingFact: true
                default: false
                }
            }
            if speaks, let limits = rule.limits {
                found.append(RuleLimit(rule: rule.id, aim: request.aim, limits: limits))
            }
        }
    }
    return found
}

extension Denial {
    fileprivate init(_ outcome: RuleOutcome, rule: String) {
        switch outcome {
        case .masked(let mask): self.init(mask.cause == .revoked ? .revoked : .lapsed, rule: rule, detail: mask.id)
        case .conditionFailed(let detail): self.init(.conditionFailed, rule: rule, detail: detail)
        case .missingFact(let detail): self.init(.missingFact, rule: rule, detail: detail)
        case .expired(let until): self.init(.expired, rule: rule, detail: "ended on \(until)")
        default: self.init(.noRule)
        }
    }
}

/// Of two refusals the one that came nearer to an allow; the earlier where they are alike.
private func nearer(_ one: Denial, _ other: Denial) -> Denial {
    let order: [DenyReason] = [.revoked, .lapsed, .conditionFailed, .missingFact, .expired]
    let rank = { (denial: Denial) in order.firstIndex(of: denial.reason) ?? order.count }
    return rank(other) < rank(one) ? other : one
}
