/// One server before and after a change.
struct ServerSides {
    fileprivate let server: String
    fileprivate let before: Ruleset?
    fileprivate let after: Ruleset?
    fileprivate let patterns: [CapabilityPattern]
    fileprivate let tools: [String]
    fileprivate let fresh: String
    /// Names of arguments that are tested otherwise on one side than on the other.
    fileprivate let varying: Set<String>
    fileprivate let budget: SearchBudget
    /// The rules of each side as they are written, with their periods, by id.
    fileprivate let written: [Plan.AccessChange.Direction: [String: Rule]]

    init(_ server: String, _ before: Ruleset?, _ after: Ruleset?, budget: SearchBudget) {
        self.server = server
        self.budget = budget
        self.before = before
        self.after = after
        let both = [before, after].compactMap(\.self)
        patterns = Set(both.flatMap { $0.rules.flatMap(\.capabilities) + $0.masks.flatMap(\.capabilities) }).sorted {
            $0.description < $1.description
        }
        tools = Set(both.compactMap { $0.pinning?.approved.keys }.flatMap(\.self)).sorted()
        fresh = freshText(in: both)
        let (ones, others) = (before?.argumentTests ?? [:], after?.argumentTests ?? [:])
        varying = Set(ones.keys).union(others.keys).filter { ones[$0] != others[$0] }
        written = [Plan.AccessChange.Direction.gains: after, .loses: before].mapValues { side in
            Dictionary((side?.rules ?? []).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        }
    }

    var rules: [Rule] { [before, after].compactMap(\.self).flatMap(\.rules) }
}

/// What changes on one server at one moment.
struct ServerDifference {
    private let sides: ServerSides
    private let before: Ruleset?
    private let after: Ruleset?
    /// Whom a denial of either side spares.
    private let spared: [Principal]
    private let search: CallSearch

    init(_ sides: ServerSides, at moment: Instant) {
        self.sides = sides
        before = sides.before?.frozen(at: moment)
        after = sides.after?.frozen(at: moment)
        let both = [before, after].compactMap(\.self)
        spared = both.flatMap(\.rules).filter { $0.effect == .deny }.flatMap { $0.except ?? [] }
        search = CallSearch(
            both, now: moment, fresh: sides.fresh, varying: sides.varying, budget: sides.budget)
    }

    /// - Parameters:
    ///   - changed: ids of the rules that changed; nil where anything did.
    ///   - turning: rules that begin or end now, where only what they make differ is asked for.
    func changes(_ changed: Set<String>?, turning: [Rule]?) -> [Plan.AccessChange] {
        let losses = changes(.loses, from: before, to: after, changed, turning)
        return changes(.gains, from: after, to: before, changed, turning) + losses
    }

    /// What is allowed on one side and not on the other.
    private func changes(
        _ direction: Plan.AccessChange.Direction, from one: Ruleset?, to other: Ruleset?, _ changed: Set<String>?,
        _ turning: [Rule]?
    ) -> [Plan.AccessChange] {
        guard let one else { return [] }
        // A rule that did not change lets the same through, unless it is a deny that changed.
        let mentioned = [one, other].compactMap(\.self).flatMap(\.rules).filter {
            $0.effect == .deny && changed?.contains($0.id) ?? true
        }
        let concerned = Set(mentioned.flatMap(\.capabilities))
        var merged: [Plan.AccessChange] = []
        for rule in one.rules where rule.effect == .allow {
            guard turning?.contains(where: { $0.id == rule.id || $0.sharesCalls(with: rule) }) ?? true else { continue }
            let isItself = changed?.contains(rule.id) ?? true
            for pattern in rule.capabilities
            where isItself || concerned.contains(where: { $0.overlaps(pattern) }) {
                for principal in rule.to where isItself || mentioned.contains(where: { concerns($0, principal) }) {
                    guard let found = difference(rule, principal, pattern, one, other, mentioned) else {
                        continue
                    }
                    let change = Plan.AccessChange(
                        direction: direction,
                        grant: Grant(
                            principal: principal, server: sides.server, capabilities: [pattern], rule: rule.id),
                        conditions: (sides.written[direction]?[rule.id] ?? rule).conditionTexts
                            + one.admissionTexts(of: principal) + [found.besides].compactMap(\.self)
                            + (found.isUntried ? [untriedText] : []),
                        otherwise: found.otherwise, example: found.example)
                    merge(change, into: &merged)
                }
            }
        }
        return merged
    }

    private func merge(_ change: Plan.AccessChange, into changes: inout [Plan.AccessChange]) {
        let known = changes.firstIndex {
            $0.grant.principal == change.grant.principal && $0.grant.rule == change.grant.rule
                && $0.otherwise == change.otherwise && $0.conditions == change.conditions
        }
        guard let known else { return changes.append(change) }
        changes[known].grant.capabilities += change.grant.capabilities
    }

    /// Whether a rule could speak about somebody whom the principal names: a deny of some of them, or another grant.
    private func concerns(_ rule: Rule, _ principal: Principal) -> Bool {
        (rule.to + (rule.except ?? [])).contains { $0.sharesCallers(with: principal) }
    }

