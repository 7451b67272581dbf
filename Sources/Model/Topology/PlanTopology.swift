/// What applying `desired` would change: objects, and who gains or loses access to what.
/// - Parameter masks: revocations of grants in force, for the findings.
/// - Throws: `not-encodable`.
package func planTopology(
    from current: Topology?, to desired: Topology, masks: [Mask], now: Instant
) throws(ModelError) -> Plan {
    let changes = try objectChanges(from: current, to: desired)
    let rules = Dictionary(
        uniqueKeysWithValues: ((current?.rules ?? [])
            + desired.rules.filter { rule in
                !(current?.rules.contains { $0.id == rule.id } ?? false)
            }).map { ($0.id, $0) })
    return Plan(
        changes: changes,
        access: accessChanges(from: current, to: desired),
        denies: changes.filter {
            $0.action != .move && $0.object.kind == .rule && rules[$0.object.name]?.effect == .deny
        },
        findings: findings(desired, masks: masks, now: now),
        removals: removals(from: current, changes))
}

private func objectChanges(from current: Topology?, to desired: Topology) throws(ModelError) -> [Plan.Change] {
    let before = try current?.objects() ?? [:]
    let after = try desired.objects()
    var changes: [Plan.Change] = []
    for (name, value) in after where before[name] != value {
        guard let old = before[name] else {
            changes.append(Plan.Change(action: .add, object: name))
            continue
        }
        let fields = differingFields(old, value).filter { $0 != "place" && !$0.hasPrefix("place.") }
        changes.append(Plan.Change(action: fields.isEmpty ? .move : .change, object: name, fields: fields))
    }
    for name in before.keys where after[name] == nil { changes.append(Plan.Change(action: .remove, object: name)) }
    return changes.sorted { ($0.object.kind.rank, $0.object.name) < ($1.object.kind.rank, $1.object.name) }
}

/// Dotted names of what differs, down to the first value that is not an object on both sides.
private func differingFields(_ old: JSON, _ new: JSON, prefix: String = "") -> [String] {
    guard let old = old.object, let new = new.object else { return [prefix] }
    return Set(old.keys + new.keys).sorted().flatMap { key -> [String] in
        let name = prefix.isEmpty ? key : "\(prefix).\(key)"
        guard old[key] != new[key] else { return [] }
        guard let before = old[key], let after = new[key] else { return [name] }
        return differingFields(before, after, prefix: name)
    }
}

/// One capability to one principal on one server under the conditions of one rule.
private struct Edge: Hashable {
    var principal: Principal
    var server: String
    var capability: CapabilityPattern
    var rule: String
    var conditions: [String]
}

private func edges(_ topology: Topology) -> Set<Edge> {
    var edges: Set<Edge> = []
    let names = topology.servers.map(\.fullName)
    let callers = Dictionary(
        topology.zones.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first }
    ).mapValues(\.callerSelection)
    for rule in topology.resolvedRules where rule.effect == .allow {
        let texts = rule.conditionTexts
        for server in rule.servers ?? names {
            let selection = callers[String(server.prefix { $0 != "/" })] ?? nil
            for principal in rule.to {
                var conditions = texts
                switch selection?.admits(principal) {
                // Nobody whom the principal names can come in.
                case .no?: continue
                case .missing?: conditions.append("through clients of \(selection?.text ?? "")")
                case .yes?, nil: break
                }
                for capability in rule.capabilities {
                    edges.insert(
                        Edge(
                            principal: principal, server: server, capability: capability, rule: rule.id,
                            conditions: conditions))
                }
            }
        }
    }
    return edges
}

private func accessChanges(from current: Topology?, to desired: Topology) -> [Plan.AccessChange] {
    let before = current.map(edges) ?? []
    let after = edges(desired)
    let gains = grouped(after.subtracting(before), .gains)
    let loses = grouped(before.subtracting(after), .loses)
    return (gains + loses).sorted {
        ($0.grant.server, $0.grant.principal.description, $0.direction.rawValue, $0.grant.rule)
            < ($1.grant.server, $1.grant.principal.description, $1.direction.rawValue, $1.grant.rule)
    }
}

