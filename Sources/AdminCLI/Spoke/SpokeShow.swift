import ArgumentParser
import Model
import Transport

struct SpokeShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows one spoke: its enrolment, its certificate, what it enforces and fronts.",
        discussion: "Example: nave spoke show finance/fin-1")

    @Argument(help: ArgumentHelp("The spoke.", valueName: "zone/name"))
    var spoke: MemberName

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    /// What `-o json` shows.
    struct Shown: Encodable {
        var spoke: MemberRow
        /// Nil from a hub that knows nothing of it yet.
        var rollout: Rollout.Row?
        /// Full name to what the spoke reported.
        var servers: [String: ServerStatus.State]
    }

    func run() async throws {
        let shown = try await hub.hub { hub in
            let row = try await hub.row(of: spoke, .spoke)
            let zone = [("zone", spoke.zone)]
            let rollout = try await hub.get("/v1/rollout", query: zone, as: Rollout.self)
            let servers = try await hub.get("/v1/servers", query: zone, as: [ServerRow].self)
            return Shown(
                spoke: row, rollout: rollout.rows.first { $0.spoke == row.name },
                servers: Dictionary(
                    servers.compactMap { server in server.spokes[spoke.name].map { (server.name, $0) } }
                ) {
                    first, _ in first
                })
        }
        try Terminal.current.show(shown, as: output.output) {
            spokeText(shown.spoke, shown.rollout, shown.servers, now: .now, $0)
        }
    }
}
