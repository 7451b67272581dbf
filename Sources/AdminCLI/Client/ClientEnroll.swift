import ArgumentParser
import Model
import Trust

struct ClientEnroll: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enroll", abstract: "Enrols this machine's workload as a client, with a join token.",
        discussion: """
            Makes a key on this machine, has the hub certify it, and keeps both in a context that `nave connect` uses.

              nave client enroll --token-file token --as reporting
              nave connect finance/ledger --context reporting
            """)

    @OptionGroup var token: TokenOptions

    func run() async throws {
        try await token.enrol(
            [.client],
            standardName: { context in
                let zone = context.identity.trustDomain.dropLast(context.organization.count + 1)
                return "\(zone)-\(context.identity.name)"
            }, becomesCurrent: false)
    }
}
