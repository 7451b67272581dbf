import ArgumentParser
import Model
import Transport

struct ZoneShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows one zone: its classification, and how much of what it holds.",
        discussion: "Example: nave zone show finance")

    @Argument(help: "The zone.")
    var zone: String

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard isLabel(zone) else { throw ValidationError("\(backticked(zone)) is no name of a zone") }
    }

    func run() async throws {
        let rows = try await hub.hub { try await $0.get("/v1/zones", as: [ZoneRow].self) }
        let row = try demand(zone, in: rows, \.name, "zone")
        try Terminal.current.show(row, as: output.output) { zoneText(row, $0) }
    }
}
