import ArgumentParser
import Model
import Transport

struct ReviewOpen: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Opens a review of every grant of a zone; prints its id.",
        discussion: """
            What nobody has answered when it is due lapses then, by every spoke's own clock. The id is `ar-` and the number \
            of the ledger's entry that opens it.

              nave review open --zone finance --due 2026-12-15 --why "fourth quarter"
            """)

    @Option(name: .long, help: "The zone whose grants are reviewed.")
    var zone: String

    @Option(name: .long, help: ArgumentHelp("Until when: a day (to its end, UTC) or a time.", valueName: "date|time"))
    var due: Deadline

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var why: WhyOption

    func validate() throws {
        guard isLabel(zone) else { throw ValidationError("\(backticked(zone)) is no name of a zone") }
    }

    func run() async throws {
        let request = OpenReviewRequest(zone: zone, due: due.moment, why: why.why)
        let review = try await hub.hub { try await $0.post("/v1/reviews", request, as: ReviewDetail.self) }
        let terminal = Terminal.current
        try terminal.show(review, as: output.output) { _ in review.row.id + "\n" }
        let count = counted(review.row.items, "grant")
        terminal.say("\(count) to review until \(minute(review.row.due)); `nave review show \(review.row.id)`")
    }
}
