import ArgumentParser
import Model

struct ClientInvite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invite", abstract: "Makes a join token for a client; shown once.",
        discussion: """
            The topology must name the client. Whoever holds the token can enrol under this name, once.

              nave client invite analytics/reporting-bot --out token
            """)

    @Argument(help: ArgumentHelp("The client.", valueName: "zone/name"))
    var client: MemberName

    @OptionGroup var options: InvitationOptions

    func run() async throws {
        try await invite(
            InvitationRequest(kind: .client, zone: client.zone, name: client.name), options,
            then: "on its machine: `nave client enroll`, which reads the token from standard input")
    }
}