    private struct Found {
        /// Who of them, where not all.
        var besides: String?
        var otherwise: [String]?
        var example: String?
        /// There are more kinds of calls than were tried, and none of those that were shows a difference.
        var isUntried = false
    }

    /// Nil for none. What was not tried to the end may be one, but for the budget, of which the plan as a whole speaks.
    /// - Parameter denies: those that changed.
    private func difference(
        _ rule: Rule, _ principal: Principal, _ pattern: CapabilityPattern, _ one: Ruleset, _ other: Ruleset?,
        _ denies: [Rule]
    ) -> Found? {
        if other == nil, one.plainlyAllows(rule, principal, pattern) { return Found() }
        let rulesets = [one, other].compactMap(\.self)
        var edge = rule
        edge.to = [principal]
        var alone = one
        alone.rules = one.rules.filter { $0.effect == .deny } + [edge]
        let callers = principal.representatives(fresh: search.fresh, of: rulesets)
        if let found = difference(rule, principal, pattern, alone, other, callers) { return found }
        // Some of them, whom a denial names or spares.
        for besides in principal.besides(denies.flatMap(\.to) + spared, fresh: search.fresh, of: rulesets) {
            var found = difference(rule, principal, pattern, alone, other, besides.callers)
            found?.besides = besides.text
            if let found { return found }
        }
        return nil
    }

    /// The same, of those callers.
    private func difference(
        _ rule: Rule, _ principal: Principal, _ pattern: CapabilityPattern, _ alone: Ruleset, _ other: Ruleset?,
        _ callers: [Caller]
    ) -> Found? {
        guard !sides.budget.isSpent else { return nil }
        let examples = capabilityExamples(of: pattern, among: sides.patterns, tools: sides.tools, fresh: search.fresh)
        var isUntried = false
        for capability in examples {
            for caller in callers {
                let mine = alone.admitting(caller.user == nil ? nil : caller.workload)
                let theirs = other?.admitting(caller.user == nil ? nil : caller.workload)
                let found = search.first(caller, capability) { request in
                    guard case .allow(let permit) = decide(request, under: mine), permit.rules.contains(rule.id)
                    else { return false }
                    return !(theirs.map { decide(request, under: $0).isAllowed } ?? false)
                }
                switch found {
                case .none: break
                case .tooMany: isUntried = true
                case .found(let request):
                    guard let rest = rest(principal, pattern, callers, other) else { return Found() }
                    return Found(otherwise: rest, example: request.exampleText)
                }
            }
        }
        return isUntried && !sides.budget.isSpent ? Found(isUntried: true) : nil
    }

    /// What the other side allows of the same; nil for nothing.
    private func rest(
        _ principal: Principal, _ pattern: CapabilityPattern, _ callers: [Caller], _ other: Ruleset?
    ) -> [String]? {
        guard let other else { return nil }
        for rule in other.rules
        where rule.effect == .allow && rule.to.contains(where: { $0.covers(principal) }) {
            for theirs in rule.capabilities where theirs.overlaps(pattern) {
                let examples = capabilityExamples(
                    of: theirs, among: sides.patterns, tools: sides.tools, fresh: search.fresh)
                let isLeft = examples.contains { capability in
                    pattern.matches(capability)
                        && callers.contains { caller in
                            let other = other.admitting(caller.user == nil ? nil : caller.workload)
                            let found = search.first(caller, capability) { decide($0, under: other).isAllowed }
                            if case .found = found { return true } else { return false }
                        }
                }
                if isLeft { return [capabilitiesText(rule.capabilities)] + rule.conditionTexts }
            }
        }
        return nil
    }
}

extension Ruleset {
    /// What rules ask of each argument.
    fileprivate var argumentTests: [String: Set<ArgumentTest>] {
        var tests: [String: Set<ArgumentTest>] = [:]
        for rule in rules {
            for (name, test) in rule.when?.arguments ?? [:] { tests[name, default: []].insert(test) }
        }
        return tests
    }

    /// Whether an allow of this ruleset lets something through for sure, without looking for a call that shows it; false where
    /// it takes a closer look.
    fileprivate func plainlyAllows(_ rule: Rule, _ principal: Principal, _ pattern: CapabilityPattern) -> Bool {
        guard callers == nil, pinning == nil, !networks.isEmpty, ceiling.isEmpty, (rule.except ?? []).isEmpty,
            !masks.contains(where: { $0.principal == principal })
        else { return false }
        if let when = rule.when {
            guard when.arguments == nil, !when.comparesZones, when.environment == nil,
                when.readOnly == nil || pattern.kind == .tool,
                when.networks?.contains(where: { one in networks.contains { $0.overlaps(one) } }) ?? true
            else { return false }
        }
        return !rules.contains { deny in
            deny.effect == .deny && deny.capabilities.contains { $0.overlaps(pattern) }
                && deny.to.contains { $0.sharesCallers(with: principal) }
        }
    }
}

extension Request {
    /// `tool:pay from 10.0.0.1 with {"amount":500}`
    fileprivate var exampleText: String {
        var text = aim.description
        if let address = facts.address { text += " from \(address)" }
        if case .given(let arguments) = facts.arguments, arguments.object?.isEmpty == false {
            text += " with \(arguments)"
        }
        return text + " at \(facts.now)"
    }
}
