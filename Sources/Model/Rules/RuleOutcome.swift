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
    case conditionFailed(Conditions.Problem)
    case missingFact(Conditions.Problem)

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
    /// What becomes of this rule for one part of a caller. Allocates nothing but for conditions on arguments.
    /// - Parameter masks: what revocations and lapses take from it.
    func outcome(for part: Caller, _ masks: Masks, _ request: Request, _ ruleset: Ruleset) -> RuleOutcome {
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
        var through: Principal?
        var missing: Principal?
        var masked: Mask?
        for principal in to where through == nil {
            switch principal.names(part, organization: ruleset.organization) {
            case .yes:
                if effect == .allow, let mask = mask(over: principal, masks, request) {
                    masked = masked ?? mask
                } else {
                    through = principal
                }
            case .missing: missing = missing ?? principal
            case .no: break
            }
        }
        if let through { return outcome(through: through, request, ruleset) }
        if let masked { return .masked(masked) }
        guard let missing else { return .otherPrincipal }
        if effect == .deny { return outcome(through: missing, request, ruleset) }
        return .missingFact(.principalUnknown(missing))
    }

    private func outcome(through principal: Principal, _ request: Request, _ ruleset: Ruleset) -> RuleOutcome {
        guard let when else { return .matched(principal) }
        // What a conversation needs is open to whom an allow could apply in some call of it, and closed only by a deny of
        // everything that does not depend on the call.
        let openForReach = request.aim == .reach && effect == .allow
        if request.aim == .reach, effect == .deny, when.readOnly != nil || when.arguments != nil {
            return .conditionFailed(.dependsOnCall)
        }
        switch when.outcome(request, ruleset) {
        case .hold: return .matched(principal)
        case .maybe: return .maybe(principal)
        case .fails(let problem): return openForReach ? .maybe(principal) : .conditionFailed(problem)
        case .missing(let problem):
            // Arguments that are not known yet may fail, which keeps a deny from matching.
            if effect == .deny, when.arguments?.isEmpty == false, case .unbound = request.facts.arguments {
                return .maybe(principal)
            }
            return openForReach ? .maybe(principal) : .missingFact(problem)
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

    private func mask(over principal: Principal, _ masks: Masks, _ request: Request) -> Mask? {
        masks.over(principal).first { mask in
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

/// What revocations and lapses take from a server's rules.
struct Masks: Sendable {
    private let all: [Mask]
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
