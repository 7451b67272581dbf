import Model

package func reviewTable(_ rows: [ReviewRow], now: Instant) -> Table {
    var table = Table("REVIEW", "ZONE", "STATE", "DUE", "ITEMS", "KEPT", "REVOKED", "UNANSWERED")
    for row in rows {
        let isLate = row.state == .open && row.due <= now
        table.add(
            "\(row.id)", "\(row.zone)", "\(row.state.rawValue)", Table.Cell(minute(row.due), isLate ? .bad : .plain),
            "\(row.items)", "\(row.kept)", "\(row.revoked)",
            Table.Cell("\(row.unanswered)", row.unanswered > 0 && row.state == .open ? .warning : .plain))
    }
    return table
}

package func reviewText(_ detail: ReviewDetail, now: Instant, _ colour: Colour) -> String {
    reviewHead(detail, now: now, colour) + "\n" + itemTable(detail.items).text(colour)
}

/// The head and the items, then who decided what and why, and whether the spokes enforce it.
package func reviewReportText(_ detail: ReviewDetail, now: Instant, _ colour: Colour) -> String {
    var text = reviewText(detail, now: now, colour)
    text += "\n" + colour.bold("verdicts") + "\n"
    for item in detail.items {
        guard let verdict = item.verdict else {
            let end = detail.row.state == .closed ? "lapsed, nobody answered" : "unanswered"
            text += "  \(item.number)  \(end)\n"
            continue
        }
        let by = item.decidedBy.map { " by \(printable($0))" } ?? ""
        let at = item.decidedAt.map { " at \($0)" } ?? ""
        let why = item.why.map { ": \(printable($0))" } ?? ""
        let revocation = item.revocation.map { " (\(printable($0)))" } ?? ""
        text += "  \(item.number)  \(verdict.rawValue)\(by)\(at)\(why)\(revocation)\n"
    }
    guard let rollout = detail.rollout else { return text }
    text +=
        "\n" + colour.bold(rollout.isConverged ? "every spoke enforces it" : "not every spoke enforces it yet") + "\n"
    return text + rolloutTable(rollout, now: now).text(colour)
}

private func reviewHead(_ detail: ReviewDetail, now: Instant, _ colour: Colour) -> String {
    let row = detail.row
    let due = row.state == .open && row.due <= now ? colour.red(minute(row.due)) : minute(row.due)
    var text = "\(colour.bold(printable(row.id)))  zone \(printable(row.zone)), \(row.state.rawValue), due \(due)\n"
    text += "  opened    \(detail.openedAt) by \(printable(detail.openedBy))\n"
    text += "  evidence  \(printable(detail.evidence))\n"
    text += "  items     \(row.items): \(row.kept) kept, \(row.revoked) revoked, \(row.unanswered) unanswered\n"
    if let closed = detail.closedAt {
        text += "  closed    \(closed)\(detail.closedIndex.map { ", ledger entry \($0)" } ?? "")\n"
    }
    return text
}

private func itemTable(_ items: [ReviewDetail.Item]) -> Table {
    var table = Table("ITEM", "PRINCIPAL", "SERVER", "CAPABILITIES", "RULE", "EVIDENCE", "VERDICT")
    for item in items {
        let verdict: Table.Cell =
            switch item.verdict {
            case .keep: Table.Cell("keep", .good)
            case .revoke: Table.Cell("revoke", .bad)
            case nil: Table.Cell("-", .warning)
            }
        table.add(
            "\(item.number)", "\(item.grant.principal)", "\(item.grant.server)",
            "\(capabilitiesText(item.grant.capabilities))", "\(item.grant.rule)",
            Table.Cell(evidenceText(item.evidence), item.evidence.kind == .used ? .plain : .warning), verdict)
    }
    return table
}

/// `used 12, last 2026-11-20`, `unused 2026-10-21 to 2026-11-21`, `unknown (silent: fin-2)`.
package func evidenceText(_ evidence: Evidence) -> String {
    func day(_ moment: Instant) -> String { String(moment.description.prefix(10)) }
    switch evidence.kind {
    case .used: return "used \(evidence.count)" + (evidence.last.map { ", last \(day($0))" } ?? "")
    case .unused:
        guard let from = evidence.observedFrom, let to = evidence.observedTo else { return "unused" }
        // An observation of hours says little: let it be seen.
        return day(from) == day(to) ? "unused \(minute(from)) to \(minute(to))" : "unused \(day(from)) to \(day(to))"
    case .unknown:
        return evidence.silent.isEmpty ? "unknown" : "unknown (silent: \(evidence.silent.joined(separator: ", ")))"
    }
}
