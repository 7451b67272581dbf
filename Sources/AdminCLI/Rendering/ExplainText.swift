import Model

/// A decision as a person reads it: the verdict and the rule that made it, then every rule in the order it was looked
/// at.
package func explainText(_ explanation: Explanation, _ colour: Colour) -> String {
    var text = ""
    let verdict = verdictText(explanation.verdict, colour)
    text +=
        "\(verdict)  \(printable(explanation.caller)) → \(printable(explanation.server)) \(printable(explanation.aim))\n"
    text += "  because   \(cause(of: explanation))\n"
    // A rule that could match twice, for both parts of a caller, decided once: its first line.
    let decisive = explanation.steps.firstIndex { $0.rule == explanation.rule }
    if let place = decisive.flatMap({ explanation.steps[$0].place }) {
        text += "  at        \(printable("\(place)"))\n"
    }
    if let reason = decisive.flatMap({ explanation.steps[$0].reason }) { text += "  reason    \(printable(reason))\n" }
    text += "  revision  \(explanation.revision)\n"
    if let recorded = explanation.recorded { text += recordedLine(recorded, explanation, colour) }
    if let note = explanation.note { text += "  note      \(printable(note))\n" }
    guard !explanation.steps.isEmpty else { return text + "no rule is for this server\n" }
    text += "\nrules, in the order they were looked at\n"
    for (index, step) in explanation.steps.enumerated() {
        let mark = index == decisive ? colour.bold("→") : " "
        let effect = step.effect == .allow ? "allow" : "deny "
        let line = "\(effect)  \(printable(step.rule))  \(printable(step.outcome))"
        let place = step.place.map { "  \(printable("\($0)"))" } ?? ""
        text += "\(mark) \(index == decisive ? colour.bold(line) : line)\(colour.faint(place))\n"
    }
    return text
}

private func cause(of explanation: Explanation) -> String {
    let words: String
    switch (explanation.verdict, explanation.rule) {
    case (.allow, let rule?): words = "rule `\(rule)` allows it"
    case (.allow, nil): words = "it is allowed"
    case (.deny, nil), (.wouldDeny, nil):
        words = explanation.reason == DenyReason.noRule.rawValue ? "no rule allows it" : "it is denied"
    case (.deny, let rule?), (.wouldDeny, let rule?):
        words =
            explanation.reason == DenyReason.deniedByRule.rawValue
            ? "rule `\(rule)` denies it" : "no rule allows it; `\(rule)` came nearest"
    }
    let reason = explanation.reason.map { " (\($0))" } ?? ""
    let detail = explanation.detail.map { ": \($0)" } ?? ""
    return printable(words + reason + detail)
}

/// What the journal said then, and whether the same is decided now.
private func recordedLine(_ row: DecisionRow, _ explanation: Explanation, _ colour: Colour) -> String {
    let record = row.record
    let line = "  recorded  \(verdictText(record.verdict, .off)) at \(record.at) by \(printable(row.spoke))"
    let isSame = record.verdict == explanation.verdict && record.rule == explanation.rule
    return line + (isSame ? "" : colour.yellow(", which is not what is decided now")) + "\n"
}
