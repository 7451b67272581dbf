import Model

package func ledgerTable(_ rows: [LedgerRow]) -> Table {
    var table = Table("INDEX", "AT", "TYPE", "BY", "WHY")
    for row in rows {
        let by = row.by["requester"]?.string ?? row.by["robot"]?.string ?? "-"
        table.add("\(row.index)", "\(row.at)", "\(row.type)", "\(by)", "\(row.why ?? "")")
    }
    return table
}

/// The alarm of `nave status`; none where all checkpoints agree.
func contradictionLines(_ found: [LedgerContradiction], _ colour: Colour) -> [String] {
    guard let newest = found.first else { return [] }
    let all = found.reduce(0) { $0 + 1 + ($1.more ?? 0) }
    let count = all == 1 ? "1 checkpoint" : "\(all) checkpoints"
    return [
        colour.red("  ALARM    \(count) handed over that this ledger does not explain"),
        "           \(minute(newest.at)) by \(printable(newest.source)): \(printable(newest.code)), "
            + printable(newest.problem),
        "           both notes: nave status -o json",
    ]
}
