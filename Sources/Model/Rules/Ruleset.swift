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
    package var rules: [Rule]
    package var masks: [Mask]
    /// The rules of the host's ceiling for this server.
    package var ceiling: [Rule]
    package var surroundings: Surroundings
    /// Until then denials by rules are recorded and passed (`Enforcement`); nil for a server that enforces.
    package var observedUntil: Instant?
    package var pinning: Pinning?
    /// Ledger index of the last change compiled in.
    package var revision: Int64

    package init(
        organization: String, server: String, networks: [Network], callers: [String]? = nil, rules: [Rule],
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

    /// The server's zone.
    package var zone: String { String(server.prefix { $0 != "/" }) }
}
