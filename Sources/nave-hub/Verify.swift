import ArgumentParser
import HubService

struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Replay the ledger and compare every row of the registry with it.",
        discussion: """
            Only reads, also while the hub serves. Exit code 0: everything is what the ledger says; 2: something is not, and
            each difference is named.

              nave-hub verify --data /var/lib/nave
            """)

    @OptionGroup var options: DataOptions

    func run() async throws {
        let data = try options.path()
        let outcome = try await failing {
            try HubVerification.verify(data: data, passphrase: try options.keys.passphrase())
        }
        options.output.show(text: outcome.text, json: outcome.json)
        if !outcome.isClean { throw ExitCode(2) }
    }
}
