import Model

/// A plan as a person reads it before they say yes: objects, then who gains or loses access to what, then what to know. As
/// short as the change is: what is alike on many servers is one line, and a change of one rule is ten at most.
package func planText(_ plan: Plan, _ colour: Colour) -> String {
    guard !plan.isEmpty else {
        return plan.findings.isEmpty ? "no change\n" : "no change\n\n" + findingsText(plan.findings, colour)
    }
    var sections: [String] = []
    let changes = plan.changes.filter { $0.action != .move }
    let denies = Set(plan.denies.map(\.object))
    let shown = max(20, linesEach)
    if !changes.isEmpty {
        let lines = changes.prefix(changes.count <= shown + 1 ? changes.count : shown).map {
            changeLine($0, isDenial: denies.contains($0.object), colour)
        }
        sections.append(
            colour.bold("objects") + "\n" + lines.joined() + rest(changes.count - lines.count, "objects", colour))
    }
    let moved = plan.changes.count - changes.count
    if moved > 0 { sections.append(colour.faint("\(moved) only moved within the files") + "\n") }
    if !plan.access.isEmpty {
        sections.append(
            colour.bold("access") + "\n" + accessText(plan.access, maximum: linesEach * max(changes.count, 1), colour))
    }
    let hosts = hostLines(plan, colour)
    if !hosts.isEmpty { sections.append(colour.bold("hosts") + "\n" + hosts) }
    if !plan.findings.isEmpty { sections.append(findingsText(plan.findings, colour)) }
    if !plan.removals.isEmpty {
        sections.append(
            colour.red("needs --allow-removals") + "\n" + plan.removals.map { "  \(printable($0))\n" }.joined())
    }
    return sections.joined(separator: "\n") + "\n" + summary(plan) + "\n"
}

/// Lines of access that one changed object may take.
private let linesEach = 4

private func rest(_ count: Int, _ what: String, _ colour: Colour) -> String {
    count > 0 ? "  " + colour.faint("… and \(count) more \(what); `-o json` shows all") + "\n" : ""
}

/// Of each code the first few: a thousand of one kind say no more than five.
private func findingsText(_ findings: [Plan.Finding], _ colour: Colour) -> String {
    var counts: [String: Int] = [:]
    let shown = findings.filter { finding in
        counts[finding.code, default: 0] += 1
        return counts[finding.code, default: 0] <= 5
    }
    return colour.bold("findings") + "\n" + shown.map { "  \(findingLine($0, colour))\n" }.joined()
        + rest(findings.count - shown.count, "like these", colour)
}

private func changeLine(_ change: Plan.Change, isDenial: Bool, _ colour: Colour) -> String {
    let fields = change.fields.isEmpty ? "" : " (\(change.fields.joined(separator: ", ")))"
    let words = printable(
        "\(change.object.kind.rawValue) \(change.object.name)\(fields)\(isDenial ? ", a denial" : "")")
    switch change.action {
    case .add: return "  \(colour.green("+")) \(words)\n"
    case .change: return "  \(colour.yellow("~")) \(words)\n" + differenceLine(change)
    case .remove: return "  \(colour.red("-")) \(words)\n"
    case .move: return "  \(colour.faint("→")) \(words)\n"
    }
}

/// `was from 10.0.0.0/8; now from 10.1.0.0/16`; empty where no condition, limit or time differs.
private func differenceLine(_ change: Plan.Change) -> String {
    guard let was = change.was, let now = change.now else { return "" }
    let words = { (texts: [String]) in texts.isEmpty ? "not so" : texts.joined(separator: "; ") }
    return "      \(printable("was \(words(was)) → now \(words(now))"))\n"
}

/// Whose hosts the access that is shown is subject to; empty for none.
private func hostLines(_ plan: Plan, _ colour: Colour) -> String {
    let told = (plan.ceilings ?? []).joined(separator: ", ")
    let untold = (plan.untold ?? []).joined(separator: ", ")
    let lines = [
        told.isEmpty ? nil : "access is what the hosts of \(told) leave of it, by their ceilings",
        untold.isEmpty ? nil : "what the hosts of \(untold) take away is not known",
    ]
    return lines.compactMap(\.self).map { "  \(colour.faint(printable($0)))\n" }.joined()
}

/// One line for what is alike on several servers, in the plan's order.
private func accessText(_ access: [Plan.AccessChange], maximum: Int, _ colour: Colour) -> String {
    var groups: [(change: Plan.AccessChange, servers: [String])] = []
    var known: [Plan.AccessChange: Int] = [:]
    for change in access {
        var alike = change
        alike.grant.server = ""
        alike.example = nil
        if let index = known[alike] {
            groups[index].servers.append(change.grant.server)
        } else {
            known[alike] = groups.count
            groups.append((change, [change.grant.server]))
        }
    }
    let shown = groups.count <= maximum ? groups[...] : groups.prefix(maximum - 1)
    return shown.map { accessLine($0.change, $0.servers, colour) }.joined()
        + rest(groups.count - shown.count, "such lines", colour)
}

/// `group:x gains tool:write_* on finance/ledger (finance/writers; from 10.0.0.0/8)`
private func accessLine(_ change: Plan.AccessChange, _ servers: [String], _ colour: Colour) -> String {
    let isGain = change.direction == .gains
    let place =
        servers.count <= 3
        ? servers.joined(separator: ", ") : "\(servers[0]), \(servers[1]) and \(servers.count - 2) more servers"
    var words = ["\(change.grant.rule)"] + change.conditions
    if let otherwise = change.otherwise {
        words.append("\(isGain ? "had" : "keeps") \(otherwise.joined(separator: ", "))")
        if let example = change.example { words.append("as \(example)") }
    }
    let text =
        "\(change.grant.principal) \(isGain ? "gains" : "loses") \(capabilitiesText(change.grant.capabilities)) on \(place) "
        + "(\(words.joined(separator: "; ")))"
    return "  \(isGain ? colour.green("+") : colour.red("-")) \(printable(text))\n"
}

/// `2 to add, 1 to change, 0 to remove; 3 grants gained, 1 lost`.
private func summary(_ plan: Plan) -> String {
    func count(_ action: Plan.Action) -> Int { plan.changes.count { $0.action == action } }
    let gained = plan.access.count { $0.direction == .gains }
    return "\(count(.add)) to add, \(count(.change)) to change, \(count(.remove)) to remove; "
        + "\(counted(gained, "grant")) gained, \(plan.access.count - gained) lost"
}
