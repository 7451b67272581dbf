import ArgumentParser
import Model
import Transport

struct ToolDiff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Shows how a tool differs from what was approved.",
        discussion: """
            Place by place, as a JSON pointer; key order and white space are no differences. A tool that nobody approved is \
            shown whole. Exit status 2 when there is a difference.

              nave tool diff finance/ledger read_entry
            """)

    @Argument(help: ArgumentHelp("The server.", valueName: "zone/name"))
    var server: MemberName

    @Argument(help: "The tool's name.")
    var tool: String

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let detail = try await hub.hub {
            try await $0.get(
                "/v1/tools/\(server.zone)/\(server.name)", query: [("tool", tool)], as: ToolDetail.self)
        }
        try Terminal.current.show(detail, as: output.output) { toolDifferenceText(detail, $0) }
        if detail.row.state == .changed || detail.row.state == .unapproved { throw Ended(.differences) }
    }
}
