/// What a host's owner lets anybody do at most with the servers behind their spoke, whatever the hub says: rules and limits
/// of `spoke.yaml`. It can only take away: its denies deny, and once it has an allow, nothing else is allowed.
package struct Ceiling: Hashable, Sendable, Codable {
    /// Ids begin with `ceiling:`; servers are short names, nil for every server of the host.
    package var rules: [Rule]
    /// Of each caller at each server.
    package var limits: Limits?

    package init(rules: [Rule] = [], limits: Limits? = nil) {
        self.rules = rules
        self.limits = limits
    }

    /// A server's ruleset under this ceiling.
    package func over(_ ruleset: Ruleset) -> Ruleset {
        let name = String(ruleset.server.drop { $0 != "/" }.dropFirst())
        var ruleset = ruleset
        ruleset.ceiling = rules.map { rule in
            var rule = rule
            // An allow of another server still says that nothing else is allowed: it stays, and speaks of no server here.
            rule.servers = rule.servers.map { $0.contains(name) ? [ruleset.server] : [] }
            return rule
        }
        return ruleset
    }

    /// A server's policy under this ceiling.
    package func over(_ policy: EffectivePolicy) -> EffectivePolicy {
        limits.map { policy.tightened(by: $0) } ?? policy
    }
}
