import ArgumentParser
import Model
import Transport

struct ClientList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the clients and until when their certificates are valid.",
        discussion: "Example: nave client list --zone analytics")

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var filter: ZoneFilter
    @OptionGroup var limit: ListLimit

    func run() async throws {
        let rows = limit.cut(
            try await hub.hub {
                try await $0.get("/v1/clients", query: query(("zone", filter.zone)), as: [MemberRow].self)
            })
        try Terminal.current.list(rows, as: output.output, "clients") { clientTable(rows, now: .now).text($0) }
    }
}
