import ArgumentParser
import Model
import Transport

/// How long a command that revokes waits until every spoke enforces it.
struct AcknowledgementOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Wait until every spoke has acknowledged it; where one has not, the exit status is 5.", valueName: "time"))
    var wait: Duration?
}

/// Revokes what has been issued under a name; it can enrol again only with a new invitation.
func revoke(
    _ member: MemberName, kind: String, why: String?, change: ChangeOptions,
    acknowledgement: AcknowledgementOptions, through options: HubOptions
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
        let gone = kind == "spoke" ? member.description : nil
        try await acknowledged(answer, within: acknowledgement.wait, except: gone, hub, terminal)
    }
}

/// Waits until every spoke that ever reported enforces a change; without a time it does not wait.
/// - Parameter gone: A spoke that was itself revoked and reports no more.
/// - Throws: `Ended` when one has not in time.
func acknowledged(
    _ answer: ChangeAnswer, within wait: Duration?, except gone: String?, _ hub: HubClient, _ terminal: Terminal
) async throws {
    guard let wait, let index = answer.index else { return }
    let clock = ContinuousClock()
    let limit = clock.now + .milliseconds(wait.span.count)
    while true {
        let rows = try await hub.get("/v1/rollout", as: Rollout.self).rows
            .filter { $0.spoke != gone && $0.state != .neverSeen }
        let missing = unacknowledged(rows, index: index)
        if missing.isEmpty {
            terminal.say("\(counted(rows.count, "spoke")) acknowledged it")
            return
        }
        guard clock.now < limit else {
            terminal.say(
                "not acknowledged in \(wait.span) by "
                    + printable(missing.prefix(5).joined(separator: ", ") + (missing.count > 5 ? ", …" : "")))
            throw Ended(.notConverged)
        }
        try await clock.sleep(until: min(clock.now + .milliseconds(200), limit))
    }
}

/// Spokes that do not enforce a ledger entry yet: they enforce an older revision, or refuse the newest.
package func unacknowledged(_ rows: [Rollout.Row], index: Int64) -> [String] {
    rows.filter { ($0.applied ?? -1) < index }.map(\.spoke)
}

/// What a changing request did, in one line of talk.
func changeLine(_ answer: ChangeAnswer) -> String {
    guard let index = answer.index else { return "nothing to do" }
    guard !answer.spokes.isEmpty else { return "done (ledger entry \(index))" }
    return "done (ledger entry \(index)); changes what these enforce: \(answer.spokes.joined(separator: ", "))"
}
