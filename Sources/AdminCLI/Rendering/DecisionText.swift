import Model

package func decisionTable(_ rows: [DecisionRow]) -> Table {
    var table = Table("ID", "AT", "VERDICT", "CALLER", "SERVER", "CALL", "WHY")
    for row in rows {
        let record = row.record
        let times = record.count > 1 ? " ×\(record.count)" : ""
        let why = [record.reason, record.rule].compactMap(\.self).joined(separator: " ")
        table.add(
            "\(row.id)", "\(record.at)",
            Table.Cell(record.verdict.rawValue + times, record.verdict == .allow ? .good : .bad),
            "\(shortCaller(record.caller))", "\(record.server)", "\(record.aim)", "\(why)")
    }
    return table
}

/// What became of a call, in words.
func verdictText(_ verdict: DecisionRecord.Verdict, _ colour: Colour) -> String {
    switch verdict {
    case .allow: colour.green("allowed")
    case .deny: colour.red("denied")
    case .wouldDeny: colour.yellow("let through, would be denied")
    }
}

/// Without the scheme, which every caller has.
func shortCaller(_ caller: String) -> String { caller.hasPrefix("spiffe://") ? String(caller.dropFirst(9)) : caller }

package func decisionText(_ row: DecisionRow, _ colour: Colour) -> String {
    let record = row.record
    let verdict = verdictText(record.verdict, colour)
    var text = "\(colour.bold(printable(row.id)))  \(verdict)\(record.count > 1 ? " \(record.count) times" : "")\n"
    for (name, value) in [
        ("at", record.at.description), ("spoke", row.spoke), ("caller", record.caller), ("from", record.address),
        ("server", record.server), ("call", record.aim), ("reason", record.reason), ("rule", record.rule),
        ("through", record.principal), ("detail", record.detail), ("revision", record.revision.map { String($0) }),
        ("bundle", record.bundle),
    ] {
        if let value { text += "  \(name.padded(to: 10))\(printable(value))\n" }
    }
    return text
}
