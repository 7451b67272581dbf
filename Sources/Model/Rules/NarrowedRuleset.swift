extension Ruleset {
    /// The same rules for one caller's many questions, as a list of a thousand tools asks them: without those that cannot name
    /// the caller. Every decision about that caller is the same, its reason too; an allow that ended is kept, since a refusal
    /// may name it as the nearest whomever it was for.
    package func narrowed(to caller: Caller) -> Ruleset {
        let parts = caller.parts
        var narrowed = self
        narrowed.rules = rules.filter { rule in
            rule.effect == .allow && rule.until != nil
                || parts.contains { part in
                    rule.to.contains { $0.names(part, organization: organization) != .no }
                }
        }
        return narrowed
    }
}
