import Model

package func authorityTable(_ rows: [AuthorityRow]) -> Table {
    var table = Table("NAME", "STATE", "SERIAL", "KEY", "UNTIL", "LEAVES", "MANIFEST")
    for row in rows {
        table.add(
            "\(row.name)", stateCell(row.state), "\(row.serial ?? "-")", "\(shortKey(row.key))",
            "\(row.notAfter.map(minute) ?? "-")", "\(row.leaves)",
            "\(row.isInManifest.map { $0 ? "yes" : "no" } ?? "")")
    }
    return table
}

private func stateCell(_ state: AuthorityState) -> Table.Cell {
    switch state {
    case .active: Table.Cell(state.rawValue, .good)
    case .requested, .prepared, .old: Table.Cell(state.rawValue)
    case .tainted: Table.Cell(state.rawValue, .bad)
    case .retired: Table.Cell(state.rawValue, .faint)
    }
}
