import ArgumentParser
import Model

struct SpokeInvite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invite", abstract: "Makes a join token for a spoke; prints it alone, once.",
        discussion: """
            The topology must name the spoke. Whoever holds the token can enrol under this name, once.

              nave spoke invite finance/fin-1 > token
              scp token fin-1: && ssh fin-1 nave-spoke enroll --token-file token
            """)

    @Argument(help: ArgumentHelp("The spoke.", valueName: "zone/name"))
    var spoke: MemberName

    @OptionGroup var hub: HubOptions
    @OptionGroup var invitation: InvitationOptions
    @OptionGroup var why: WhyOption

    func run() async throws {
        try await invite(
            InvitationRequest(
                kind: .spoke, zone: spoke.zone, name: spoke.name, validFor: invitation.validFor?.span,
                replace: invitation.replace ? true : nil, why: why.why),
            through: hub, then: "on its host: `nave-spoke enroll`, which reads the token from standard input")
    }
}
