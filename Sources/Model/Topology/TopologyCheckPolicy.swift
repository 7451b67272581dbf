extension TopologyCheck {
    /// How old a lease may be at most. Leaves live 7 days and are renewed after 2: a spoke that was cut off just before a
    /// renewal has 5 days left in which it can speak at all.
    package static let longestStaleness = Milliseconds.days(5)

    mutating func checkPolicies() {
        let organization = topology.organization
        check(organization.policy, of: "the organization", above: [], at: organization.place)
        for zone in topology.zones {
            check(
                zone.policy, of: "zone \(backticked(zone.name))", above: [("the organization", organization.policy)],
                at: zone.place)
        }
        let zonePolicies = Dictionary(
            topology.zones.map { ($0.name, $0.policy) }, uniquingKeysWith: { first, _ in first })
        for server in topology.servers {
            check(
                server.policy, of: "server \(backticked(server.fullName))",
                above: [
                    ("the organization", organization.policy),
                    ("zone \(backticked(server.zone))", zonePolicies[server.zone] ?? nil),
                ], at: server.place)
        }
    }

    private mutating func check(
        _ policy: Policy?, of name: String, above: [(name: String, policy: Policy?)], at owner: Place?
    ) {
        guard let policy else { return }
        check(policy.limits, of: name, at: owner)
        checkArguments(of: policy, at: owner)
        var seen: Set<String> = []
        for (name, value) in (policy.headers?.response ?? [:]).sorted(by: { $0.key < $1.key }) {
            let place = mentions.place(of: "header:\(name)", by: owner)
            if !isPolicyHeader(name) || !isPolicyHeaderValue(value) {
                fail("bad-value", "header \(backticked(name)) cannot be set to that value", at: place)
            }
            if !seen.insert(name.lowercased()).inserted {
                fail("duplicate-name", "header \(backticked(name)) is set twice", at: place)
            }
            let setter = above.first { layer in
                layer.policy?.headers?.response?.keys.contains { $0.lowercased() == name.lowercased() } == true
            }
            if let setter {
                fail(
                    "header-set-above", "header \(backticked(name)) is set by \(setter.name) and cannot be set again",
                    hint: "leave it out here, or there", at: place)
            }
        }
        for name in policy.headers?.request?.remove ?? [] where !isPolicyHeader(name) {
            fail("bad-value", "header \(backticked(name)) cannot be removed", at: owner)
        }
        if let stale = policy.stale { check(stale, at: mentions.place(of: "stale", by: owner)) }
    }

    private mutating func check(_ stale: Staleness, at place: Place?) {
        switch (stale.then, stale.until) {
        case (.readOnly, nil):
            fail("bad-staleness", "`readOnly` needs an end", hint: "add `until:`, at least `after`", at: place)
        case (.readOnly, let until?) where until < stale.after:
            fail("bad-staleness", "`until` (\(until)) is before `after` (\(stale.after))", at: place)
        case (.deny, _?):
            fail("bad-staleness", "`until` has no meaning where `then` is `deny`", hint: "leave it out", at: place)
        default: break
        }
        let longest = max(stale.after, stale.until ?? stale.after)
        if longest > Self.longestStaleness {
            fail(
                "bad-staleness",
                "\(longest) without the hub is longer than a certificate can last without renewal (\(Self.longestStaleness))",
                hint: "at most \(Self.longestStaleness)", at: place)
        }
    }
}
