import Model

package func rolloutTable(_ rollout: Rollout, now: Instant) -> Table {
    var table = Table("SPOKE", "STATE", "WANTED", "APPLIED", "CONNECTED", "LAST SEEN", "DETAIL")
    for row in rollout.rows {
        let state: Table.Cell =
            switch row.state {
            case .current: Table.Cell("current", .good)
            case .behind: Table.Cell("behind", .warning)
            case .refused: Table.Cell("refused", .bad)
            case .neverSeen: Table.Cell("never seen", .faint)
            }
        table.add(
            "\(row.spoke)", state, "\(row.wanted)", "\(row.applied.map { String($0) } ?? "-")",
            row.connected ? Table.Cell("yes", .good) : Table.Cell("no", .faint),
            "\(row.lastSeen.map { ago($0, now: now) } ?? "never")", "\(row.detail ?? "")")
    }
    return table
}

package func statusText(_ status: HubStatus, identity: SPIFFEID, now: Instant, _ colour: Colour) -> String {
    let rows = status.rollout.rows
    let current = rows.count { $0.state == .current }
    let behind = rows.filter { $0.state != .current }.map { "\($0.spoke) (\($0.state.rawValue))" }
    let ledger = "\(status.ledgerSize) \(status.ledgerSize == 1 ? "entry" : "entries")"
    var lines = [
        colour.bold(printable(status.organization))
            + "  nave-hub \(printable(status.version)), up since \(minute(status.since))",
        "  you are  \(identity)",
        "  ledger   \(ledger)",
        "  holds    "
            + [
                counted(status.zones, "zone"), counted(status.servers, "server"), counted(status.clients, "client"),
                counted(status.rules, "rule"),
            ].joined(separator: ", "),
        "  spokes   "
            + (current == rows.count
                ? colour.green("\(current) of \(rows.count) enforce what they should")
                : colour.yellow("\(current) of \(rows.count) enforce what they should") + ", not: "
                    + printable(behind.joined(separator: ", "))),
        "  denials  \(status.denials) in the last 24 hours",
    ]
    if let expiring = status.expiring, !expiring.isEmpty {
        let shown = expiring.prefix(5).map { "\($0.identity) (\(minute($0.notAfter)))" }
        lines.append(
            "  ends     " + colour.yellow(counted(expiring.count, "certificate") + " within three days")
                + ": \(printable(shown.joined(separator: ", ")))\(expiring.count > 5 ? ", …" : "")")
    }
    if let observed = status.observed, !observed.isEmpty {
        let shown = observed.map { "\($0.name) (until \(minute($0.until)), \($0.reason))" }
        lines.append(colour.yellow("  observed ") + printable(shown.joined(separator: ", ")))
    }
    for drift in status.drift ?? [] {
        let counts = [(drift.changed, "changed"), (drift.unapproved, "unapproved")].filter { $0.0 > 0 }
        let text = counts.map { "\(counted($0.0, "tool")) \($0.1)" }.joined(separator: ", ")
        let effect = drift.pin == .enforce ? "refused" : "only reported"
        lines.append(
            "  tools    " + colour.yellow(printable(drift.server))
                + " \(text), \(effect): `nave tool list \(printable(drift.server))`")
    }
    if !status.openReviews.isEmpty {
        lines.append("  reviews  open: \(printable(status.openReviews.joined(separator: ", ")))")
    }
    if let rotations = status.rotations, !rotations.isEmpty {
        lines.append("  rotates  \(printable(rotations.joined(separator: ", ")))")
    }
    for zone in status.zonesWithoutAuthority ?? [] {
        lines.append(
            "  zone     " + colour.yellow("\(printable(zone)) has no authority")
                + ": `nave authority prepare \(printable(zone))`")
    }
    lines += contradictionLines(status.contradictions, colour)
    for alarm in status.alarms ?? [] { lines.append(colour.red("  alarm    \(printable(alarm))")) }
    return lines.map { $0 + "\n" }.joined()
}

/// `1 rule`, `2 rules`.
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
