/// Who gains or loses access to what between two topologies, at some moment from now on. Found by `decide` on both sides: a
/// rule that only says again what others say gives nothing, and one that a deny stands before takes nothing away.
struct AccessDifference {
    private let before: Rulesets?
    private let after: Rulesets
    private let current: Topology?
    private let desired: Topology
    private let now: Instant
    private let budget: SearchBudget

    init(
        from current: Topology?, to desired: Topology, masks: [Mask], pins: [String: [ToolDefinition]], now: Instant,
        budget: SearchBudget
    ) {
        before = current.map { Rulesets($0, masks: masks, pins: pins) }
        after = Rulesets(desired, masks: masks, pins: pins)
        self.current = current
        self.desired = desired
        self.now = now
        self.budget = budget
    }

    /// - Parameter changes: without objects that only moved.
    /// - Returns: `unfinished`: full names of the servers on which the budget did not suffice.
    func changes(after changes: [Plan.Change]) -> (changes: [Plan.AccessChange], unfinished: [String]) {
        let touched = TouchedServers(changes, current, desired)
        var found: [Plan.AccessChange] = []
        var unfinished: [String] = []
        for server in touched.servers {
            let one = before?.ruleset(for: server, revision: 0)?.enforcing
            let other = after.ruleset(for: server, revision: 0)?.enforcing
            let isWhole = touched.isWhole(server) && one.map { $0.surrounds(other) } != true
            found += self.changes(
                ServerSides(server, one, other, budget: budget), isWhole ? nil : touched.rules)
            if budget.isSpent { unfinished.append(server) }
        }
        found.sort {
            ($0.grant.server, $0.grant.principal.description, $0.direction.rawValue, $0.grant.rule)
                < ($1.grant.server, $1.grant.principal.description, $1.direction.rawValue, $1.grant.rule)
        }
        return (found, unfinished)
    }

    /// Now, and whenever a rule that matters begins or ends; of what differs at several moments, the first.
    private func changes(_ sides: ServerSides, _ changed: Set<String>?) -> [Plan.AccessChange] {
        let rules = sides.rules
        let changing = changed.map { changed in rules.filter { changed.contains($0.id) } }
        var turning: [Instant: [Rule]] = [:]
        for rule in rules {
            let moments = Set([rule.from, rule.until].compactMap(\.self)).filter { $0 > now }
            guard !moments.isEmpty,
                changing?.contains(where: { $0.id == rule.id || $0.sharesCalls(with: rule) }) ?? true
            else { continue }
            for moment in moments { turning[moment, default: []].append(rule) }
        }
        var known: Set<Known> = []
        var found: [Plan.AccessChange] = []
        for moment in [now] + turning.keys.sorted() {
            for var change in ServerDifference(sides, at: moment).changes(changed, turning: turning[moment]) {
                let capabilities = change.grant.capabilities
                change.grant.capabilities = capabilities.filter { known.insert(Known(change, $0)).inserted }
                guard !change.grant.capabilities.isEmpty else { continue }
                let begins = "from \(moment)"
                if moment > now, !change.conditions.contains(begins) { change.conditions.append("as of \(moment)") }
                found.append(change)
            }
        }
        return found
    }

    /// What is shown once.
    private struct Known: Hashable {
        var direction: Plan.AccessChange.Direction
        var principal: Principal
        var rule: String
        var capability: CapabilityPattern

        init(_ change: Plan.AccessChange, _ capability: CapabilityPattern) {
            direction = change.direction
            principal = change.grant.principal
            rule = change.grant.rule
            self.capability = capability
        }
    }
}

extension Rule {
    /// Whether both could speak about one call, as far as names tell.
    func sharesCalls(with other: Rule) -> Bool {
        capabilities.contains { one in other.capabilities.contains { $0.overlaps(one) } }
            && to.contains { one in other.to.contains { $0.sharesCallers(with: one) } }
    }
}

extension Ruleset {
    /// Whether everything but the rules is the same.
    fileprivate func surrounds(_ other: Ruleset?) -> Bool {
        guard let other else { return false }
        return networks == other.networks && callers == other.callers && surroundings == other.surroundings
            && pinning == other.pinning && Set(rules.map(\.id)) == Set(other.rules.map(\.id))
    }

    /// What is only observed counts as what its rules say.
    fileprivate var enforcing: Ruleset {
        var ruleset = self
        ruleset.observedUntil = nil
        return ruleset
    }
}
