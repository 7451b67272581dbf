import ArgumentParser
import SpokeAgent

struct BundleNoun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bundle",
        abstract: "Policy bundles that were in force here, kept so that decisions can be replayed.",
        subcommands: [BundleList.self, BundleExport.self])
}

struct BundleList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the kept bundles, newest first: digest, revision, since when, bytes.",
        discussion: "  nave-spoke bundle list --data /var/lib/nave-spoke")

    @Option(help: "The spoke's data directory. (env: NAVE_DATA)")
    var data: String?

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let data = try required(data, "data", "NAVE_DATA")
        output.show(try await failing { try Commands.bundles(data: data) })
    }
}

struct BundleExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a bundle's signed envelope to standard output.",
        discussion: """
            The journal's lines name the bundle that decided:

              nave-spoke bundle export sha256:… --data /var/lib/nave-spoke > bundle.json
              nave decision replay journal.jsonl --bundle bundle.json
            """)

    @Option(help: "The spoke's data directory. (env: NAVE_DATA)")
    var data: String?

    @Argument(help: "As `bundle list` and the journal's lines have it.")
    var digest: String

    func run() async throws {
        let data = try required(data, "data", "NAVE_DATA")
        print(try await failing { try Commands.bundle(data: data, digest: digest) })
    }
}
