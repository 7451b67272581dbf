/// What is legal and probably not meant, of all rules together: grants that a review revoked, rules that have ended, that say
/// what another says, that a deny always stands before, or that nothing can match. Codes: `revoked-grant`, `expired-rule`,
/// `redundant-rule`, `shadowed-rule`, `matches-nothing`.
/// - Parameters:
///   - changes: what the plan changes; of a rule that it leaves as it is, nobody is told again whom it reaches.
///   - budget: when it is spent, rules are not compared any more, and `not-compared` says so.
func ruleFindings(
    _ topology: Topology, changes: [Plan.Change], masks: [Mask], now: Instant, budget: SearchBudget
) -> [Plan.Finding] {
    RuleFindings(topology, changes, masks, now, budget).all
}

extension Plan.Finding {
    /// Codes of what keeps a plan from ending well, until it is seen to.
    package static let blocking: Set<String> = [
        "revoked-grant", "expired-rule", "redundant-rule", "shadowed-rule", "matches-nothing", "not-compared",
        "spoke-too-old",
    ]
}

private struct RuleFindings {
    private let topology: Topology
    private let masks: [Mask]
    /// Rules that are new, or for others or for something else than before.
    private let widened: Set<String>
    private let now: Instant
    private let budget: SearchBudget
    private let rulesets: Rulesets
    /// Those in force, and the same by effect, zone, principal and the beginning of a capability.
    private let standing: [Rule]
    private let byPrincipal: [Key: [Rule]]
    private let serversOfZone: [String: [Server]]
    /// By zone, where none holds the organization's, and conditions. Not those that test arguments: who lists, and who goes on
    /// with a task, has none.
    private let denies: [DenyKey: [(rule: Rule, selection: ServerSelection)]]

    private struct Key: Hashable {
        var effect: Rule.Effect
        var zone: String?
        var principal: Principal
        /// A pattern covers only what begins with all that it begins with itself.
        var beginning: Substring
    }

    private struct DenyKey: Hashable {
        var zone: String?
        var when: Conditions?
    }

    init(
        _ topology: Topology, _ changes: [Plan.Change], _ masks: [Mask], _ now: Instant, _ budget: SearchBudget
    ) {
        self.topology = topology
        self.masks = masks.filter { $0.cause == .revoked }
        widened = Set(
            changes.filter { change in
                change.action == .add
                    || !Set(change.fields).isDisjoint(with: ["capabilities", "effect", "servers", "to"])
            }.filter { $0.object.kind == .rule }.map(\.object.name))
        self.now = now
        self.budget = budget
        rulesets = Rulesets(topology, masks: [])
        standing = topology.rules.filter { rule in rule.until.map { now < $0 } ?? true }
        var index: [Key: [Rule]] = [:]
        for rule in standing {
            let zone = rule.zone
            let beginnings = Set(rule.capabilities.map { $0.beginning })
            for principal in Set(rule.to) {
                for beginning in beginnings {
                    let key = Key(effect: rule.effect, zone: zone, principal: principal, beginning: beginning)
                    index[key, default: []].append(rule)
                }
            }
        }
        byPrincipal = index
        serversOfZone = Dictionary(grouping: topology.servers, by: \.zone)
        denies = Dictionary(
            grouping: standing.filter { $0.effect == .deny && ($0.when?.arguments ?? [:]).isEmpty }
        ) { DenyKey(zone: $0.zone, when: $0.when) }.mapValues {
            $0.map { (rule: $0, selection: ServerSelection($0.servers)) }
        }
    }

    var all: [Plan.Finding] {
        let found =
            revoked + ended
            + standing.flatMap { rule in
                [impossible(rule), redundant(rule) ?? shadowed(rule)].compactMap(\.self)
            }
        guard budget.isSpent else { return found }
        return found + [
            Plan.Finding(
                code: "not-compared", message: "rules were not all compared with each other: too many are alike")
        ]
    }

    private func servers(of rule: Rule) -> [Server] {
        let candidates = rule.zone.map { serversOfZone[$0] ?? [] } ?? topology.servers
        return candidates.filter(ServerSelection(rule.servers).contains)
    }

    /// Rules that name whom a review took the same from, which gives nothing back; and rules of this plan that reach them
    /// through somebody wider, which does.
    private var revoked: [Plan.Finding] {
        masks.flatMap { mask -> [Plan.Finding] in
            guard let server = rulesets.server(mask.server) else { return [] }
            return rulesets.rules(of: server).filter { $0.effect == .allow }.compactMap { rule in
                let isNamed = rule.to.contains(mask.principal)
                let wider = isNamed || !widened.contains(rule.id) ? nil : rule.to.first { $0.covers(mask.principal) }
                guard isNamed || wider != nil,
                    rule.capabilities.contains(where: { mask.capabilities.contains(where: $0.overlaps) })
                else { return nil }
                let grants = "rule `\(rule.id)` grants `\(mask.server)` to `\(mask.principal)`"
                return Plan.Finding(
                    code: "revoked-grant",
                    message: wider.map { "\(grants) again, through `\($0)`, which \(mask.id) revoked" }
                        ?? "\(grants), which \(mask.id) revoked: it stays revoked",
                    place: rule.place)
            }
        }
    }

    private var ended: [Plan.Finding] {
        topology.rules.compactMap { rule in
            guard let until = rule.until, until <= now else { return nil }
            return Plan.Finding(code: "expired-rule", message: "rule `\(rule.id)` ended on \(until)", place: rule.place)
        }
    }

