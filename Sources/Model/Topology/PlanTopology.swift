/// What applying `desired` would change: objects, and who gains or loses access to what.
///
/// The difference is looked for where something changed, so that one more rule costs little, however many there are.
/// - Parameters:
///   - masks: revocations of grants in force.
///   - pins: approved definitions of tools, by the server's full name.
///   - ceilings: what hosts take away, as their spokes reported it, by the spoke's full name.
///   - budget: when it is spent, the finding `not-compared` says what was not looked at.
/// - Throws: `not-encodable`.
package func planTopology(
    from current: Topology?, to desired: Topology, masks: [Mask], pins: [String: [ToolDefinition]] = [:],
    ceilings: [String: ReportedCeiling] = [:], now: Instant, budget: SearchBudget = SearchBudget()
) throws(ModelError) -> Plan {
    var plan = try planObjects(from: current, to: desired)
    plan.findings = ruleFindings(desired, changes: plan.changes, masks: masks, now: now, budget: budget)
    let real = plan.changes.filter { $0.action != .move }
    if !real.isEmpty {
        let difference = AccessDifference(
            from: current, to: desired, masks: masks, pins: pins, ceilings: ceilings, now: now, budget: budget)
        let found = difference.found(after: real)
        plan.access = found.changes
        plan.ceilings = found.ceilings.isEmpty ? nil : found.ceilings.sorted()
        plan.untold = found.untold.isEmpty ? nil : found.untold.sorted()
        if let first = found.unfinished.first {
            let others = found.unfinished.count - 1
            plan.findings.append(
                Plan.Finding(
                    code: "not-compared",
                    message:
                        "who gains or loses access to `\(first)`\(others > 0 ? " and \(others) more servers" : "") "
                        + "was not looked for to the end: too many kinds of calls"))
        }
    }
    return plan
}

/// The objects that applying `desired` would change, and what they need: what permits it and what a saved plan binds. Neither
/// access nor findings.
/// - Throws: `not-encodable`.
package func planObjects(from current: Topology?, to desired: Topology) throws(ModelError) -> Plan {
    let changes = try objectChanges(from: current, to: desired)
    let denies = Set(((current?.rules ?? []) + desired.rules).filter { $0.effect == .deny }.map(\.id))
    return Plan(
        changes: changes, access: [],
        denies: changes.filter {
            $0.action != .move && $0.object.kind == .rule && denies.contains($0.object.name)
        }, findings: [], removals: removals(from: current, changes))
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
