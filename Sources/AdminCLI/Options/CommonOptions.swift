import ArgumentParser

/// What every command takes that speaks with a hub.
struct HubOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The context to use: a file, or a name that `nave context list` shows.",
            discussion: "Else NAVE_CONTEXT, else the one that `nave context use` chose.", valueName: "file|name"))
    var context: String?
}

/// How a command shows what it found. The data goes to standard output, everything else to standard error.
struct OutputOptions: ParsableArguments {
    @Option(name: [.customShort("o"), .long], help: "The form of what is shown: table, json or yaml.")
    var output: OutputFormat = .table
}

enum OutputFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    case table, json, yaml
}

/// What commands take that list things of zones.
struct ZoneFilter: ParsableArguments {
    @Option(name: .long, help: "Only what belongs to this zone.")
    var zone: String?
}

/// How many rows a list shows.
struct ListLimit: ParsableArguments {
    @Option(name: .long, help: "Show at most this many.")
    var limit: Int?

    func validate() throws {
        guard limit.map({ (1...10_000).contains($0) }) ?? true else {
            throw ValidationError("`--limit` is a number from 1 to 10000")
        }
    }

    func cut<Row>(_ rows: [Row]) -> [Row] { limit.map { Array(rows.prefix($0)) } ?? rows }
}

/// The requester's reason, kept in the ledger.
struct WhyOption: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Why; kept with the change.", valueName: "text"))
    var why: String?
}

/// The reason of what takes something away: whoever is cut off asks for it, and an auditor does.
struct DemandedWhy: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Why; kept with the change.", valueName: "text"))
    var why: String

    func validate() throws {
        guard !why.allSatisfy(\.isWhitespace) else { throw ValidationError("`--why` says nothing") }
    }
}

/// What commands take that take something away.
struct ChangeOptions: ParsableArguments {
    @Flag(name: .long, help: "Say what would be done, and do nothing.")
    var dryRun = false

    @Flag(name: [.customShort("y"), .long], help: "Do not ask.")
    var yes = false
}
