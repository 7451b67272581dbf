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
    @OptionGroup var acknowledgement: AcknowledgementOptions

    func run() async throws {
        let request = DecideItemRequest(verdict: verdict, why: reason.why)
        try await hub.hub { hub in
            let answer = try await hub.post(
                "/v1/reviews/\(item.review)/items/\(item.number)", request, as: ChangeAnswer.self)
            try await tell(answer, as: output, acknowledgement, hub, .current)
        }
    }
}
