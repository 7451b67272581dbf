/// Who gains or loses access to what between two topologies. Found by `decide` on both sides: a rule that only says again
/// what others say gives nothing, and one that a deny stands before takes nothing away.
struct AccessDifference {
    private let before: Rulesets?
    private let after: Rulesets
    private let current: Topology?
    private let desired: Topology
    private let now: Instant

    init(
        from current: Topology?, to desired: Topology, masks: [Mask], pins: [String: [ToolDefinition]], now: Instant
    ) {
        before = current.map { Rulesets($0, masks: masks, pins: pins) }
        after = Rulesets(desired, masks: masks, pins: pins)
        self.current = current
        self.desired = desired
        self.now = now
    }

    /// - Parameter changes: without objects that only moved.
    func changes(after changes: [Plan.Change]) -> [Plan.AccessChange] {
        let touched = TouchedServers(changes, current, desired)
        let found = touched.servers.flatMap { server -> [Plan.AccessChange] in
            let one = before?.ruleset(for: server, revision: 0)?.standing(at: now)
            let other = after.ruleset(for: server, revision: 0)?.standing(at: now)
            let isWhole = touched.isWhole(server) && one.map { $0.surrounds(other) } != true
            return ServerDifference(server, one, other, now: now).changes(isWhole ? nil : touched.rules)
        }
        return found.sorted {
            ($0.grant.server, $0.grant.principal.description, $0.direction.rawValue, $0.grant.rule)
                < ($1.grant.server, $1.grant.principal.description, $1.direction.rawValue, $1.grant.rule)
        }
    }
}

/// The servers whose access may differ after some changes.
private struct TouchedServers {
    /// Sorted.
    let servers: [String]
    /// Ids of the rules that changed.
    let rules: Set<String>
    /// Of which everything may differ, and not only what those rules speak about.
    private let whole: Set<String>

    init(_ changes: [Plan.Change], _ current: Topology?, _ desired: Topology) {
        let rules = Set(changes.filter { $0.object.kind == .rule }.map(\.object.name))
        var zones = Set(changes.filter { $0.object.kind == .zone }.map(\.object.name))
        let facts = { (topology: Topology?) in
            Dictionary((topology?.zoneFacts ?? []).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        }
        let organizations = [current?.organization, desired.organization]
        // What rules compare zones by, and what is pinned everywhere, may concern every server.
        if facts(current).contains(where: { name, value in facts(desired)[name].map { $0 != value } ?? false })
            || organizations[0]?.environment != organizations[1]?.environment
            || organizations[0]?.policy?.tools != organizations[1]?.policy?.tools
        {
            zones.formUnion(desired.zones.map(\.name))
        }
        var whole = Set(changes.filter { $0.object.kind == .server }.map(\.object.name))
        var touched = whole
        for topology in [current, desired].compactMap(\.self) {
            let byZone = Dictionary(grouping: topology.servers, by: \.zone)
            for zone in zones { whole.formUnion((byZone[zone] ?? []).map(\.fullName)) }
            for rule in topology.rules where rules.contains(rule.id) {
                let selection = ServerSelection(rule.servers)
                let candidates = rule.zone.map { byZone[$0] ?? [] } ?? topology.servers
                touched.formUnion(candidates.filter(selection.contains).map(\.fullName))
            }
        }
        self.rules = rules
        self.whole = whole
        servers = touched.union(whole).sorted()
    }

    func isWhole(_ server: String) -> Bool { whole.contains(server) }
}

/// What changes on one server.
private struct ServerDifference {
    private let server: String
    private let before: Ruleset?
    private let after: Ruleset?
    private let search: CallSearch
    private let patterns: [CapabilityPattern]

    init(_ server: String, _ before: Ruleset?, _ after: Ruleset?, now: Instant) {
        self.server = server
        self.before = before
        self.after = after
        let both = [before, after].compactMap(\.self)
        search = CallSearch(both, now: now)
        patterns = Set(both.flatMap { $0.rules.flatMap(\.capabilities) + $0.masks.flatMap(\.capabilities) }).sorted {
            $0.description < $1.description
        }
    }

    /// - Parameter changed: ids of the rules that changed; nil where anything did.
    func changes(_ changed: Set<String>?) -> [Plan.AccessChange] {
        let losses = changes(.loses, from: before, to: after, changed)
        return changes(.gains, from: after, to: before, changed) + losses
    }

