/// What applying `desired` would change: objects, and who gains or loses access to what.
///
/// The difference is looked for where something changed, so that one more rule costs little, however many there are.
/// - Parameters:
///   - masks: revocations of grants in force.
///   - pins: approved definitions of tools, by the server's full name.
/// - Throws: `not-encodable`.
package func planTopology(
    from current: Topology?, to desired: Topology, masks: [Mask], pins: [String: [ToolDefinition]] = [:], now: Instant
) throws(ModelError) -> Plan {
    let changes = try objectChanges(from: current, to: desired)
    let real = changes.filter { $0.action != .move }
    let denies = Set(((current?.rules ?? []) + desired.rules).filter { $0.effect == .deny }.map(\.id))
    return Plan(
        changes: changes,
        access: real.isEmpty
            ? []
            : AccessDifference(from: current, to: desired, masks: masks, pins: pins, now: now).changes(after: real),
        denies: real.filter { $0.object.kind == .rule && denies.contains($0.object.name) },
        findings: ruleFindings(desired, masks: masks, now: now), removals: removals(from: current, changes))
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
