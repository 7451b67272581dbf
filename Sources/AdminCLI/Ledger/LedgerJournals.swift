import ArgumentParser
import Model
import Transport
import Trust

struct LedgerJournals: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journals", abstract: "Shows how far the ledger vouches for a spoke's journals.",
        discussion: """
            A spoke signs the head of its journal with every report, and the hub puts one root over the heads of all spokes
            into the ledger, once a minute at most. With -o json this is the proof that `nave-spoke verify` takes:

              nave ledger journals finance/fin-1 -o json > anchors.json
              nave ledger export ledger.jsonl
              nave-spoke verify --data /var/lib/nave-spoke --ledger ledger.jsonl --anchors anchors.json
            """)

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: ArgumentHelp("Whose.", valueName: "zone/name"))
    var spoke: MemberName

    @Option(name: .long, help: "Only of this journal.")
    var journal: String?

    @Option(name: .long, help: "Show at most this many, newest first, up to 20000; else 1000.")
    var limit: Int?

    func validate() throws {
        guard limit.map({ (1...20_000).contains($0) }) ?? true else {
            throw ValidationError("`--limit` is a number from 1 to 20000")
        }
    }

    func run() async throws {
        let anchors = try await hub.hub { hub in
            try await hub.get(
                "/v1/ledger/journals",
                query: query(
                    ("spoke", spoke.description), ("journal", journal), ("limit", limit.map { String($0) })),
                as: [JournalAnchor].self)
        }
        let table = try anchorTable(anchors)
        try Terminal.current.list(anchors, as: output.output, "anchors") { table.text($0) }
    }
}

/// What the anchors say; nothing of it is verified here.
private func anchorTable(_ anchors: [JournalAnchor]) throws -> Table {
    var table = Table("ENTRY", "JOURNAL", "LINES", "SIGNED")
    for anchor in anchors {
        let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: anchor.checkpoint)
        let checkpoint = try JournalCheckpoint(claimedBy: envelope)
        table.add("\(anchor.entry)", "\(checkpoint.journal)", "\(checkpoint.line)", "\(checkpoint.at)")
    }
    return table
}
