import ArgumentParser
import Model
import Transport

/// What every command takes that revokes.
struct RevocationOptions: ParsableArguments {
    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var reason: DemandedWhy
    @OptionGroup var change: ChangeOptions
    @OptionGroup var acknowledgement: AcknowledgementOptions
}

/// How long a command that changes what spokes enforce waits until all of them do.
struct AcknowledgementOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Wait until every spoke has acknowledged it; where one has not, the exit status is 5.", valueName: "time"))
    var wait: Duration?
}

/// Revokes what has been issued under a name; it can enrol again only with a new invitation.
func revoke(_ member: MemberName, kind: MemberKind, _ options: RevocationOptions) async throws {
    try await options.hub.hub { hub in
        let row = try await hub.row(of: member, kind)
        let request = RevocationRequest(identity: row.identity, why: options.reason.why)
        try await revoke(
            request, "\(row.identity)", except: kind == .spoke ? member.description : nil, options, through: hub)
    }
}

/// Asks, and revokes.
/// - Parameters:
///   - who: as the person who is asked knows them.
///   - gone: A spoke that is itself revoked and reports no more.
func revoke(
    _ request: RevocationRequest, _ who: String, except gone: String? = nil, _ options: RevocationOptions,
    through hub: HubClient
) async throws {
    let terminal = Terminal.current
    if options.change.dryRun {
        terminal.say("would revoke the certificates of \(printable(who))")
        return
    }
    try terminal.confirm(
        "Revoke the certificates of \(printable(who)) and close their connections?", unless: options.change.yes)
    let answer = try await hub.post("/v1/identities/revoke", request, as: ChangeAnswer.self)
    try await tell(answer, as: options.output, options.acknowledgement, except: gone, hub, terminal)
}

/// Shows programs what a change did, tells people, and waits for the spokes where that was asked.
/// - Throws: `Ended` when one has not acknowledged it in time.
func tell(
    _ answer: ChangeAnswer, as output: OutputOptions, _ acknowledgement: AcknowledgementOptions,
    except gone: String? = nil, _ hub: HubClient, _ terminal: Terminal
) async throws {
    try terminal.showForPrograms(answer, as: output.output)
    terminal.say(changeLine(answer))
    try await acknowledged(answer, within: acknowledgement.wait, except: gone, hub, terminal)
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