    /// What is allowed on one side and not on the other.
    private func changes(
        _ direction: Plan.AccessChange.Direction, from one: Ruleset?, to other: Ruleset?, _ changed: Set<String>?
    ) -> [Plan.AccessChange] {
        guard let one else { return [] }
        // A rule that did not change lets the same through, unless it is a deny that changed.
        let mentioned = [one, other].compactMap(\.self).flatMap(\.rules).filter {
            $0.effect == .deny && changed?.contains($0.id) ?? true
        }
        let concerned = Set(mentioned.flatMap(\.capabilities))
        var merged: [Plan.AccessChange] = []
        for rule in one.rules where rule.effect == .allow {
            let isItself = changed?.contains(rule.id) ?? true
            for pattern in rule.capabilities
            where isItself || concerned.contains(where: { $0.overlaps(pattern) }) {
                for principal in rule.to where isItself || mentioned.contains(where: { concerns($0, principal) }) {
                    guard let found = difference(rule, principal, pattern, one, other) else { continue }
                    let change = Plan.AccessChange(
                        direction: direction,
                        grant: Grant(
                            principal: principal, server: server, capabilities: [pattern], rule: rule.id),
                        conditions: rule.conditionTexts + one.admissionTexts(of: principal), otherwise: found.otherwise,
                        example: found.example)
                    merge(change, into: &merged)
                }
            }
        }
        return merged
    }

    private func merge(_ change: Plan.AccessChange, into changes: inout [Plan.AccessChange]) {
        let known = changes.firstIndex {
            $0.grant.principal == change.grant.principal && $0.grant.rule == change.grant.rule
                && $0.otherwise == change.otherwise
        }
        guard let known else { return changes.append(change) }
        changes[known].grant.capabilities += change.grant.capabilities
    }

    /// Whether a rule could speak about somebody whom the principal names: a deny of some of them, or another grant.
    private func concerns(_ rule: Rule, _ principal: Principal) -> Bool {
        (rule.to + (rule.except ?? [])).contains { $0.sharesCallers(with: principal) }
    }

    private func difference(
        _ rule: Rule, _ principal: Principal, _ pattern: CapabilityPattern, _ one: Ruleset, _ other: Ruleset?
    ) -> (otherwise: [String]?, example: String?)? {
        if other == nil, one.plainlyAllows(rule, principal, pattern) { return (nil, nil) }
        let callers = principal.representatives(fresh: search.fresh, of: [one, other].compactMap(\.self))
        let examples = capabilityExamples(of: pattern, among: patterns, tools: tools, fresh: search.fresh)
        var edge = rule
        edge.to = [principal]
        var alone = one
        alone.rules = one.rules.filter { $0.effect == .deny } + [edge]
        for capability in examples {
            for caller in callers {
                let mine = alone.admitting(caller.user == nil ? nil : caller.workload)
                let theirs = other?.admitting(caller.user == nil ? nil : caller.workload)
                let found = search.first(caller, capability) { request in
                    guard case .allow(let permit) = decide(request, under: mine), permit.rules.contains(rule.id)
                    else { return false }
                    return !(theirs.map { decide(request, under: $0).isAllowed } ?? false)
                }
                guard case .found(let request) = found else { continue }
                guard let rest = rest(principal, pattern, callers, other) else { return (nil, nil) }
                return (rest, request.exampleText)
            }
        }
        return nil
    }

    private var tools: [String] {
        Set([before, after].compactMap { $0?.pinning?.approved.keys }.flatMap(\.self)).sorted()
    }

    /// What the other side allows of the same; nil for nothing.
    private func rest(
        _ principal: Principal, _ pattern: CapabilityPattern, _ callers: [Caller], _ other: Ruleset?
    ) -> [String]? {
        guard let other else { return nil }
        for rule in other.rules
        where rule.effect == .allow && rule.to.contains(where: { $0.covers(principal) }) {
            for theirs in rule.capabilities where theirs.overlaps(pattern) {
                let examples = capabilityExamples(of: theirs, among: patterns, tools: tools, fresh: search.fresh)
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
    /// Whether everything but the rules is the same.
    fileprivate func surrounds(_ other: Ruleset?) -> Bool {
        guard let other else { return false }
        return networks == other.networks && callers == other.callers && surroundings == other.surroundings
            && pinning == other.pinning && Set(rules.map(\.id)) == Set(other.rules.map(\.id))
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

    /// As it stands at one moment, with what begins later; what is only observed counts as what its rules say.
    fileprivate func standing(at now: Instant) -> Ruleset {
        var ruleset = self
        ruleset.rules = rules.map { rule in
            var rule = rule
            rule.from = nil
            return rule
        }
        ruleset = ruleset.frozen(at: now)
        ruleset.observedUntil = nil
        return ruleset
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
