import ArgumentParser
import Model
import Transport

struct SpokeList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the spokes, whether they have enrolled, and what they enforce.",
        discussion: "Example: nave spoke list --zone finance")

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var filter: ZoneFilter
    @OptionGroup var limit: ListLimit

    func run() async throws {
        let rows = limit.cut(
            try await hub.hub {
                try await $0.get("/v1/spokes", query: query(("zone", filter.zone)), as: [MemberRow].self)
            })
        try Terminal.current.list(rows, as: output.output, "spokes") { spokeTable(rows, now: .now).text($0) }
    }
}
