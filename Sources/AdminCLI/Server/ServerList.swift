import ArgumentParser
import Model
import Transport

struct ServerList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the registered MCP servers and whether they are up.",
        discussion: """
            Examples:
              nave server list --zone finance
              nave server list --label tier=gold -o json
            """)

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var filter: ZoneFilter
    @OptionGroup var limit: ListLimit

    @Option(name: .long, help: ArgumentHelp("Only servers with this label.", valueName: "name=value"))
    var label: [Label] = []

    func run() async throws {
        let all = try await hub.hub {
            try await $0.get("/v1/servers", query: query(("zone", filter.zone)), as: [ServerRow].self)
        }
        let rows = limit.cut(all.filter { row in label.allSatisfy { row.labels[$0.name] == $0.value } })
        try Terminal.current.list(rows, as: output.output, "servers") { serverTable(rows).text($0) }
    }
}

/// `tier=gold`.
struct Label: ExpressibleByArgument, Hashable, Sendable {
    var name: String
    var value: String

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, isLabel(parts[0]), !parts[1].isEmpty else { return nil }
        name = parts[0]
        value = parts[1]
    }
}
