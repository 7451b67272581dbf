/// Looks for a call that is decided in some way, by trying one of each kind of calls that the rules can tell apart. What
/// decides is `decide` alone; this only makes up the calls.
struct CallSearch {
    enum Outcome {
        case found(Request)
        case none
        /// More kinds than are tried, or more than the question's budget has left.
        case tooMany
    }

    /// How many calls are tried at most in one search.
    static let maximumCalls = 20_000

    /// Those whose rules tell calls apart, frozen at `now`.
    private let rulesets: [Ruleset]
    private let now: Instant
    let fresh: String
    /// Names of arguments that are varied before others.
    private let varying: Set<String>
    private let budget: SearchBudget
    /// How many rules one call is decided by.
    private let looks: Int

    /// - Parameter fresh: a text that stands in no rule, `freshText(in:)`.
    init(
        _ rulesets: [Ruleset], now: Instant, fresh: String, varying: Set<String> = [], budget: SearchBudget
    ) {
        self.rulesets = rulesets
        self.now = now
        self.fresh = fresh
        self.varying = varying
        self.budget = budget
        looks = rulesets.reduce(1) { $0 + $1.rules.count + $1.ceiling.count }
    }

    /// - Parameter holds: whether this is such a call.
    func first(_ caller: Caller, _ capability: Capability, where holds: (Request) -> Bool) -> Outcome {
        guard !budget.isSpent else { return .tooMany }
        budget.spend(looks)
        let rules = rulesets.flatMap { ruleset in
            (ruleset.rules + ruleset.ceiling).filter { rule in
                rule.capabilities.contains { $0.matches(capability) }
                    && caller.parts.contains { part in
                        rule.to.contains { $0.names(part, of: caller, organization: ruleset.organization) != .no }
                    }
            }
        }
        let conditions = rules.compactMap(\.when)
        let (times, addresses) = (times(conditions), addresses(conditions))
        let definitions = definitions(capability, conditions)
        let arguments = arguments(rules)
        var tried = 0
        var choice = [Int](repeating: 0, count: arguments.count)
        repeat {
            let given = JSON.arguments(arguments.enumerated().map { ($1.name, $1.values[choice[$0]]) })
            for now in times {
                for address in addresses {
                    for (readOnly, digests) in definitions {
                        let request = Request(
                            caller: caller, aim: .use(capability),
                            facts: Facts(
                                now: now, address: address, readOnly: readOnly, definitions: digests,
                                arguments: capability.kind == .resource ? .none : .given(given)))
                        if holds(request) { return .found(request) }
                        tried += 1
                        budget.spend(looks)
                        if tried >= Self.maximumCalls || budget.isSpent { return .tooMany }
                    }
                }
            }
        } while advance(&choice, arguments.map(\.values.count))
        return .none
    }

    /// The next combination; false after the last.
    private func advance(_ choice: inout [Int], _ counts: [Int]) -> Bool {
        for index in choice.indices {
            choice[index] += 1
            if choice[index] < counts[index] { return true }
            choice[index] = 0
        }
        return false
    }

    private func times(_ conditions: [Conditions]) -> [Instant] {
        let hours = Set(conditions.compactMap(\.hours)).sorted { $0.description < $1.description }
        var seen: Set<[Truth]> = []
        return ([now] + hours.flatMap { $0.edges(after: now) }).filter { moment in
            seen.insert(hours.map { $0.contain(moment) }).inserted
        }
    }

    /// Networks nest or lie apart, so that each kind of address begins where one begins or ends.
    private func addresses(_ conditions: [Conditions]) -> [IPAddress] {
        let own = rulesets.flatMap(\.networks)
        let all = own + conditions.flatMap { $0.networks ?? [] }
        var seen: Set<[Bool]> = []
        return all.flatMap { [$0.address, $0.following].compactMap(\.self) }.filter { address in
            own.contains { $0.contains(address) } && seen.insert(all.map { $0.contains(address) }).inserted
        }
    }

    private func definitions(_ capability: Capability, _ conditions: [Conditions]) -> [(Bool?, [String])] {
        guard capability.kind == .tool else { return [(nil, [])] }
        let approved = rulesets.flatMap { $0.pinning?.approved[capability.name] ?? [] }.map(\.digest)
        let asked = conditions.contains { $0.readOnly != nil }
        return (approved.map { [$0] } + [[]]).flatMap { digests in
            (asked ? [true, false, nil] : [nil]).map { ($0, digests) }
        }
    }

    /// Of each argument that some rule tests: what an allow wants first.
    private func arguments(_ rules: [Rule]) -> [(name: String, values: [JSON?])] {
        var tests: [String: [(effect: Rule.Effect, test: ArgumentTest)]] = [:]
        for rule in rules {
            for (name, test) in rule.when?.arguments ?? [:] { tests[name, default: []].append((rule.effect, test)) }
        }
        let ordered = tests.sorted {
            (varying.contains($0.key) ? 0 : 1, $0.key) < (varying.contains($1.key) ? 0 : 1, $1.key)
        }
        return ordered.map { name, tests in
            let wanted = tests.filter { $0.effect == .allow }.map(\.test)
            let distinct = Set(tests.map(\.test)).sorted { $0.description < $1.description }
            func liking(_ value: JSON?) -> Int {
                wanted.count { $0.holds(for: value.map { .given($0) } ?? .absent) == .yes }
            }
            let values = argumentExamples(of: distinct, fresh: fresh).enumerated()
            return (
                name,
                values.sorted { (-liking($0.element), $0.offset) < (-liking($1.element), $1.offset) }.map(\.element)
            )
        }
    }
}

/// A text that stands in nothing that the rules, revocations and ceilings name.
func freshText(in rulesets: [Ruleset]) -> String {
    var texts: [String] = []
    for ruleset in rulesets {
        for rule in ruleset.rules + ruleset.ceiling {
            texts += rule.capabilities.map(\.description)
            texts += rule.to.map(\.description) + (rule.except ?? []).map(\.description)
            texts += (rule.when?.arguments ?? [:]).values.map(\.description)
        }
        for mask in ruleset.masks { texts += mask.capabilities.map(\.description) + [mask.principal.description] }
    }
    return freshText(texts)
}

extension Ruleset {
    /// As it stands at one moment: what begins later or has ended is gone, what is in force stays for ever. Only hours still
    /// ask for the time.
    func frozen(at now: Instant) -> Ruleset {
        func standing(_ rules: [Rule]) -> [Rule] {
            rules.filter { ($0.from.map { $0 <= now } ?? true) && ($0.until.map { now < $0 } ?? true) }.map { rule in
                var rule = rule
                rule.from = nil
                rule.until = nil
                return rule
            }
        }
        var frozen = self
        frozen.rules = standing(rules)
        frozen.ceiling = standing(ceiling)
        frozen.masks = masks.filter { $0.at <= now }.map { mask in
            var mask = mask
            mask.at = Instant(milliseconds: .min)
            return mask
        }
        frozen.observedUntil = observedUntil.flatMap { now < $0 ? Instant(milliseconds: .max) : nil }
        return frozen
    }
}
