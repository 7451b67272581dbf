import ArgumentParser
import HubService

struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Replay the ledger and compare every row of the registry with it.",
        discussion: """
            Only reads, also while the hub serves. Exit code 0: everything is what the ledger says; 2: something is not, and
            each difference is named.
            """)

    enum Output: String, ExpressibleByArgument, CaseIterable { case text, json }

    @Option(help: "The hub's data directory. (env: NAVE_DATA)")
    var data: String?

    @Option(name: [.short, .long], help: "text or json.")
    var output: Output = .text

    @OptionGroup var keys: KeyOptions

    func run() async throws {
        let data = try required(data, "data", "NAVE_DATA")
        let outcome = try await failing { try HubVerification.verify(data: data, passphrase: try keys.passphrase()) }
        switch output {
        case .text: print(outcome.text)
        case .json: print(String(decoding: outcome.json, as: UTF8.self))
        }
        if !outcome.isClean { throw ExitCode(2) }
    }
}
