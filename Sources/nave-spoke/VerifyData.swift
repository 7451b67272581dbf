import ArgumentParser
import SpokeAgent

struct VerifyData: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check the stored delivery and the journal's lines; changes nothing.",
        discussion: """
            Names each line of the journal that was changed, dropped, added or moved. With an exported ledger it also shows,
            knowing nothing else, that the journal is whole up to what the hub anchored:

              nave ledger export ledger.jsonl
              nave ledger journals finance/fin-1 -o json > anchors.json
              nave-spoke verify --data /var/lib/nave-spoke --ledger ledger.jsonl --anchors anchors.json

            The ledger may anchor a journal that this spoke wrote before, as one that began anew with an empty data directory:
            --journal says where it is kept. Without its lines it is named as missing.

            Exits 0 when all is in order and 2 when something is wrong.
            """)

    @Option(help: "The spoke's data directory. (env: NAVE_DATA)")
    var data: String?

    @Option(help: "The directory of `audit: { spill: … }` in spoke.yaml, where it has one.")
    var spill: String?

    @Option(
        help: ArgumentHelp("The directory of an earlier journal of this spoke; may be given again.", valueName: "dir"))
    var journal: [String] = []

    @Option(help: "What `nave ledger export` wrote.")
    var ledger: String?

    @Option(help: "What `nave ledger journals ZONE/NAME -o json` showed.")
    var anchors: String?

    @Option(help: "The signed trust manifest for --ledger; without it the one that this spoke holds.")
    var manifest: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (ledger == nil) == (anchors == nil) else {
            throw ValidationError("--ledger and --anchors go together")
        }
        guard manifest == nil || ledger != nil else { throw ValidationError("--manifest is for --ledger") }
    }

    func run() async throws {
        let data = try required(data, "data", "NAVE_DATA")
        let found = try await failing {
            try Commands.verify(
                data: data, spill: spill, earlier: journal, ledger: ledger, anchors: anchors, manifest: manifest)
        }
        output.show(found)
        if !found.isGood { throw ExitCode(2) }
    }
}
