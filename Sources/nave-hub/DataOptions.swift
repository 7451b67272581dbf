import ArgumentParser

/// What every command takes that works on a data directory and tells what came of it.
struct DataOptions: ParsableArguments {
    @Option(help: "The hub's data directory. (env: NAVE_DATA)")
    var data: String?

    @OptionGroup var keys: KeyOptions

    @Option(name: [.short, .long], help: "text or json.")
    var output: Output = .text

    /// - Throws: `ValidationError` when neither the flag nor the variable names it.
    func path() throws -> String { try required(data, "data", "NAVE_DATA") }
}
