extension TopologyCheck {
    /// Servers that are only observed: shown in every plan, never for longer than a quarter, never where it matters most.
    mutating func checkEnforcement() {
        for server in topology.servers {
            guard let enforcement = server.enforcement else { continue }
            let place = mentions.place(of: "enforcement", by: server.place)
            if server.classification == .restricted {
                fail(
                    "bad-enforcement", "server \(backticked(server.fullName)) is restricted and always enforces",
                    hint: "leave `enforcement` out", at: place)
            }
            if enforcement.until > now + Enforcement.longest {
                fail(
                    "bad-enforcement",
                    "server \(backticked(server.fullName)) is to be observed until \(enforcement.until)",
                    hint: "at most \(Enforcement.longest) from now", at: place)
            }
            if (enforcement.reason ?? "").isEmpty {
                fail("bad-enforcement", "observing \(backticked(server.fullName)) needs a reason", at: place)
            }
            if enforcement.until <= now {
                find(
                    "observation-ended",
                    "server \(backticked(server.fullName)) enforces since \(enforcement.until)", at: place)
            } else {
                find(
                    "observed-server",
                    "server \(backticked(server.fullName)) is only observed until \(enforcement.until): "
                        + "what its rules deny is recorded and passed",
                    at: place)
            }
        }
    }

    /// `callers:` of zones name zones that there are and other organizations' domains.
    mutating func checkCallers() {
        for zone in topology.zones {
            for caller in zone.callers ?? [] {
                switch caller {
                case .zone, .domain: declared(caller, by: zone.place)
                case .client, .user, .group, .spiffe, .anyone:
                    fail(
                        "bad-value", "\(backticked(caller.description)) is no zone",
                        hint: "`callers` names zones, and `domain:DOMAIN` of other organizations",
                        at: mentions.place(of: caller.description, by: zone.place))
                }
            }
        }
    }

    /// A rule for callers whom no zone of its servers lets in.
    mutating func checkCallers(of rule: Rule, _ targets: [Server]) {
        let zones = Set(targets.map(\.zone)).sorted()
        guard rule.effect == .allow, !zones.isEmpty else { return }
        for principal in rule.to where zones.allSatisfy({ callersOfZone[$0]?.admits(principal) == .no }) {
            find(
                "matches-nothing",
                "rule \(backticked(rule.id)) allows \(backticked(principal.description)), "
                    + "of whom \(zones.joined(separator: ", ")) takes no calls",
                at: mentions.place(of: principal.description, by: rule.place))
        }
    }

    /// What a rule bounds, and what its conditions can know.
    mutating func checkLimits(of rule: Rule) {
        check(rule.limits, of: "rule \(backticked(rule.id))", at: rule.place)
        if rule.limits != nil, rule.effect == .deny {
            fail("bad-value", "rule \(backticked(rule.id)) denies and has limits", at: rule.place)
        }
        guard let when = rule.when else { return }
        if when.environment != nil, topology.organization.environment == nil {
            find(
                "matches-nothing",
                "rule \(backticked(rule.id)) asks for an environment, and the organization names none",
                at: rule.place)
        }
        if when.sameRegion != nil {
            for zone in topology.zones where zone.region == nil && zone.name == rule.zone {
                find(
                    "matches-nothing",
                    "rule \(backticked(rule.id)) compares regions, and zone \(backticked(zone.name)) names none",
                    at: rule.place)
            }
        }
    }
}
