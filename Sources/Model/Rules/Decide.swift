/// Everything that decides about one server: what a bundle holds for it, or what the registry would compile.
package struct Ruleset: Sendable {
    package var organization: String
    /// Full name, `finance/ledger`.
    package var server: String
    /// Where callers may come from at all; empty for nowhere.
    package var networks: [Network]
    /// In order: the organization's, then the zone's.
    package var rules: [Rule]
    package var masks: [Mask]
    /// Ledger index of the last change compiled in.
    package var revision: Int64

    package init(
        organization: String, server: String, networks: [Network], rules: [Rule], masks: [Mask], revision: Int64
    ) {
        self.organization = organization
        self.server = server
        self.networks = networks
        self.rules = rules.filter { $0.servers?.contains(server) ?? true }
        self.masks = masks.filter { $0.server == server }
        self.revision = revision
    }
}

/// The proof that `decide` allowed this call under that revision. Nothing else can make one, and an upstream cannot be
/// reached without.
package struct Permit: Hashable, Sendable {
    package let caller: Caller
    package let server: String
    package let aim: Aim
    /// The allow rule of each part of the caller.
    package let rules: [String]
    package let principals: [Principal]
    package let revision: Int64

    fileprivate init(_ request: Request, _ ruleset: Ruleset, rules: [String], principals: [Principal]) {
        caller = request.caller
        server = ruleset.server
        aim = request.aim
        self.rules = rules
        self.principals = principals
        revision = ruleset.revision
    }
}

/// The one decision, total and deny by default (Docs/Policy.md):
/// 1. any matching deny denies; 2. else every part of the caller needs a matching allow; 3. else deny.
///
/// A condition that cannot be evaluated makes an allow not match and a deny match. In a listing an argument condition is
/// "maybe": an allow could match, a deny does not match for certain.
package func decide(_ request: Request, under ruleset: Ruleset) -> Decision {
    if let denial = admission(request, ruleset) { return .deny(denial) }
    for part in request.caller.parts {
        for rule in ruleset.rules where rule.effect == .deny {
            switch outcome(of: rule, for: part, request, ruleset) {
            case .matched(let principal):
                return .deny(Denial(.deniedByRule, rule: rule.id, detail: "denies `\(principal)`"))
            case .missingFact(let detail):
                return .deny(Denial(.deniedByRule, rule: rule.id, detail: detail))
            default: break
            }
        }
    }
    var rules: [String] = []
    var principals: [Principal] = []
    for part in request.caller.parts {
        var nearest = Denial(.noRule)
        var found = false
        for rule in ruleset.rules where rule.effect == .allow {
            let outcome = outcome(of: rule, for: part, request, ruleset)
            switch outcome {
            case .matched(let principal), .maybe(let principal):
                rules.append(rule.id)
                principals.append(principal)
                found = true
            default:
                nearest = nearer(nearest, Denial(outcome, rule: rule.id))
            }
            if found { break }
        }
        if !found { return .deny(nearest) }
    }
    return .allow(Permit(request, ruleset, rules: rules, principals: principals))
}

/// Every rule in the order in which it is looked at, with what became of it, for each part of the caller.
package func trace(_ request: Request, under ruleset: Ruleset) -> [(rule: Rule, part: Caller, outcome: RuleOutcome)] {
    [Rule.Effect.deny, .allow].flatMap { effect in
        request.caller.parts.flatMap { part in
            ruleset.rules.filter { $0.effect == effect }.map {
                (rule: $0, part: part, outcome: outcome(of: $0, for: part, request, ruleset))
            }
        }
    }
}

/// What holds before any rule: the caller's network and the age of the bundle's lease.
private func admission(_ request: Request, _ ruleset: Ruleset) -> Denial? {
    guard request.caller.workload != nil || request.caller.user != nil else {
        return Denial(.noRule, detail: "no caller")
    }
    guard let address = request.facts.address, ruleset.networks.contains(where: { $0.contains(address) }) else {
        return Denial(
            .network, detail: "`\(request.facts.address?.description ?? "unknown")` is outside the zone's networks")
    }
    switch request.facts.freshness {
    case .fresh: return nil
    case .expired: return Denial(.stale, detail: "no lease in time, and the policy denies then")
    case .readOnly:
        if case .use(let capability) = request.aim, capability.kind == .tool, request.facts.readOnly != true {
            return Denial(.stale, detail: "no lease in time: only read-only tools until one comes")
        }
        return nil
    }
}

