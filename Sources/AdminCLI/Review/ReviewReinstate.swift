import ArgumentParser
import Model
import Transport

struct ReviewReinstate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reinstate", abstract: "Lifts a revocation that a review led to.",
        discussion: """
            The rules decide again about the grant, on every spoke within seconds. Only this lifts a revocation, no file does;
            and only somebody who neither asked for it, nor wrote the rule, nor holds the grant.

              nave review reinstate ar-32/3 --why "project goes on, FIN-9"
            """)

    @Argument(help: ArgumentHelp("The item, as `nave review show` numbers it.", valueName: "review/number"))
    var item: ReviewItemName

    @OptionGroup var reason: DemandedWhy
    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var acknowledgement: AcknowledgementOptions

    func run() async throws {
        let request = ReinstateRequest(why: reason.why)
        try await hub.hub { hub in
            let answer = try await hub.post(
                "/v1/reviews/\(item.review)/items/\(item.number)/reinstate", request, as: ChangeAnswer.self)
            try await tell(answer, as: output, acknowledgement, hub, .current)
        }
    }
}
