import ArgumentParser
import Model
import Transport

struct ReviewList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the reviews and how far they have come.",
        discussion: "Example: nave review list --zone finance")

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var filter: ZoneFilter
    @OptionGroup var limit: ListLimit

    func run() async throws {
        let rows = limit.cut(
            try await hub.hub {
                try await $0.get("/v1/reviews", query: query(("zone", filter.zone)), as: [ReviewRow].self)
            })
        try Terminal.current.list(rows, as: output.output, "reviews") { reviewTable(rows, now: .now).text($0) }
    }
}
