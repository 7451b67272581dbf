/// Who gains or loses access to what between two topologies, at some moment from now on. Found by `decide` on both sides: a
/// rule that only says again what others say gives nothing, and one that a deny stands before takes nothing away.
struct AccessDifference {
    private let before: Rulesets?
    private let after: Rulesets
    private let current: Topology?
    private let desired: Topology
    private let ceilings: [String: ReportedCeiling]
    private let now: Instant
    private let budget: SearchBudget

    init(
        from current: Topology?, to desired: Topology, masks: [Mask], pins: [String: [ToolDefinition]],
        ceilings: [String: ReportedCeiling], now: Instant, budget: SearchBudget
    ) {
        before = current.map { Rulesets($0, masks: masks, pins: pins) }
        after = Rulesets(desired, masks: masks, pins: pins)
        self.current = current
        self.desired = desired
        self.ceilings = ceilings
        self.now = now
        self.budget = budget
    }

    struct Found {
        var changes: [Plan.AccessChange] = []
        /// Full names of the servers on which the budget did not suffice.
        var unfinished: [String] = []
        /// Spokes whose hosts' ceilings were counted in, and those whose are not known.
        var ceilings: Set<String> = []
        var untold: Set<String> = []
    }

    /// - Parameter changes: without objects that only moved.
    func found(after changes: [Plan.Change]) -> Found {
        let touched = TouchedServers(changes, current, desired)
        var found = Found()
        for server in touched.servers {
            for place in places(of: server) {
                let isWhole = touched.isWhole(server) && place.before.map { $0.surrounds(place.after) } != true
                var changes = self.changes(
                    ServerSides(server, place.before, place.after, budget: budget), isWhole ? nil : touched.rules)
                if let spokes = place.spokes {
                    for index in changes.indices { changes[index].conditions.append("on \(spokes)") }
                }
                found.changes += changes
            }
            if budget.isSpent { found.unfinished.append(server) }
            for spoke in spokes(of: server) where !ceilings.isEmpty {
                switch ceilings[spoke] {
                case .some(let told) where told.isWhole: if told.ceiling != nil { found.ceilings.insert(spoke) }
                case .some, nil: found.untold.insert(spoke)
                }
            }
        }
        found.changes.sort {
            ($0.grant.server, $0.grant.principal.description, $0.direction.rawValue, $0.grant.rule)
                < ($1.grant.server, $1.grant.principal.description, $1.direction.rawValue, $1.grant.rule)
        }
        return found
    }

    /// A server as some of its hosts leave it.
    private struct Place {
        var before: Ruleset?
        var after: Ruleset?
        /// Full names; nil for all of them.
        var spokes: String?
    }

    /// A server where its hosts differ: each that has a ceiling by itself, the others together. What moves from one host to
    /// another is held against what the first of those allowed that it moves from.
    private func places(of server: String) -> [Place] {
        let one = before?.ruleset(for: server, revision: 0)?.enforcing
        let other = after.ruleset(for: server, revision: 0)?.enforcing
        let spokes = spokes(of: server)
        let lowered = spokes.filter { ceilings[$0]?.ceiling != nil }
        guard !lowered.isEmpty else { return [Place(before: one, after: other)] }
        let left = before?.server(server)?.fullSpokes ?? []
        let right = after.server(server)?.fullSpokes ?? []
        func place(_ spoke: String, _ names: String) -> Place {
            let from = left.contains(spoke) ? spoke : left.first
            let to = right.contains(spoke) ? spoke : right.first
            return Place(before: under(from, one), after: under(to, other), spokes: names)
        }
        let others = spokes.filter { !lowered.contains($0) }
        return lowered.map { place($0, $0) }
            + (others.isEmpty ? [] : [place(others[0], others.joined(separator: ", "))])
    }

    private func under(_ spoke: String?, _ ruleset: Ruleset?) -> Ruleset? {
        guard let ruleset, let ceiling = spoke.flatMap({ ceilings[$0]?.ceiling }) else { return ruleset }
        return ceiling.over(ruleset).enforcing
    }

    /// Full names of those that the server is or will be placed on.
    private func spokes(of server: String) -> [String] {
        Set((before?.server(server)?.fullSpokes ?? []) + (after.server(server)?.fullSpokes ?? [])).sorted()
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
            && pinning == other.pinning && ceiling == other.ceiling
            && Set(rules.map(\.id)) == Set(other.rules.map(\.id))
    }

    /// What is only observed counts as what its rules say.
    fileprivate var enforcing: Ruleset {
        var ruleset = self
        ruleset.observedUntil = nil
        return ruleset
    }
}
