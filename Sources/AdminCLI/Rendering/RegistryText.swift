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

package func serverText(_ row: ServerRow, _ colour: Colour) -> String {
    var text = colour.bold(printable(row.name)) + "\n"
    func add(_ name: String, _ values: [String]) {
        guard !values.isEmpty else { return }
        let indent = String(repeating: " ", count: 18)
        text += "  " + name.padded(to: 16) + values.map(printable).joined(separator: "\n\(indent)") + "\n"
    }
    add("classification", [row.classification.rawValue])
    add("owner", [row.owner].compactMap(\.self))
    add("labels", row.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
    add("endpoints", row.endpoints)
    add("spokes", row.spokes.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.word)" })
    add("tools", row.tools.sorted())
    return text
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
