import ArgumentParser
import Model
import Transport

struct ClientShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows one client: its enrolment, its certificate, and when it was last seen.",
        discussion: "Example: nave client show analytics/reporting-bot")

    @Argument(help: ArgumentHelp("The client.", valueName: "zone/name"))
    var client: MemberName

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let row = try await hub.hub { try await $0.row(of: client, .client) }
        try Terminal.current.show(row, as: output.output) { clientText(row, now: .now, $0) }
    }
}
