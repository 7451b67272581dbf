import Model

package func toolTable(_ rows: [ToolRow], now: Instant) -> Table {
    var table = Table("SERVER", "TOOL", "STATE", "PIN", "READ-ONLY", "LISTED BY", "FIRST SEEN")
    for row in rows {
        let listed = row.definitions.filter { !$0.spokes.isEmpty }
        let spokes = Set(listed.flatMap(\.spokes)).sorted()
        let first = listed.compactMap(\.firstSeen).max()
        table.add(
            "\(row.server)", "\(row.tool)", stateCell(row), "\(row.pin.rawValue)", "\(readOnlyText(row))",
            "\(spokes.isEmpty ? "-" : spokes.joined(separator: ","))", "\(first.map { ago($0, now: now) } ?? "-")")
    }
    return table
}

private func stateCell(_ row: ToolRow) -> Table.Cell {
    switch row.state {
    case .approved: Table.Cell(row.state.rawValue, .good)
    case .changed: Table.Cell(row.state.rawValue, .bad)
    case .unapproved: Table.Cell(row.state.rawValue, .warning)
    case .missing: Table.Cell(row.state.rawValue, .faint)
    }
}

/// What the listed definitions say of themselves, `yes, was no` where that is not what was approved.
private func readOnlyText(_ row: ToolRow) -> String {
    let listed = row.definitions.filter { !$0.spokes.isEmpty }
    let says = wordText(listed.isEmpty ? row.definitions : listed)
    let approved = row.definitions.filter(\.isApproved)
    let said = wordText(approved)
    return approved.isEmpty || said == says ? says : "\(says), was \(said)"
}

private func wordText(_ definitions: [ToolRow.Definition]) -> String {
    let words = Set(definitions.map { $0.readOnly.map { $0 ? "yes" : "no" } ?? "-" })
    return words.sorted().joined(separator: "/")
}

/// `read_entry: changed, read-only yes, was no`: what somebody says yes to.
func approvalLine(_ row: ToolRow) -> String {
    "\(row.tool): \(row.state.rawValue), read-only \(readOnlyText(row))"
}

/// Each listed definition against the approved one that is nearest to it.
package func toolDifferenceText(_ detail: ToolDetail, _ colour: Colour) -> String {
    let row = detail.row
    let contents = Dictionary(detail.contents.map { ($0.digest, $0.definition) }) { first, _ in first }
    var lines = [colour.bold("\(printable(row.server)) \(printable(row.tool))") + ": \(row.state.rawValue)"]
    let approved = row.definitions.filter(\.isApproved)
    for definition in row.definitions where !definition.spokes.isEmpty {
        let by =
            "listed by \(definition.spokes.joined(separator: ", ")) in \(definition.versions.joined(separator: ", "))"
        let since = definition.firstSeen.map { ", first seen \(minute($0))" } ?? ""
        lines.append("\(definition.isApproved ? "approved" : "not approved"), \(printable(by))\(since)")
        lines.append("  \(definition.digest)")
        guard !definition.isApproved else { continue }
        guard let after = contents[definition.digest] else {
            lines.append("  the definition is too large to be told")
            continue
        }
        let known = approved.compactMap { contents[$0.digest] }
        let nearest = known.map { JSONDifference.between($0, after) }.min { $0.count < $1.count }
        if let nearest, !nearest.isEmpty {
            for difference in nearest { lines += differenceLines(difference, colour) }
        } else {
            if !approved.isEmpty { lines.append("  what was approved is not kept; this is all of it:") }
            lines += visible(jsonText(after).dropLast()).split(separator: "\n").map { colour.green("+ \($0)") }
        }
    }
    return lines.map { $0 + "\n" }.joined()
}

private func differenceLines(_ difference: JSONDifference, _ colour: Colour) -> [String] {
    let place = difference.pointer.isEmpty ? "(all)" : visible(difference.pointer)
    return [difference.before.map { colour.red("- \(place) \(visible($0.description))") }].compactMap(\.self)
        + [difference.after.map { colour.green("+ \(place) \(visible($0.description))") }].compactMap(\.self)
}

/// Text of others in which nothing is hidden: what a terminal would not show is spelled out, as `\u{200B}`.
private func visible(_ text: some StringProtocol) -> String {
    var shown = ""
    for scalar in text.unicodeScalars {
        switch scalar.properties.generalCategory {
        case .control where scalar == "\n": shown.unicodeScalars.append(scalar)
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate:
            shown += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
        default: shown.unicodeScalars.append(scalar)
        }
    }
    return shown
}
