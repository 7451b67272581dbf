import ArgumentParser
import HubService

struct Epoch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let a restored ledger go on, by a trust manifest that names a new epoch; the hub must be stopped.",
        discussion: """
            Spokes and people refuse a ledger that is shorter than what they have seen, unless the trust manifest says so. \
            Three steps: prepare the version here, have the manifest keys sign it where they are kept, open the epoch here.

              nave-hub epoch prepare --data /var/lib/nave --out next.json
              nave trust sign next.json --key /media/a/manifest-1.key
              nave trust sign next.json --key /media/b/manifest-2.key
              nave-hub epoch open --data /var/lib/nave --manifest next.json --why "disk of h1 was lost"
            """,
        subcommands: [Prepare.self, Open.self])

    struct Prepare: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the version of the trust manifest that begins a new epoch, for the manifest keys to sign.",
            discussion: """
                The epoch goes on from the ledger as it stands here, which is verified first. All keys that the hub signs \
                with are new. Nothing changes before `epoch open`.

                  nave-hub epoch prepare --data /var/lib/nave --out next.json
                """)

        @OptionGroup var options: DataOptions

        @Option(help: ArgumentHelp("File to make.", valueName: "file"))
        var out: String

        @Option(
            name: .long, parsing: .singleValue,
            help: ArgumentHelp(
                "A signed version that was in force and that neither backup nor keys know; say it for each, in order.",
                valueName: "file"))
        var published: [String] = []

        @Option(help: "How long the version is good (default: 1095d).")
        var validFor: String?

        func run() async throws {
            let data = try options.path()
            try await failing {
                let outcome = try EpochPreparation(
                    data: data, target: out, published: published, validity: validFor,
                    passphrase: try options.keys.passphrase()
                ).run(now: HubClock.now())
                try options.output.show(text: outcome.text, json: outcome.json())
            }
        }
    }

    struct Open: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Append the epoch that a signed trust manifest begins; then the hub serves again.",
            discussion: """
                Checked as every spoke will: signed by enough keys of the version before and of its own, and going on from \
                the ledger as it stands here. Join tokens that were out become void, since they may have been used.

                  nave-hub epoch open --data /var/lib/nave --manifest next.json --why "disk of h1 was lost" \\
                    --revoke spiffe://finance.corp.example/spoke/fin-2
                """)

        @OptionGroup var options: DataOptions

        @Option(help: ArgumentHelp("What `nave trust sign` signed.", valueName: "file"))
        var manifest: String

        @Option(help: "Why; the ledger keeps it.")
        var why: String

        @Option(
            name: .long, parsing: .singleValue,
            help: ArgumentHelp(
                "An identity that was revoked in what was lost: refused from the first moment; say it for each.",
                valueName: "spiffe-id"))
        var revoke: [String] = []

        @Option(
            name: .long, parsing: .singleValue,
            help: ArgumentHelp(
                "A certificate, an authority's too, that was revoked or retired in what was lost; say it for each.",
                valueName: "serial"))
        var revokeSerial: [String] = []

        func run() async throws {
            let data = try options.path()
            try await failing {
                let outcome = try EpochOpening(
                    data: data, manifest: manifest, why: why, revoked: revoke, revokedSerials: revokeSerial,
                    passphrase: try options.keys.passphrase()
                ).run(now: HubClock.now)
                try options.output.show(text: outcome.text, json: outcome.json())
            }
        }
    }
}
