/// The proof that `decide` allowed this call under that revision. Nothing else can make one, and an upstream cannot be
/// reached without.
package struct Permit: Hashable, Sendable {
    package let caller: Caller
    package let server: String
    package let aim: Aim
    private let matches: Matches
    /// What the rules that speak about the call bound, besides the server's policy.
    package let limits: [RuleLimit]
    /// Why the call would have been refused, if the server were not only observed.
    package let wouldDeny: Denial?
    package let revision: Int64

    fileprivate init(
        _ request: Request, _ ruleset: Ruleset, _ matches: Matches = Matches(),
        limits: [RuleLimit] = [],
        wouldDeny: Denial? = nil
    ) {
        caller = request.caller
        server = ruleset.server
        aim = request.aim
        self.matches = matches
        self.limits = limits
        self.wouldDeny = wouldDeny
        revision = ruleset.revision
    }

    /// The allow rule of each part of the caller; none where the server is only observed.
    package var rules: [String] { [matches.first, matches.second].compactMap { $0?.rule } }
    package var principals: [Principal] {
        [matches.first, matches.second].compactMap { $0?.principal }
    }

    /// In one text, as lines of the journal have them.
    package var ruleText: String {
        matches.second == nil ? matches.first?.rule ?? "" : rules.joined(separator: "+")
    }
    package var principalText: String {
        matches.second == nil
            ? matches.first?.principal.description ?? "" : principals.map(\.description).joined(separator: "+")
    }
}

/// The allow that each part of a caller has.
private struct Matches: Hashable, Sendable {
    var first: Match?
    var second: Match?
}

/// A rule that allows, and through which of those whom it names.
private struct Match: Hashable, Sendable {
    var held: HeldRule
    var place: Int

    var rule: String { held.rule.id }
    var principal: Principal { held.rule.to[place] }

    static func == (left: Match, right: Match) -> Bool {
        left.rule == right.rule && left.principal == right.principal
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(rule)
        hasher.combine(principal)
    }
}

/// The one decision, total and deny by default (Docs/Policy.md):
/// 1. what holds before any rule, and the host's ceiling; 2. any matching deny denies; 3. else every part of the caller needs
/// a matching allow; 4. else deny. While a server is observed, 2 to 4 are recorded, and the call is let through.
///
/// A condition that cannot be evaluated makes an allow not match and a deny match. In a listing an argument condition is
/// "maybe": an allow could match, a deny does not match for certain.
package func decide(_ request: Request, under ruleset: Ruleset) -> Decision {
    // Most requests are believed as they are, and need no copy.
    guard ruleset.pinning != nil || request.aim.isTask else { return decision(request, ruleset) }
    return decision(believed(request, ruleset), ruleset)
}

private func decision(_ request: Request, _ ruleset: Ruleset) -> Decision {
    let parts = request.callerParts
    if let denial = admission(parts, request, ruleset) { return .deny(denial) }
    if let denial = ceilingDenial(parts, request, ruleset) { return .deny(denial) }
    if let denial = denial(by: ruleset.own, parts, request, ruleset) {
        return observed(denial, parts, request, ruleset)
    }
    switch grants(of: ruleset.own, parts, request, ruleset) {
    case .refused(let nearest): return observed(nearest, parts, request, ruleset)
    case .granted(let matches):
        return .allow(Permit(request, ruleset, matches, limits: limits(parts, request, ruleset)))
    }
}

