/// Everything that decides about one server: what a bundle holds for it, or what the registry would compile, and what the
/// host's owner takes away.
package struct Ruleset: Sendable {
    package var organization: String
    /// Full name, `finance/ledger`.
    package var server: String
    /// Where callers may come from at all; empty for nowhere.
    package var networks: [Network]
    /// Trust domains whose workloads may call at all; nil for every one.
    package var callers: [String]?
    /// In order: the organization's, then the zone's.
    package var rules: [Rule] { didSet { index = nil } }
    package var masks: [Mask] { didSet { index = nil } }
    /// The rules of the host's ceiling for this server.
    package var ceiling: [Rule] { didSet { index = nil } }
    package var surroundings: Surroundings
    /// Until then denials by rules are recorded and passed (`Enforcement`); nil for a server that enforces.
    package var observedUntil: Instant?
    package var pinning: Pinning?
    /// Ledger index of the last change compiled in.
    package var revision: Int64
    /// Where the rules that can speak about a call are found; nil where it was not asked for, or is not true any more.
    private var index: Index?

    /// How the parts of a ruleset are found.
    private struct Index: Sendable {
        var rules: RuleIndex
        var ceiling: RuleIndex
        var masks: Masks
    }

    package init(
        organization: String, server: String, networks: [Network], callers: [String]? = nil,
        rules: [Rule],
        masks: [Mask], ceiling: [Rule] = [], surroundings: Surroundings = Surroundings(),
        observedUntil: Instant? = nil, pinning: Pinning? = nil, revision: Int64
    ) {
        self.organization = organization
        self.server = server
        self.networks = networks
        self.callers = callers
        self.rules = rules.filter { $0.servers?.contains(server) ?? true }
        self.masks = masks.filter { $0.server == server }
        self.ceiling = ceiling
        self.surroundings = surroundings
        self.observedUntil = observedUntil
        self.pinning = pinning
        self.revision = revision
    }

    /// The same, with an index over its rules, for who decides many calls: every decision is the same, its reason too, and
    /// rules that cannot apply do not slow it down. A change of the rules drops the index.
    package func indexed() -> Ruleset {
        var copy = self
        copy.index = Index(
            rules: RuleIndex(rules, organization: organization),
            ceiling: RuleIndex(ceiling, organization: organization),
            masks: Masks(masks, indexed: true))
        return copy
    }

    /// The organization's and the zone's rules, and what masks them.
    var ownRules: RuleList {
        RuleList(rules: rules, index: index?.rules, masks: index?.masks ?? Masks(masks))
    }

    /// Revocations mask what the organization granted, and the ceiling grants nothing.
    var ceilingRules: RuleList { RuleList(rules: ceiling, index: index?.ceiling, masks: .none) }

    /// The server's zone.
    package var zone: String { String(server.prefix { $0 != "/" }) }
}

/// Rules in order, and where to find those that can speak about a call.
struct RuleList {
    let rules: [Rule]
    let index: RuleIndex?
    let masks: Masks

    /// What becomes of one rule, looked at where it lies.
    func outcome(
        _ position: Int, _ part: Caller, _ masks: Masks, _ request: Request, _ ruleset: Ruleset
    ) -> RuleOutcome {
        rules.withUnsafeBufferPointer { $0[position].outcome(for: part, masks, request, ruleset) }
    }

    /// Calls back with the positions of all rules of that effect that could speak about the aim of some part of the caller, and
    /// perhaps of others, ascending, until the body returns false.
    func visit(_ effect: Rule.Effect, _ parts: CallerParts, _ aim: Aim, _ body: (Int) -> Bool) {
        if let index, index.visit(effect, parts, aim, body) { return }
        for position in rules.indices where rules[position].effect == effect {
            guard body(position) else { return }
        }
    }

    /// As `visit`, of allows that have an end, whomever they are for.
    func visitEnding(_ aim: Aim, _ body: (Int) -> Bool) {
        if let index, index.visitEnding(aim, body) { return }
        for position in rules.indices
        where rules[position].effect == .allow && rules[position].until != nil {
            guard body(position) else { return }
        }
    }
}