    /// Bounds that no number meets.
    private func impossible(_ rule: Rule) -> Plan.Finding? {
        guard rule.effect == .allow, let arguments = rule.when?.arguments else { return nil }
        let name = arguments.keys.sorted().first { name in
            guard case .bounds? = arguments[name], let test = arguments[name] else { return false }
            return !argumentExamples(of: [test], fresh: "x").contains { value in
                test.holds(for: value.map { .given($0) } ?? .absent) == .yes
            }
        }
        return name.map { name in
            Plan.Finding(
                code: "matches-nothing", message: "rule `\(rule.id)` wants an argument `\(name)` that no number is",
                place: rule.place)
        }
    }

    // MARK: rules that say what another says

    private func redundant(_ rule: Rule) -> Plan.Finding? {
        // Its limits take away, whatever else allows the same.
        guard rule.limits == nil, let first = rule.to.first, let capability = rule.capabilities.first else {
            return nil
        }
        let beginnings = capability.beginning.indices.map { capability.beginning[..<$0] } + [capability.beginning]
        var broader: [Principal] = [first, .anyone]
        if case .client(let zone, _) = first { broader.append(.zone(zone)) }
        let zones = rule.zone.map { [$0, nil] } ?? [nil]
        for zone in zones {
            for principal in Set(broader) {
                let known = beginnings.lazy.flatMap { beginning in
                    byPrincipal[Key(effect: rule.effect, zone: zone, principal: principal, beginning: beginning)] ?? []
                }
                // Of two that say the same, the one whose name comes later.
                guard let other = known.first(where: { says($0, rule) && (!says(rule, $0) || $0.id < rule.id) }) else {
                    continue
                }
                return Plan.Finding(
                    code: "redundant-rule",
                    message: "rule `\(rule.id)` \(rule.effect.rawValue == "allow" ? "allows" : "denies") nothing that "
                        + "`\(other.id)` does not",
                    place: rule.place)
            }
        }
        return nil
    }

    /// Whether `broad` holds wherever `narrow` does.
    private func says(_ broad: Rule, _ narrow: Rule) -> Bool {
        guard broad.id != narrow.id, broad.effect == narrow.effect, !budget.isSpent else { return false }
        budget.spend(looksOfComparison)
        guard
            narrow.to.allSatisfy({ one in broad.to.contains { $0.covers(one) } }),
            narrow.capabilities.allSatisfy({ one in broad.capabilities.contains { $0.covers(one) } }),
            (broad.except ?? []).allSatisfy({ (narrow.except ?? []).contains($0) }),
            (broad.when ?? Conditions()).isImplied(by: narrow.when ?? Conditions()),
            begins(broad) <= begins(narrow), ends(broad) >= ends(narrow)
        else { return false }
        if broad.servers == nil, broad.zone == nil || broad.zone == narrow.zone { return true }
        if broad.servers == narrow.servers, broad.zone == narrow.zone { return true }
        let selection = ServerSelection(broad.servers)
        return servers(of: narrow).allSatisfy { server in
            (broad.zone ?? server.zone) == server.zone && selection.contains(server)
        }
    }

    private func begins(_ rule: Rule) -> Int64 { rule.from?.milliseconds ?? .min }
    private func ends(_ rule: Rule) -> Int64 { rule.until?.milliseconds ?? .max }

    // MARK: rules that a deny always stands before

    /// An allow of which denies leave nothing, on any server, to anybody whom it names: without conditions, or under its own,
    /// which deny also where they cannot be judged.
    private func shadowed(_ rule: Rule) -> Plan.Finding? {
        guard rule.effect == .allow else { return nil }
        var shadow: Rule?
        let zones = rule.zone == nil ? [nil] : [nil, rule.zone]
        let conditions = rule.when == nil ? [nil] : [nil, rule.when]
        let keys = conditions.flatMap { when in zones.map { DenyKey(zone: $0, when: when) } }
        let candidates = keys.flatMap { denies[$0] ?? [] }.filter { deny in
            begins(deny.rule) <= max(begins(rule), now.milliseconds) && ends(deny.rule) >= ends(rule)
        }
        guard !candidates.isEmpty else { return nil }
        for server in servers(of: rule) {
            let denies = candidates.filter { $0.selection.contains(server) }.map(\.rule)
            guard !denies.isEmpty else { return nil }
            for principal in rule.to {
                for capability in rule.capabilities {
                    let found = denies.first { deny in
                        deny.to.contains { $0.covers(principal) }
                            && deny.capabilities.contains { $0.covers(capability) }
                            && (deny.except ?? []).allSatisfy { !$0.sharesCallers(with: principal) }
                    }
                    guard let found else { return nil }
                    shadow = shadow ?? found
                }
            }
        }
        return shadow.map { deny in
            Plan.Finding(
                code: "shadowed-rule", message: "rule `\(rule.id)` allows nothing: `\(deny.id)` denies all of it",
                place: rule.place)
        }
    }
}

/// Of one pattern with another, against one look at a rule.
private let looksOfComparison = 50

extension CapabilityPattern {
    /// What everything begins with that it matches, up to a length that tells most apart.
    fileprivate var beginning: Substring { description.prefix { $0 != "*" }.prefix(24) }
}

extension Conditions {
    /// Whether they hold wherever the other ones do.
    fileprivate func isImplied(by other: Conditions) -> Bool {
        func same<Value: Equatable>(_ path: KeyPath<Conditions, Value?>) -> Bool {
            self[keyPath: path] == nil || self[keyPath: path] == other[keyPath: path]
        }
        guard same(\.readOnly), same(\.hours), same(\.sameRegion), same(\.clearance) else { return false }
        if let networks {
            guard let theirs = other.networks,
                theirs.allSatisfy({ one in networks.contains { $0.contains(one) } })
            else { return false }
        }
        if let environment {
            guard let theirs = other.environment, theirs.allSatisfy(environment.contains) else { return false }
        }
        return (arguments ?? [:]).allSatisfy { name, test in other.arguments?[name] == test }
    }
}
