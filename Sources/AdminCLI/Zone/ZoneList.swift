import ArgumentParser
import Model
import Transport

struct ZoneList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the security zones.",
        discussion: "Example: nave zone list -o json")

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var limit: ListLimit

    func run() async throws {
        let rows = limit.cut(try await hub.hub { try await $0.get("/v1/zones", as: [ZoneRow].self) })
        try Terminal.current.list(rows, as: output.output, "zones") { zoneTable(rows).text($0) }
    }
}
