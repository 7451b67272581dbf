import Model

package enum AccessQuestion: Sendable { case who, what }

/// Who may use what, a row a rule; conditions and what is taken away stand below, so that lines stay short.
package func accessText(_ answer: AccessAnswer, of question: AccessQuestion, _ colour: Colour) -> String {
    let note = answer.note.map { colour.faint(printable($0)) + "\n" } ?? ""
    guard !answer.rows.isEmpty else { return note }
    var text = ""
    var head: String?
    for row in answer.rows {
        let group = question == .who ? row.principal.description : row.server
        if group != head {
            head = group
            text += colour.bold(printable(group)) + "\n"
        }
        let rule = row.rule ?? "no rule"
        let through = row.through.map { ", as \($0)" } ?? ""
        text +=
            "  \(printable(capabilitiesText(row.capabilities)))  \(colour.faint(printable("(\(rule)\(through))")))\n"
        for condition in row.conditions { text += "      \(printable(condition))\n" }
        for exception in row.exceptions { text += "      \(colour.yellow(printable(exception)))\n" }
    }
    return text + note
}
