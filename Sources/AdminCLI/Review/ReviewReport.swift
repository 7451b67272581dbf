import ArgumentParser
import Model
import Transport

struct ReviewReport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Prints what an auditor asks of a review: grants, evidence, verdicts, effect.",
        discussion: "Example: nave review report ar-32 -o json > ar-32.json")

    @Argument(help: ArgumentHelp("As `nave review list` shows it.", valueName: "id"))
    var review: ReviewName

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let detail = try await hub.hub { try await $0.get("/v1/reviews/\(review.id)/report", as: ReviewDetail.self) }
        try Terminal.current.show(detail, as: output.output) { reviewReportText(detail, now: .now, $0) }
    }
}
