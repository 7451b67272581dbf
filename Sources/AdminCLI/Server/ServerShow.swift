import ArgumentParser
import Model
import Transport

struct ServerShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Shows one server: where it is, whether it is up, whether it is only observed, and its tools.",
        discussion: "Example: nave server show finance/ledger")

    @Argument(help: ArgumentHelp("The server.", valueName: "zone/name"))
    var server: MemberName

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let rows = try await hub.hub {
            try await $0.get("/v1/servers", query: [("zone", server.zone)], as: [ServerRow].self)
        }
        let row = try demand(server.description, in: rows, \.name, "server")
        try Terminal.current.show(row, as: output.output) { serverText(row, now: .now, $0) }
    }
}