private func grouped(_ edges: Set<Edge>, _ direction: Plan.AccessChange.Direction) -> [Plan.AccessChange] {
    struct Key: Hashable {
        var principal: Principal
        var server: String
        var rule: String
        var conditions: [String]
    }
    let groups = Dictionary(grouping: edges) {
        Key(principal: $0.principal, server: $0.server, rule: $0.rule, conditions: $0.conditions)
    }
    return groups.map { key, edges in
        Plan.AccessChange(
            direction: direction,
            grant: Grant(
                principal: key.principal, server: key.server,
                capabilities: edges.map(\.capability).sorted { $0.description < $1.description }, rule: key.rule),
            conditions: key.conditions)
    }
}

extension Rule {
    /// The conditions as a person reads them, one each.
    package var conditionTexts: [String] {
        var texts: [String] = []
        if let readOnly = when?.readOnly { texts.append(readOnly ? "read-only tools" : "tools that are not read-only") }
        if let networks = when?.networks { texts.append("from \(networks.map(\.description).joined(separator: ", "))") }
        if let hours = when?.hours { texts.append("during \(hours)") }
        if let environment = when?.environment { texts.append("in \(environment.joined(separator: " or "))") }
        if let same = when?.sameRegion { texts.append(same ? "from the server's region" : "from other regions") }
        if let clearance = when?.clearance {
            texts.append(clearance ? "from zones cleared for the server" : "from zones not cleared for the server")
        }
        for (name, test) in (when?.arguments ?? [:]).sorted(by: { $0.key < $1.key }) {
            texts.append("argument \(name): \(test)")
        }
        if let except, !except.isEmpty {
            texts.append("except \(except.map(\.description).joined(separator: ", "))")
        }
        texts += (limits?.texts ?? []).map { "at most \($0)" }
        if let from { texts.append("from \(from)") }
        if let until { texts.append("until \(until)") }
        return texts
    }
}

extension Limits {
    /// Each bound as a person reads it.
    fileprivate var texts: [String] {
        [
            rate.map { "\($0.requests) calls in \($0.per)" }, concurrency.map { "\($0) calls at once" },
            requestBody.map { "\($0) a request" }, responseBody.map { "\($0) an answer" },
            timeouts?.request.map { "\($0) a call" },
        ].compactMap(\.self)
    }
}

private func findings(_ topology: Topology, masks: [Mask], now: Instant) -> [Plan.Finding] {
    var findings: [Plan.Finding] = []
    let places = Dictionary(topology.rules.map { ($0.id, $0.place) }, uniquingKeysWith: { first, _ in first })
    for grant in topology.grants {
        for mask in masks
        where mask.cause == .revoked && mask.principal == grant.principal && mask.server == grant.server
            && grant.capabilities.contains(where: mask.capabilities.contains)
        {
            findings.append(
                Plan.Finding(
                    code: "revoked-grant",
                    message:
                        "rule `\(grant.rule)` grants `\(grant.server)` to `\(grant.principal)`, which \(mask.id) revoked: "
                        + "it stays revoked",
                    place: places[grant.rule] ?? nil))
        }
    }
    for rule in topology.rules {
        if let until = rule.until, until <= now {
            findings.append(
                Plan.Finding(code: "expired-rule", message: "rule `\(rule.id)` ended on \(until)", place: rule.place))
        }
    }
    return findings
}

/// Removals that are more often an accident (a moved directory, a bad merge) than a wish.
private func removals(from current: Topology?, _ changes: [Plan.Change]) -> [String] {
    guard let current else { return [] }
    let removed = Dictionary(grouping: changes.filter { $0.action == .remove }, by: \.object.kind)
    var reasons = (removed[.zone] ?? []).map { "removes the zone `\($0.object.name)`" }
    for (kind, plural, total) in [
        (ObjectKind.server, "servers", current.servers.count), (.client, "clients", current.clients.count),
        (.rule, "rules", current.rules.count),
    ] {
        let count = removed[kind]?.count ?? 0
        // One of few is a normal change, however many percent it is.
        if count > 1, count * 10 > total { reasons.append("removes \(count) of \(total) \(plural)") }
    }
    return reasons
}
