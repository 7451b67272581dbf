import ArgumentParser
import Model
import Transport

struct ReviewShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows a review: every grant, its evidence of use, and its verdict.",
        discussion: "Example: nave review show ar-32")

    @Argument(help: ArgumentHelp("As `nave review list` shows it.", valueName: "id"))
    var review: ReviewName

    @Flag(name: .long, help: "Only what nobody has answered.")
    var unanswered = false

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var detail = try await hub.hub { try await $0.get("/v1/reviews/\(review.id)", as: ReviewDetail.self) }
        if unanswered { detail.items.removeAll { $0.verdict != nil } }
        let shown = detail
        try Terminal.current.show(shown, as: output.output) { reviewText(shown, now: .now, $0) }
    }
}