private func outcome(of rule: Rule, for part: Caller, _ request: Request, _ ruleset: Ruleset) -> RuleOutcome {
    guard rule.servers?.contains(ruleset.server) ?? true else { return .otherServer }
    guard covers(rule, request.aim) else { return .otherCapability }
    if let from = rule.from, request.facts.now < from { return .notYet(from) }
    if let until = rule.until, request.facts.now >= until { return .expired(until) }
    // Who is excepted from a deny must be known to be; who is excepted from an allow need only possibly be.
    for principal in rule.except ?? [] {
        switch (principal.names(part, organization: ruleset.organization), rule.effect) {
        case (.yes, _), (.missing, .allow): return .excepted(principal)
        case (.missing, .deny), (.no, _): break
        }
    }
    var through: [Principal] = []
    var missing: Principal?
    for principal in rule.to {
        switch principal.names(part, organization: ruleset.organization) {
        case .yes: through.append(principal)
        case .missing: missing = missing ?? principal
        case .no: break
        }
    }
    if through.isEmpty, let missing, rule.effect == .deny {
        through = [missing]
    }
    guard let first = through.first else {
        return missing.map { .missingFact("whether the caller is `\($0)` is not known") } ?? .otherPrincipal
    }
    var principal = first
    if rule.effect == .allow {
        var masks: [Mask] = []
        guard
            let unmasked = through.first(where: { candidate in
                guard let mask = mask(over: candidate, rule, request, ruleset) else { return true }
                masks.append(mask)
                return false
            })
        else { return .masked(masks[0]) }
        principal = unmasked
    }
    let when = rule.when ?? Conditions()
    // What a conversation needs is open to whom an allow could apply in some call of it, and closed only by a deny of
    // everything that does not depend on the call.
    let openForReach = request.aim == .reach && rule.effect == .allow
    if request.aim == .reach, rule.effect == .deny, when.readOnly != nil || when.arguments != nil {
        return .conditionFailed("depends on the call")
    }
    switch when.outcome(request.facts) {
    case .hold: return .matched(principal)
    case .maybe: return .maybe(principal)
    case .fails(let detail): return openForReach ? .maybe(principal) : .conditionFailed(detail)
    case .missing(let detail): return openForReach ? .maybe(principal) : .missingFact(detail)
    }
}

/// Whether the rule speaks about that aim. In a list: an allow that could, a deny for certain. In a completion, which tells of
/// every expansion: an allow of all of them, a deny of any.
private func covers(_ rule: Rule, _ aim: Aim) -> Bool {
    switch (aim, rule.effect) {
    case (.use(let capability), _): rule.capabilities.contains { $0.matches(capability) }
    case (.template(let template), .allow): rule.capabilities.contains { $0.overlaps(template: template) }
    case (.template(let template), .deny): rule.capabilities.contains { $0.covers(template: template) }
    case (.completion(let template), .allow): rule.capabilities.contains { $0.covers(template: template) }
    case (.completion(let template), .deny): rule.capabilities.contains { $0.overlaps(template: template) }
    case (.reach, .allow): true
    case (.reach, .deny): rule.capabilities.contains { $0.kind == nil }
    }
}

private func mask(over principal: Principal, _ rule: Rule, _ request: Request, _ ruleset: Ruleset) -> Mask? {
    ruleset.masks.first { mask in
        guard mask.principal == principal, request.facts.now >= mask.at else { return false }
        return switch request.aim {
        case .use(let capability): mask.capabilities.contains { $0.matches(capability) }
        case .template(let template):
            mask.capabilities.contains { $0.covers(template: template) }
                || rule.capabilities.allSatisfy { !$0.overlaps(template: template) || mask.capabilities.contains($0) }
        case .completion(let template): mask.capabilities.contains { $0.overlaps(template: template) }
        case .reach: rule.capabilities.allSatisfy { mask.capabilities.contains($0) }
        }
    }
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
