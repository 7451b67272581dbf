import ArgumentParser
import Model
import Transport

struct ReviewClose: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "Closes a review.",
        discussion: """
            Refused while grants are unanswered, unless they are to lapse now.

              nave review close ar-32
            """)

    @Argument(help: ArgumentHelp("As `nave review list` shows it.", valueName: "id"))
    var review: ReviewName

    @Flag(name: .long, help: "Let unanswered grants lapse now.")
    var lapseUnanswered = false

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var why: WhyOption
    @OptionGroup var change: ChangeOptions
    @OptionGroup var acknowledgement: AcknowledgementOptions

    func run() async throws {
        let terminal = Terminal.current
        try await hub.hub { hub in
            if lapseUnanswered || change.dryRun {
                let detail = try await hub.get("/v1/reviews/\(review.id)", as: ReviewDetail.self)
                let open = detail.items.filter { $0.verdict == nil }
                if change.dryRun {
                    try terminal.show(detail, as: output.output) { reviewText(detail, now: .now, $0) }
                    return
                }
                if !open.isEmpty {
                    try terminal.confirm(
                        "Let \(counted(open.count, "unanswered grant")) lapse now?", unless: change.yes)
                }
            }
            let request = CloseReviewRequest(lapseUnanswered: lapseUnanswered, why: why.why)
            let answer = try await hub.post("/v1/reviews/\(review.id)/close", request, as: ChangeAnswer.self)
            try await tell(answer, as: output, acknowledgement, hub, terminal)
        }
    }
}
