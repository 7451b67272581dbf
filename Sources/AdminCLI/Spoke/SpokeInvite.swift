import ArgumentParser
import Model

struct SpokeInvite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invite", abstract: "Makes a join token for a spoke; shown once.",
        discussion: """
            The topology must name the spoke. Whoever holds the token can enrol under this name, once.

              nave spoke invite finance/fin-1 --out token
              ssh fin-1 nave-spoke enroll --data /var/lib/nave-spoke < token
            """)

    @Argument(help: ArgumentHelp("The spoke.", valueName: "zone/name"))
    var spoke: MemberName

    @OptionGroup var options: InvitationOptions

    func run() async throws {
        try await invite(
            InvitationRequest(kind: .spoke, zone: spoke.zone, name: spoke.name), options,
            then: "on its host: `nave-spoke enroll --data DIR`, which reads the token from standard input")
    }
}
