import Model
import Trust

package func certificateTable(_ rows: [CertificateRow]) -> Table {
    var table = Table("SERIAL", "STATE", "UNTIL", "IDENTITY")
    for row in rows {
        table.add("\(row.serial)", stateCell(row.state), "\(minute(row.notAfter))", "\(row.identity)")
    }
    return table
}

package func certificateText(_ row: CertificateRow, _ colour: Colour) -> String {
    let lines = [
        ("identity", row.identity.description), ("state", row.state.rawValue),
        ("valid", "\(row.notBefore) to \(row.notAfter)"), ("key", row.key),
        ("issued for", row.invitation.map { "the invitation \($0)" } ?? "a renewal, or by the hub itself"),
    ]
    let text = lines.map { "  " + $0.padded(to: 12) + printable($1) + "\n" }.joined()
    let pem = row.certificate.flatMap { Base64.decode($0) }.map { PEM.encode(label: "CERTIFICATE", $0) } ?? ""
    return colour.bold(printable(row.serial)) + "\n" + text + pem
}

private func stateCell(_ state: CertificateRow.State) -> Table.Cell {
    switch state {
    case .current: Table.Cell(state.rawValue, .good)
    case .superseded: Table.Cell(state.rawValue, .faint)
    case .revoked, .expired: Table.Cell(state.rawValue, .bad)
    }
}
