extension Ceiling {
    /// Reads `ceiling:` of `spoke.yaml`. What is wrong is added to the reader's problems.
    ///
    /// - Parameter servers: short names of the servers behind the spoke.
    package static func read(_ value: NodeReader, servers: Set<String>) -> Ceiling? {
        let draft = TopologyDraft(value.problems)
        var limits: Limits?
        let read: Void? = value.mapping("a ceiling") { file in
            draft.readRules(file, of: .host)
            limits = file.optional("limits") { draft.readLimits($0) }
        }
        guard read != nil else { return nil }
        for rule in draft.rules { draft.check(rule, servers) }
        var names: Set<String> = []
        for rule in draft.rules where !names.insert(rule.id).inserted {
            draft.problems.add("duplicate-name", "rule \(backticked(rule.id)) is here twice", at: rule.place)
        }
        return Ceiling(rules: draft.rules, limits: limits)
    }
}

extension TopologyDraft {
    /// What `TopologyCheck` demands of a rule, as far as a host can know it.
    fileprivate func check(_ rule: Rule, _ servers: Set<String>) {
        if !isLabel(String(rule.id.dropFirst(RuleOwner.host.prefix.count))) {
            problems.add(
                "bad-name", "\(backticked(rule.id)) cannot name a rule",
                hint: "lower-case letters, digits and inner hyphens, at most 63", at: rule.place)
        }
        for name in rule.servers ?? [] where !servers.contains(name) {
            problems.add(
                "undeclared-name", "server \(backticked(name)) is not behind this spoke",
                hint: suggestionHint(for: name, among: servers), at: mentions.place(of: name, by: rule.place))
        }
        if let from = rule.from, let until = rule.until, from >= until {
            problems.add("bad-period", "rule \(backticked(rule.id)) ends before it begins", at: rule.place)
        }
        if rule.when?.comparesZones == true || rule.when?.environment != nil {
            problems.add(
                "bad-value", "rule \(backticked(rule.id)) asks for zones or environments, which a host does not know",
                hint: "name callers, networks, hours or arguments", at: rule.place)
        }
    }
}