/// Every rule in the order in which it is looked at, with what became of it, for each part of the caller: the host's ceiling
/// first, denies before allows.
package func trace(_ request: Request, under ruleset: Ruleset) -> [(
    rule: Rule, part: Caller.Part, outcome: RuleOutcome
)] {
    let request = believed(request, ruleset)
    return [ruleset.host, ruleset.own].flatMap { list in
        [Rule.Effect.deny, .allow].flatMap { effect in
            list.held.filter { $0.rule.effect == effect }.flatMap { held in
                request.caller.parts.map { part in
                    (rule: held.rule, part: part, outcome: held.outcome(for: part, list.masks, request, ruleset))
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
private func admission(_ parts: CallerParts, _ request: Request, _ ruleset: Ruleset) -> Denial? {
    guard parts.hasWorkload || parts.hasUser else { return Denial(.noRule, detail: "no caller") }
    guard let address = request.facts.address, ruleset.networks.contain(address) else {
        return Denial(
            .network,
            detail: "`\(request.facts.address?.description ?? "unknown")` is outside the zone's networks")
    }
    if let callers = ruleset.callers,
        !(request.caller.workload.map { callers.contains($0.trustDomain) } ?? false)
    {
        return Denial(
            .callerZone,
            detail:
                "the zone takes no calls from `\(request.caller.workload?.trustDomain ?? "no workload")`")
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
private func ceilingDenial(_ parts: CallerParts, _ request: Request, _ ruleset: Ruleset) -> Denial? {
    guard !ruleset.host.rules.isEmpty else { return nil }
    if let denial = denial(by: ruleset.host, parts, request, ruleset) { return denial }
    guard ruleset.host.hasAllows, case .refused(let nearest) = grants(of: ruleset.host, parts, request, ruleset)
    else { return nil }
    return Denial(
        .ceiling, rule: nearest.rule,
        detail: nearest.detail ?? "no rule of the host's ceiling allows it")
}

/// The first deny that matches some part of the caller.
/// - Parameter isOfOrganization: whether only the organization's own count.
private func denial(
    by list: RuleList, isOfOrganization: Bool = false, _ parts: CallerParts, _ request: Request,
    _ ruleset: Ruleset
) -> Denial? {
    var candidates = list.candidates(.deny, parts, request)
    while let position = candidates.next() {
        let held = list.held[position]
        if isOfOrganization, held.rule.zone != nil { continue }
        if parts.hasWorkload, let denial = denial(by: held, .workload, request, ruleset) { return denial }
        if parts.hasUser, let denial = denial(by: held, .user, request, ruleset) { return denial }
    }
    return nil
}

private func denial(by held: HeldRule, _ part: Caller.Part, _ request: Request, _ ruleset: Ruleset) -> Denial? {
    switch held.outcome(for: part, .none, request, ruleset) {
    case .matched(let place):
        Denial(.deniedByRule, rule: held.rule.id, detail: "denies `\(held.rule.to[place])`")
    case .missingFact(let problem): Denial(.deniedByRule, rule: held.rule.id, detail: "\(problem)")
    default: nil
    }
}

private enum Grants {
    /// The allow of each part of the caller.
    case granted(Matches)
    /// What came nearest for a part that has none.
    case refused(Denial)
}

/// The first allow that matches, for each part of the caller.
private func grants(
    of list: RuleList, _ parts: CallerParts, _ request: Request, _ ruleset: Ruleset
) -> Grants {
    let first = grant(of: list, to: parts.hasWorkload ? .workload : .user, parts, request, ruleset)
    guard parts.hasWorkload, parts.hasUser else { return first }
    switch (first, grant(of: list, to: .user, parts, request, ruleset)) {
    case (.granted(let one), .granted(let other)):
        return .granted(Matches(first: one.first, second: other.first))
    case (.refused(let one), .refused(let other)): return .refused(nearer(one, other))
    case (.refused(let denial), .granted), (.granted, .refused(let denial)): return .refused(denial)
    }
}

/// The first allow that matches one part of the caller, or what came nearest.
private func grant(
    of list: RuleList, to part: Caller.Part, _ parts: CallerParts, _ request: Request, _ ruleset: Ruleset
) -> Grants {
    var nearest: (position: Int, rank: Int)?
    var candidates = list.candidates(.allow, parts.only(part), request)
    while let position = candidates.next() {
        let held = list.held[position]
        switch held.outcome(for: part, list.masks, request, ruleset) {
        case .matched(let place), .maybe(let place):
            return .granted(Matches(first: Match(held: held, place: place)))
        case let outcome:
            let rank = outcome.rank
            if rank < nearest?.rank ?? RuleOutcome.farthest { nearest = (position, rank) }
        }
    }
    guard let nearest else { return .refused(Denial(.noRule)) }
    // Only what is refused is put into words, once.
    let held = list.held[nearest.position]
    return .refused(Denial(held.outcome(for: part, list.masks, request, ruleset), rule: held.rule.id))
}

/// A refusal by rules: final, or only recorded while the server is observed. The organization's denials hold all the same,
/// and what was revoked or lapsed stays so.
private func observed(
    _ denial: Denial, _ parts: CallerParts, _ request: Request, _ ruleset: Ruleset
) -> Decision {
    guard let until = ruleset.observedUntil, request.facts.now < until else { return .deny(denial) }
    let rules = ruleset.own
    if let firm = Model.denial(by: rules, isOfOrganization: true, parts, request, ruleset) {
        return .deny(firm)
    }
    if case .refused(let nearest) = grants(of: rules, parts, request, ruleset),
        nearest.reason == .revoked || nearest.reason == .lapsed
    {
        return .deny(nearest)
    }
    if let mask = ruleset.masks.first(where: { takes($0, request, ruleset) }) {
        return .deny(Denial(mask.cause == .revoked ? .revoked : .lapsed, detail: mask.id))
    }
    return .allow(
        Permit(request, ruleset, limits: limits(parts, request, ruleset), wouldDeny: denial))
}

/// Whether a mask speaks about the call of anybody who the caller is or may be, whatever became of the rule that it masked.
private func takes(_ mask: Mask, _ request: Request, _ ruleset: Ruleset) -> Bool {
    guard request.facts.now >= mask.at, let subject = request.aim.subject,
        mask.capabilities.contains(where: { $0.matches(subject) })
    else { return false }
    return request.caller.parts.contains {
        mask.principal.names($0, of: request.caller, organization: ruleset.organization) != .no
    }
}

/// The bounds of every allow rule that speaks about the call, the ceiling's too. A bound takes away, so where it cannot be
/// known whether its rule matches it holds, and a revocation does not lift it.
private func limits(_ parts: CallerParts, _ request: Request, _ ruleset: Ruleset) -> [RuleLimit] {
    if case .reach = request.aim { return [] }
    let own = limits(ruleset.own, parts, request, ruleset)
    return ruleset.host.rules.isEmpty ? own : own + limits(ruleset.host, parts, request, ruleset)
}

private func limits(
    _ list: RuleList, _ parts: CallerParts, _ request: Request, _ ruleset: Ruleset
) -> [RuleLimit] {
    guard list.hasLimits else { return [] }
    var found: [RuleLimit] = []
    var candidates = list.candidates(.allow, parts, request)
    while let position = candidates.next() {
        let held = list.held[position]
        guard let limits = held.rule.limits else { continue }
        let speaks =
            parts.hasWorkload && held.bounds(.workload, request, ruleset)
            || parts.hasUser && held.bounds(.user, request, ruleset)
        if speaks { found.append(RuleLimit(rule: held.rule.id, aim: request.aim, limits: limits)) }
    }
    return found
}

extension HeldRule {
    /// Whether its limits bound the call of that part, also where nobody knows.
    fileprivate func bounds(_ part: Caller.Part, _ request: Request, _ ruleset: Ruleset) -> Bool {
        switch outcome(for: part, .none, request, ruleset) {
        case .matched, .maybe, .missingFact: true
        default: false
        }
    }
}

extension Denial {
    fileprivate init(_ outcome: RuleOutcome, rule: String) {
        switch outcome {
        case .masked(let mask):
            self.init(mask.cause == .revoked ? .revoked : .lapsed, rule: rule, detail: mask.id)
        case .conditionFailed(let problem):
            self.init(.conditionFailed, rule: rule, detail: "\(problem)")
        case .missingFact(let problem): self.init(.missingFact, rule: rule, detail: "\(problem)")
        case .expired(let until): self.init(.expired, rule: rule, detail: "ended on \(until)")
        default: self.init(.noRule)
        }
    }
}

extension RuleOutcome {
    /// How near it came to an allow; 0 is nearest.
    fileprivate var rank: Int {
        switch self {
        case .masked(let mask): mask.cause == .revoked ? 0 : 1
        case .conditionFailed: 2
        case .missingFact: 3
        case .expired: 4
        default: Self.farthest
        }
    }

    fileprivate static let farthest = 5
}

/// Of two refusals the one that came nearer to an allow; the earlier where they are alike.
private func nearer(_ one: Denial, _ other: Denial) -> Denial {
    let order: [DenyReason] = [.revoked, .lapsed, .conditionFailed, .missingFact, .expired]
    let rank = { (denial: Denial) in order.firstIndex(of: denial.reason) ?? order.count }
    return rank(other) < rank(one) ? other : one
}
