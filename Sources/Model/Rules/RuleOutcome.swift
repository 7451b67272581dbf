/// What became of one rule in one decision.
package enum RuleOutcome: Hashable, Sendable {
    case matched(Principal)
    /// Could match once the arguments are known.
    case maybe(Principal)
    case otherServer
    case otherCapability
    case otherPrincipal
    case excepted(Principal)
    case notYet(Instant)
    case expired(Instant)
    case masked(Mask)
    case conditionFailed(String)
    case missingFact(String)

    /// One line for people.
    package var explanation: String {
        switch self {
        case .matched(let principal): "matches through `\(principal)`"
        case .maybe(let principal): "could match through `\(principal)`, depending on the arguments"
        case .otherServer: "is for other servers"
        case .otherCapability: "is for other capabilities"
        case .otherPrincipal: "is for other callers"
        case .excepted(let principal): "excepts `\(principal)`"
        case .notYet(let from): "begins on \(from)"
        case .expired(let until): "ended on \(until)"
        case .masked(let mask) where mask.cause == .revoked:
            "is masked: the grant to `\(mask.principal)` was revoked (\(mask.id)) on \(mask.at)"
        case .masked(let mask): "is masked: the grant to `\(mask.principal)` lapsed (\(mask.id)) on \(mask.at)"
        case .conditionFailed(let detail): "has a condition that fails: \(detail)"
        case .missingFact(let detail): "has a condition that cannot be judged: \(detail)"
        }
    }
}

extension Rule {
    /// What becomes of this rule for one part of a caller.
    /// - Parameter masks: what revocations and lapses take from it.
    func outcome(for part: Caller, _ masks: [Mask], _ request: Request, _ ruleset: Ruleset) -> RuleOutcome {
        guard servers?.contains(ruleset.server) ?? true else { return .otherServer }
        guard covers(request.aim) else { return .otherCapability }
        if let from, request.facts.now < from { return .notYet(from) }
        if let until, request.facts.now >= until { return .expired(until) }
        // Who is excepted from a deny must be known to be; who is excepted from an allow need only possibly be.
        for principal in except ?? [] {
            switch (principal.names(part, organization: ruleset.organization), effect) {
            case (.yes, _), (.missing, .allow): return .excepted(principal)
            case (.missing, .deny), (.no, _): break
            }
        }
        var through: [Principal] = []
        var missing: Principal?
        for principal in to {
            switch principal.names(part, organization: ruleset.organization) {
            case .yes: through.append(principal)
            case .missing: missing = missing ?? principal
            case .no: break
            }
        }
        if through.isEmpty, let missing, effect == .deny {
            through = [missing]
        }
        guard let first = through.first else {
            return missing.map { .missingFact("whether the caller is `\($0)` is not known") } ?? .otherPrincipal
        }
        var principal = first
        if effect == .allow, !masks.isEmpty {
            var found: [Mask] = []
            guard
                let unmasked = through.first(where: { candidate in
                    guard let mask = mask(over: candidate, masks, request) else { return true }
                    found.append(mask)
                    return false
                })
            else { return .masked(found[0]) }
            principal = unmasked
        }
        return outcome(of: when ?? Conditions(), through: principal, request, ruleset)
    }

    private func outcome(
        of when: Conditions, through principal: Principal, _ request: Request, _ ruleset: Ruleset
    ) -> RuleOutcome {
        // What a conversation needs is open to whom an allow could apply in some call of it, and closed only by a deny of
        // everything that does not depend on the call.
        let openForReach = request.aim == .reach && effect == .allow
        if request.aim == .reach, effect == .deny, when.readOnly != nil || when.arguments != nil {
            return .conditionFailed("depends on the call")
        }
        switch when.outcome(request, ruleset) {
        case .hold: return .matched(principal)
        case .maybe: return .maybe(principal)
        case .fails(let detail): return openForReach ? .maybe(principal) : .conditionFailed(detail)
        case .missing(let detail): return openForReach ? .maybe(principal) : .missingFact(detail)
        }
    }

    /// Whether the rule speaks about that aim. In a list: an allow that could, a deny for certain. In a completion, which
    /// tells of every expansion: an allow of all of them, a deny of any.
    private func covers(_ aim: Aim) -> Bool {
        switch (aim, effect) {
        case (.use(let subject), _): capabilities.contains { $0.matches(subject) }
        case (.subscription, _), (.task, _):
            aim.subject.map { one in capabilities.contains { $0.matches(one) } } ?? false
        case (.template(let template), .allow): capabilities.contains { $0.overlaps(template: template) }
        case (.template(let template), .deny): capabilities.contains { $0.covers(template: template) }
        case (.completion(let template), .allow): capabilities.contains { $0.covers(template: template) }
        case (.completion(let template), .deny): capabilities.contains { $0.overlaps(template: template) }
        case (.reach, .allow): true
        case (.reach, .deny): capabilities.contains { $0.kind == nil }
        }
    }

    private func mask(over principal: Principal, _ masks: [Mask], _ request: Request) -> Mask? {
        masks.first { mask in
            guard mask.principal == principal, request.facts.now >= mask.at else { return false }
            return switch request.aim {
            case .use(let subject): mask.capabilities.contains { $0.matches(subject) }
            case .subscription, .task:
                request.aim.subject.map { one in mask.capabilities.contains { $0.matches(one) } } ?? false
            case .template(let template):
                mask.capabilities.contains { $0.covers(template: template) }
                    || capabilities.allSatisfy { !$0.overlaps(template: template) || mask.capabilities.contains($0) }
            case .completion(let template): mask.capabilities.contains { $0.overlaps(template: template) }
            case .reach: capabilities.allSatisfy { mask.capabilities.contains($0) }
            }
        }
    }
}
