import ArgumentParser
import Model
import Transport

struct ReviewDecide: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decide", abstract: "Keeps or revokes one grant of a review.",
        discussion: """
            A revoked grant is denied by every spoke within seconds, whatever the topology's files say.

              nave review decide ar-32/3 --verdict revoke --why "project has ended"
            """)

    @Argument(help: ArgumentHelp("The item, as `nave review show` numbers it.", valueName: "review/number"))
    var item: ReviewItemName

    @Option(name: .long, help: "keep or revoke.")
    var verdict: Verdict

    @OptionGroup var reason: DemandedWhy
    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var change: ChangeOptions
    @OptionGroup var acknowledgement: AcknowledgementOptions

    func run() async throws {
        let terminal = Terminal.current
        let request = DecideItemRequest(verdict: verdict, why: reason.why)
        try await hub.hub { hub in
            if change.dryRun || (verdict == .revoke && !change.yes) {
                let grant = try await grant(hub)
                if change.dryRun {
                    terminal.say("would \(verdict.rawValue) \(grant)")
                    return
                }
                try terminal.confirm("Revoke \(grant)?", unless: change.yes)
            }
            let answer = try await hub.post(
                "/v1/reviews/\(item.review)/items/\(item.number)", request, as: ChangeAnswer.self)
            try await tell(answer, as: output, acknowledgement, hub, terminal)
        }
    }

    /// The item in words: what is asked is what is revoked.
    private func grant(_ hub: HubClient) async throws -> String {
        let detail = try await hub.get("/v1/reviews/\(item.review)", as: ReviewDetail.self)
        guard let grant = detail.items.first(where: { $0.number == item.number })?.grant else {
            throw AdminError(
                "unknown-item", "the review `\(item.review)` has no item \(item.number)",
                hint: "`nave review show \(item.review)` numbers them")
        }
        return printable("\(capabilitiesText(grant.capabilities)) of \(grant.principal) at \(grant.server)")
    }
}
