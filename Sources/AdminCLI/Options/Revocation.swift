import Model
import Transport

/// Revokes what has been issued under a name; it can enrol again only with a new invitation.
func revoke(
    _ member: MemberName, kind: String, why: String?, change: ChangeOptions, through options: HubOptions
) async throws {
    let terminal = Terminal.current
    try await options.hub { hub in
        let rows = try await hub.get("/v1/\(kind)s", query: [("zone", member.zone)], as: [MemberRow].self)
        guard let row = rows.first(where: { $0.name == member.description }) else {
            throw AdminError(
                "unknown-\(kind)", "there is no \(kind) \(backticked(member.description))",
                hint: suggestionHint(for: member.description, among: rows.map(\.name)))
        }
        if change.dryRun {
            terminal.say("would revoke the certificates of \(row.identity)")
            return
        }
        try terminal.confirm(
            "Revoke the certificates of \(row.identity) and close its connections?", unless: change.yes)
        let request = RevocationRequest(identity: row.identity, why: why)
        let answer = try await hub.post("/v1/identities/revoke", request, as: ChangeAnswer.self)
        terminal.say(changeLine(answer))
    }
}

/// What a changing request did, in one line of talk.
func changeLine(_ answer: ChangeAnswer) -> String {
    guard let index = answer.index else { return "nothing to do" }
    guard !answer.spokes.isEmpty else { return "done (ledger entry \(index))" }
    return "done (ledger entry \(index)); changes what these enforce: \(answer.spokes.joined(separator: ", "))"
}
