import ArgumentParser
import Model
import Trust

struct Login: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Enrols you with a join token that an owner made for you.",
        discussion: """
            Makes a key on this machine, has the hub certify it, and keeps both in a context that \
            commands use from then on.

              nave login --token-file token
              nave user invite erin@corp.example | ssh erin@desk nave login
            """)

    @OptionGroup var token: TokenOptions

    func run() async throws {
        try await token.enrol([.user], standardName: { $0.organization }, becomesCurrent: true)
    }
}
