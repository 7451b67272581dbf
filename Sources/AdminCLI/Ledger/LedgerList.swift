import ArgumentParser
import Model
import Transport

struct LedgerList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists entries of the ledger in their order, for auditors.",
        discussion: """
            Personal values are shown as far as the hub still holds them.

            Examples:
              nave ledger list --from 120
              nave ledger list --type topology.applied --limit 20 -o json
            """)

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    @Option(
        name: [.customLong("from"), .customLong("since")],
        help: ArgumentHelp("From this entry on; the first is 0.", valueName: "index"))
    var first: Int64?

    @Option(name: .long, help: ArgumentHelp("Only entries of this type, as topology.applied.", valueName: "type"))
    var type: String?

    @Option(name: .long, help: "Show at most this many, up to 1000; else 100.")
    var limit: Int?

    func validate() throws {
        guard limit.map({ (1...1000).contains($0) }) ?? true else {
            throw ValidationError("`--limit` is a number from 1 to 1000")
        }
        guard first.map({ $0 >= 0 }) ?? true else { throw ValidationError("`--from` is an index from 0") }
    }

    func run() async throws {
        let rows = try await hub.hub { hub in
            try await hub.get(
                "/v1/ledger/entries",
                query: query(
                    ("since", first.map { String($0) }), ("type", type), ("limit", limit.map { String($0) })),
                as: [LedgerRow].self)
        }
        try Terminal.current.list(rows, as: output.output, "entries") { ledgerTable(rows).text($0) }
    }
}
