import ArgumentParser
import Model
import Transport

struct ToolList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists tools, and whether they are as they were approved.",
        discussion: """
            `approved`: every definition that is listed was approved; `changed`: one is listed that was not, though another \
            was; `unapproved`: no definition of a tool of that name is approved; `missing`: approved, and no spoke lists it now.

            Examples:
              nave tool list finance/ledger
              nave tool list --zone finance --state changed -o json
            """)

    @Argument(help: ArgumentHelp("Only this server's.", valueName: "zone/name"))
    var server: MemberName?

    @Option(name: .long, help: "Only tools in this state: approved, changed, unapproved or missing.")
    var state: ToolRow.State?

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var filter: ZoneFilter
    @OptionGroup var limit: ListLimit

    func run() async throws {
        let rows = limit.cut(
            try await hub.hub {
                try await $0.get(
                    "/v1/tools",
                    query: query(
                        ("server", server?.description), ("zone", filter.zone), ("state", state?.rawValue),
                        ("limit", "100000")), as: [ToolRow].self)
            })
        try Terminal.current.list(rows, as: output.output, "tools") { toolTable(rows, now: .now).text($0) }
    }
}

extension ToolRow.State: ExpressibleByArgument {}
