import ArgumentParser
import HubService

struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a data directory of a backup, after verifying it.",
        discussion: """
            The data directory must not exist or be empty. Says how the restored ledger stands to what spokes may have seen.
            Where entries were lost, or nobody can say, `serve` refuses until `nave-hub epoch` has opened a new epoch.

              nave-hub restore --from /backup/nave-2026-11-21 --data /var/lib/nave --previous /var/lib/nave.broken
            """)

    @Option(help: "The backup.")
    var from: String

    @Option(help: "Data directory to make. (env: NAVE_DATA)")
    var data: String?

    @Option(help: "Where the keys are when the backup has none: a backup made --with-keys, or a data directory.")
    var keys: String?

    @Option(help: "What is left of the old data directory, to compare with; it is not changed.")
    var previous: String?

    @Option(name: [.short, .long], help: "text or json.")
    var output: Output = .text

    @OptionGroup var keyOptions: KeyOptions

    func run() async throws {
        let data = try required(data, "data", "NAVE_DATA")
        let outcome = try await failing {
            try HubRestore(
                backup: from, data: data, keys: keys, previous: previous, passphrase: try keyOptions.passphrase()
            ).run()
        }
        output.show(text: outcome.text, json: outcome.json)
    }
}
