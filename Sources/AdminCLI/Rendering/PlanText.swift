import Model

/// A plan as a person reads it before they say yes: objects, then who gains or loses access to what, then what to know.
package func planText(_ plan: Plan, _ colour: Colour) -> String {
    guard !plan.isEmpty else {
        return plan.findings.isEmpty ? "no change\n" : "no change\n\n" + findingsText(plan.findings, colour)
    }
    var sections: [String] = []
    let changes = plan.changes.filter { $0.action != .move }
    if !changes.isEmpty {
        sections.append(colour.bold("objects") + "\n" + changes.map { changeLine($0, colour) }.joined())
    }
    let moved = plan.changes.count - changes.count
    if moved > 0 { sections.append(colour.faint("\(moved) only moved within the files") + "\n") }
    if !plan.access.isEmpty { sections.append(colour.bold("access") + "\n" + accessText(plan.access, colour)) }
    if !plan.denies.isEmpty {
        sections.append(colour.bold("denials") + "\n" + plan.denies.map { changeLine($0, colour) }.joined())
    }
    if !plan.findings.isEmpty { sections.append(findingsText(plan.findings, colour)) }
    if !plan.removals.isEmpty {
        sections.append(
            colour.red("needs --allow-removals") + "\n" + plan.removals.map { "  \(printable($0))\n" }.joined())
    }
    return sections.joined(separator: "\n") + "\n" + summary(plan) + "\n"
}

private func findingsText(_ findings: [Plan.Finding], _ colour: Colour) -> String {
    colour.bold("findings") + "\n" + findings.map { "  \(findingLine($0, colour))\n" }.joined()
}

private func changeLine(_ change: Plan.Change, _ colour: Colour) -> String {
    let fields = change.fields.isEmpty ? "" : " (\(change.fields.joined(separator: ", ")))"
    let words = printable("\(change.object.kind.rawValue) \(change.object.name)\(fields)")
    switch change.action {
    case .add: return "  \(colour.green("+")) \(words)\n"
    case .change: return "  \(colour.yellow("~")) \(words)\n"
    case .remove: return "  \(colour.red("-")) \(words)\n"
    case .move: return "  \(colour.faint("→")) \(words)\n"
    }
}

/// By server, in the plan's order.
private func accessText(_ access: [Plan.AccessChange], _ colour: Colour) -> String {
    var text = ""
    var server: String?
    for change in access {
        if change.grant.server != server {
            server = change.grant.server
            text += "  \(printable(change.grant.server))\n"
        }
        let (mark, verb) = change.direction == .gains ? (colour.green("+"), "gains") : (colour.red("-"), "loses")
        let conditions = change.conditions.isEmpty ? "" : "; " + change.conditions.joined(separator: "; ")
        let grant = change.grant
        text +=
            "    \(mark) "
            + printable(
                "\(grant.principal) \(verb) \(capabilitiesText(grant.capabilities)) (\(grant.rule)\(conditions))")
            + "\n"
    }
    return text
}

/// `2 to add, 1 to change, 0 to remove; 3 grants gained, 1 lost`.
private func summary(_ plan: Plan) -> String {
    func count(_ action: Plan.Action) -> Int { plan.changes.count { $0.action == action } }
    let gained = plan.access.count { $0.direction == .gains }
    return "\(count(.add)) to add, \(count(.change)) to change, \(count(.remove)) to remove; "
        + "\(counted(gained, "grant")) gained, \(plan.access.count - gained) lost"
}
