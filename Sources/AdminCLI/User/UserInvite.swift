import ArgumentParser
import Model

struct UserInvite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invite", abstract: "Makes a join token for a person; shown once.",
        discussion: """
            What the person may do is what the topology's roles give to their address.

              nave user invite erin@corp.example --valid-for 8h --out token
            """)

    @Argument(help: "The person's address, as the topology's `user:` names it.")
    var address: String

    @OptionGroup var options: InvitationOptions

    func validate() throws {
        guard (try? Principal("user:\(address)")) != nil, address.contains("@") else {
            throw ValidationError("\(backticked(address)) is no address")
        }
    }

    func run() async throws {
        try await invite(
            InvitationRequest(kind: .user, address: address), options,
            then: "the person runs `nave login`, which reads the token from standard input")
    }
}
