import Model

package func zoneTable(_ rows: [ZoneRow]) -> Table {
    var table = Table("ZONE", "CLASSIFICATION", "REGION", "SPOKES", "SERVERS", "CLIENTS", "RULES")
    for row in rows {
        table.add(
            "\(row.name)", "\(row.classification.rawValue)", "\(row.region ?? "-")", "\(row.spokes)", "\(row.servers)",
            "\(row.clients)", "\(row.rules)")
    }
    return table
}

package func serverTable(_ rows: [ServerRow]) -> Table {
    var table = Table("SERVER", "CLASSIFICATION", "STATE", "TOOLS", "OWNER", "LABELS")
    for row in rows {
        let labels = row.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        table.add(
            "\(row.name)", "\(row.classification.rawValue)", stateCell(row.spokes), "\(row.tools.count)",
            "\(row.owner ?? "-")", "\(labels.isEmpty ? "-" : labels)")
    }
    return table
}

/// One word where all spokes agree, else how many there are of each.
private func stateCell(_ spokes: [String: ServerStatus.State]) -> Table.Cell {
    guard !spokes.isEmpty else { return Table.Cell("unplaced", .faint) }
    let counts = Dictionary(grouping: spokes.values, by: \.self).mapValues(\.count)
    let mark: Table.Cell.Mark =
        counts[.down] != nil || counts[.notConfigured] != nil ? .bad : counts[.unknown] != nil ? .warning : .good
    let text = counts.sorted { $0.key.rawValue < $1.key.rawValue }.map { state, count in
        counts.count == 1 ? state.word : "\(count) \(state.word)"
    }
    return Table.Cell(text.joined(separator: ", "), mark)
}

extension ServerStatus.State {
    var word: String { self == .notConfigured ? "not configured" : rawValue }
}

package func serverText(_ row: ServerRow, now: Instant, _ colour: Colour) -> String {
    shown(
        row.name,
        [
            ("classification", [row.classification.rawValue]), ("owner", [row.owner].compactMap(\.self)),
            ("enforcement", row.enforcement.map { [enforcementText($0, now: now)] } ?? []),
            ("labels", row.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }),
            ("endpoints", row.endpoints),
            ("spokes", row.spokes.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.word)" }),
            ("tools", row.tools.sorted()),
        ], colour)
}

/// `observe until 2027-01-31T00:00:00.000Z: FIN-1`
private func enforcementText(_ enforcement: Enforcement, now: Instant) -> String {
    let reason = enforcement.reason.map { ": \($0)" } ?? ""
    return now < enforcement.until
        ? "\(enforcement.mode.rawValue) until \(enforcement.until)\(reason)"
        : "enforce, since observing ended on \(enforcement.until)\(reason)"
}

/// One thing: its name, then a line for each fact that there is; further values below the first.
private func shown(_ title: String, _ facts: [(name: String, values: [String])], _ colour: Colour) -> String {
    let known = facts.filter { !$0.values.isEmpty }
    let width = (known.map(\.name.count).max() ?? 0) + 2
    let indent = String(repeating: " ", count: width + 2)
    let lines = known.map { fact in
        "  " + fact.name.padded(to: width) + fact.values.map(printable).joined(separator: "\n\(indent)") + "\n"
    }
    return colour.bold(printable(title)) + "\n" + lines.joined()
}

package func zoneText(_ row: ZoneRow, _ colour: Colour) -> String {
    shown(
        row.name,
        [
            ("classification", [row.classification.rawValue]), ("region", [row.region].compactMap(\.self)),
            ("spokes", ["\(row.spokes)"]), ("servers", ["\(row.servers)"]), ("clients", ["\(row.clients)"]),
            ("rules", ["\(row.rules)"]),
        ], colour)
}

