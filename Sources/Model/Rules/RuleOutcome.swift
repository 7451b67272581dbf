/// What became of one rule in one decision.
package enum RuleOutcome: Hashable, Sendable {
    /// Through the principal of that place in `to`.
    case matched(Int)
    /// Could match through it once the arguments are known.
    case maybe(Int)
    case otherServer
    case otherCapability
    case otherPrincipal
    case excepted(Principal)
    case notYet(Instant)
    case expired(Instant)
    case masked(Mask)
    case conditionFailed(Conditions.Problem)
    case missingFact(Conditions.Problem)

    /// One line for people.
    package func explanation(of rule: Rule) -> String {
        switch self {
        case .matched(let place): "matches through `\(rule.to[place])`"
        case .maybe(let place): "could match through `\(rule.to[place])`, depending on the arguments"
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

extension HeldRule {
    /// What becomes of this rule for one part of a caller. Allocates nothing but for conditions on arguments.
    /// - Parameter masks: what revocations and lapses take from it.
    func outcome(for part: Caller.Part, _ masks: Masks, _ request: Request, _ ruleset: Ruleset) -> RuleOutcome {
        if let servers = rule.servers, !servers.contains(ruleset.server) { return .otherServer }
        guard covers(request.aim) else { return .otherCapability }
        if let from = rule.from, request.facts.now < from { return .notYet(from) }
        // Whom a rule that ended was not for hears nothing of it.
        var ended: Instant?
        if let until = rule.until, request.facts.now >= until { ended = until }
        // Who is excepted from a deny must be known to be; who is excepted from an allow need only possibly be.
        for principal in rule.except ?? [] {
            switch (principal.names(part, of: request.caller, organization: ruleset.organization), rule.effect) {
            case (.yes, _), (.missing, .allow): return .excepted(principal)
            case (.missing, .deny), (.no, _): break
            }
        }
        // Looked at where they lie: nothing is copied of whom it does not name.
        let to = rule.to
        let named = to.span
        var missing: Int?
        var masked: Mask?
        for place in named.indices {
            switch named[place].names(part, of: request.caller, organization: ruleset.organization) {
            case .yes:
                if let ended { return .expired(ended) }
                guard rule.effect == .allow, let mask = mask(over: place, masks, request) else {
                    return outcome(through: place, request, ruleset)
                }
                masked = masked ?? mask
            case .missing: missing = missing ?? place
            case .no: break
            }
        }
        if let masked { return .masked(masked) }
        guard let missing else { return .otherPrincipal }
        if let ended { return .expired(ended) }
        if rule.effect == .deny { return outcome(through: missing, request, ruleset) }
        return .missingFact(.principalUnknown(rule.to[missing]))
    }

    private func outcome(through place: Int, _ request: Request, _ ruleset: Ruleset) -> RuleOutcome {
        guard let when = rule.when else { return .matched(place) }
        // What a conversation needs is open to whom an allow could apply in some call of it, and closed only by a deny of
        // everything that does not depend on the call.
        let openForReach = request.aim == .reach && rule.effect == .allow
        if request.aim == .reach, rule.effect == .deny, when.readOnly != nil || when.arguments != nil {
            return .conditionFailed(.dependsOnCall)
        }
        switch when.outcome(request, ruleset) {
        case .hold: return .matched(place)
        case .maybe: return .maybe(place)
        case .fails(let problem): return openForReach ? .maybe(place) : .conditionFailed(problem)
        case .missing(let problem):
            // Arguments that are not known yet may fail, which keeps a deny from matching.
            if rule.effect == .deny, when.arguments?.isEmpty == false, case .unbound = request.facts.arguments {
                return .maybe(place)
            }
            return openForReach ? .maybe(place) : .missingFact(problem)
        }
    }

    /// Whether the rule speaks about that aim. In a list: an allow that could, a deny for certain. In a completion, which
    /// tells of every expansion: an allow of all of them, a deny of any.
    private func covers(_ aim: Aim) -> Bool {
        switch aim {
        case .use(let subject): rule.capabilities.match(subject.kind, subject.name)
        case .subscription(let uri): rule.capabilities.match(.resource, uri)
        case .task(let tool): rule.capabilities.match(.tool, tool)
        case .template(let template) where rule.effect == .allow:
            rule.capabilities.contains { $0.overlaps(template: template) }
        case .template(let template): rule.capabilities.contains { $0.covers(template: template) }
        case .completion(let template) where rule.effect == .allow:
            rule.capabilities.contains { $0.covers(template: template) }
        case .completion(let template): rule.capabilities.contains { $0.overlaps(template: template) }
        case .reach: rule.effect == .allow || rule.capabilities.contains { $0.kind == nil }
        }
    }

    private func mask(over place: Int, _ masks: Masks, _ request: Request) -> Mask? {
        guard !masks.all.isEmpty else { return nil }
        let principal = rule.to[place]
        return masks.over(principal).first { mask in
            guard mask.principal == principal, request.facts.now >= mask.at else { return false }
            return switch request.aim {
            case .use(let subject): mask.capabilities.match(subject.kind, subject.name)
            case .subscription(let uri): mask.capabilities.match(.resource, uri)
            case .task(let tool): mask.capabilities.match(.tool, tool)
            case .template(let template):
                mask.capabilities.contains { $0.covers(template: template) }
                    || rule.capabilities.allSatisfy {
                        !$0.overlaps(template: template) || mask.capabilities.contains($0)
                    }
            case .completion(let template): mask.capabilities.contains { $0.overlaps(template: template) }
            case .reach: rule.capabilities.allSatisfy { mask.capabilities.contains($0) }
            }
        }
    }
}

/// What revocations and lapses take from a server's rules.
struct Masks: Sendable {
    let all: [Mask]
    /// Nil for few: then all are looked at.
    private let byPrincipal: [Principal: [Mask]]?

    static let none = Masks([])

    init(_ masks: [Mask], indexed: Bool = false) {
        all = masks
        byPrincipal = indexed && masks.count > 4 ? Dictionary(grouping: masks, by: \.principal) : nil
    }

    /// Those of one principal, and perhaps others.
    func over(_ principal: Principal) -> [Mask] {
        guard let byPrincipal else { return all }
        return byPrincipal[principal] ?? []
    }
}
