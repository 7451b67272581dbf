import Model
import Transport

/// What the topology names by zone and name, and the hub enrols.
enum MemberKind: String {
    case spoke, client
}

extension HubClient {
    /// What the hub knows of one spoke or client.
    /// - Throws: `unknown-spoke`, `unknown-client`.
    func row(of member: MemberName, _ kind: MemberKind) async throws -> MemberRow {
        let rows = try await get("/v1/\(kind.rawValue)s", query: [("zone", member.zone)], as: [MemberRow].self)
        return try demand(member.description, in: rows, \.name, kind.rawValue)
    }
}

/// The row of that name.
/// - Parameter what: `server`, as messages call it.
/// - Throws: `unknown-` and what it is, with the name that was probably meant.
func demand<Row>(_ name: String, in rows: [Row], _ nameOf: (Row) -> String, _ what: String) throws(AdminError) -> Row {
    guard let row = rows.first(where: { nameOf($0) == name }) else {
        throw AdminError(
            "unknown-\(what)", "there is no \(what) \(backticked(name))",
            hint: suggestionHint(for: name, among: rows.map(nameOf)))
    }
    return row
}