/// - Parameters:
///   - rollout: What the hub knows of what it enforces.
///   - servers: Full name to what the spoke reported of it.
package func spokeText(
    _ row: MemberRow, _ rollout: Rollout.Row?, _ servers: [String: ServerStatus.State], now: Instant, _ colour: Colour
) -> String {
    let enforces = rollout.map { rollout in
        let applied = rollout.applied.map { "revision \($0)" } ?? "nothing yet"
        let wanted = rollout.state == .current ? "" : ", should be \(rollout.wanted)"
        return [applied + wanted] + [rollout.detail].compactMap(\.self)
    }
    return shown(
        row.name,
        memberFacts(row, now: now) + [
            ("connected", [row.connected ? "yes" : "no"]), ("enforces", enforces ?? []),
            ("servers", servers.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.word)" }),
        ], colour)
}

package func clientText(_ row: MemberRow, now: Instant, _ colour: Colour) -> String {
    shown(row.name, memberFacts(row, now: now), colour)
}

private func memberFacts(_ row: MemberRow, now: Instant) -> [(name: String, values: [String])] {
    [
        ("identity", ["\(row.identity)"]), ("enrolment", [row.enrolment.rawValue]),
        ("certificate until", [row.certificateUntil.map(minute)].compactMap(\.self)),
        ("last seen", [row.lastSeen.map { ago($0, now: now) } ?? "never"]),
    ]
}

package func userTable(_ rows: [UserRow], now: Instant) -> Table {
    var table = Table("USER", "ROLES", "ENROLMENT", "CERTIFICATE UNTIL", "IDENTITY")
    for row in rows {
        let roles = row.roles.map { held in held.role.rawValue + (held.zone.map { " of \($0)" } ?? "") }
        table.add(
            row.address.map { "\($0)" } ?? Table.Cell(row.isErased ? "(erased)" : "(no address)", .faint),
            "\(roles.isEmpty ? "-" : roles.joined(separator: ", "))", enrolmentCell(row.enrolment),
            untilCell(row.certificateUntil, now: now), "\(row.identity)")
    }
    return table
}

package func spokeTable(_ rows: [MemberRow], now: Instant) -> Table {
    var table = Table("SPOKE", "ENROLMENT", "CONNECTED", "REVISION", "LAST SEEN", "CERTIFICATE UNTIL")
    for row in rows {
        table.add(
            "\(row.name)", enrolmentCell(row.enrolment),
            row.connected ? Table.Cell("yes", .good) : Table.Cell("no", row.enrolment == .enrolled ? .bad : .faint),
            "\(row.revision.map { String($0) } ?? "-")", "\(row.lastSeen.map { ago($0, now: now) } ?? "never")",
            untilCell(row.certificateUntil, now: now))
    }
    return table
}

package func clientTable(_ rows: [MemberRow], now: Instant) -> Table {
    var table = Table("CLIENT", "ENROLMENT", "CERTIFICATE UNTIL", "LAST SEEN", "IDENTITY")
    for row in rows {
        table.add(
            "\(row.name)", enrolmentCell(row.enrolment), untilCell(row.certificateUntil, now: now),
            "\(row.lastSeen.map { ago($0, now: now) } ?? "never")", "\(row.identity)")
    }
    return table
}

private func enrolmentCell(_ enrolment: MemberRow.Enrolment) -> Table.Cell {
    switch enrolment {
    case .enrolled: Table.Cell(enrolment.rawValue, .good)
    case .invited: Table.Cell(enrolment.rawValue, .warning)
    case .none: Table.Cell(enrolment.rawValue, .faint)
    case .revoked: Table.Cell(enrolment.rawValue, .bad)
    }
}

private func untilCell(_ until: Instant?, now: Instant) -> Table.Cell {
    guard let until else { return Table.Cell("-", .faint) }
    return Table.Cell(minute(until), until <= now ? .bad : .plain)
}

/// `2026-11-21 08:15Z`.
func minute(_ moment: Instant) -> String {
    let text = moment.description
    return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5))Z"
}

/// `12s ago`, `3m ago`, `5h ago`, `9d ago`; whole units, rounded down. What lies ahead is now: clocks differ.
package func ago(_ moment: Instant, now: Instant) -> String {
    let seconds = max(0, (now - moment).count / 1000)
    switch seconds {
    case ..<60: return "\(seconds)s ago"
    case ..<3600: return "\(seconds / 60)m ago"
    case ..<86_400: return "\(seconds / 3600)h ago"
    default: return "\(seconds / 86_400)d ago"
    }
}

extension String {
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
