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
    /// The organization's and the zone's rules, and what masks them.
    private(set) var own: RuleList
    /// The rules of the host's ceiling for this server. Revocations mask what the organization granted, and the ceiling grants
    /// nothing.
    private(set) var host: RuleList
    package var surroundings: Surroundings
    /// Until then denials by rules are recorded and passed (`Enforcement`); nil for a server that enforces.
    package var observedUntil: Instant?
    package var pinning: Pinning?
    /// Ledger index of the last change compiled in.
    package var revision: Int64
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
        own = RuleList(
            rules: rules.filter { $0.servers?.contains(server) ?? true }, masks: masks.filter { $0.server == server })
        host = RuleList(rules: ceiling)
        self.surroundings = surroundings
        self.observedUntil = observedUntil
        self.pinning = pinning
        self.revision = revision
    }

    /// In order: the organization's, then the zone's.
    package var rules: [Rule] {
        get { own.rules }
        set { own = RuleList(rules: newValue, masks: masks) }
    }

    package var masks: [Mask] {
        get { own.masks.all }
        set { own = RuleList(rules: rules, masks: newValue) }
    }

    /// The rules of the host's ceiling for this server.
    package var ceiling: [Rule] {
        get { host.rules }
        set { host = RuleList(rules: newValue) }
    }

    /// The same, with an index over its rules, for who decides many calls: every decision is the same, its reason too, and
    /// rules that cannot apply do not slow it down. A change of the rules drops the index.
    package func indexed() -> Ruleset {
        var copy = self
        copy.own = RuleList(rules: rules, masks: masks, organization: organization)
        copy.host = RuleList(rules: ceiling, organization: organization)
        return copy
    }

    /// The server's zone.
    package var zone: String { String(server.prefix { $0 != "/" }) }
}

/// Rules in order, what masks them, and where to find those that can speak about a call. A class, so that handing it on
/// copies nothing.
final class RuleList: Sendable {
    let rules: [Rule]
    /// The same, each to be looked at without a copy.
    let held: [HeldRule]
    let masks: Masks
    /// Whether some rule bounds what it allows.
    let hasLimits: Bool
    /// Positions of the rules of each effect.
    private let allows: [Int32]
    private let denies: [Int32]
    private let index: RuleIndex?

    /// - Parameter organization: of an index; nil for none.
    init(rules: [Rule], masks: [Mask] = [], organization: String? = nil) {
        self.rules = rules
        held = rules.map(HeldRule.init)
        self.masks = Masks(masks, indexed: organization != nil)
        hasLimits = rules.contains { $0.limits != nil }
        allows = rules.indices.filter { rules[$0].effect == .allow }.map(Int32.init)
        denies = rules.indices.filter { rules[$0].effect == .deny }.map(Int32.init)
        index = organization.map { RuleIndex(rules, organization: $0) }
    }

    var hasAllows: Bool { !allows.isEmpty }

    /// All rules of that effect that could speak about the aim of one of these parts of a caller, and perhaps others.
    func candidates(_ effect: Rule.Effect, _ parts: CallerParts, _ request: Request) -> RuleCandidates {
        guard let index else { return RuleCandidates(all: effect == .allow ? allows : denies) }
        return index.candidates(effect, parts, request)
    }
}

/// A rule where it lies: looking at one through this copies nothing of it.
final class HeldRule: Sendable {
    let rule: Rule

    init(_ rule: Rule) { self.rule = rule }
}
