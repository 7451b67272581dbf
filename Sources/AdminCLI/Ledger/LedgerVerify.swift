import ArgumentParser
import Model
import Transport
import Trust

struct LedgerVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Checks an exported ledger offline, knowing only the trust manifest.",
        discussion: """
            Recomputes the Merkle root from the entries' bytes and holds it against the signed checkpoint. Ends with 2 when
            they differ, and names the first entry that is not what was signed.

              nave ledger verify ledger.jsonl --manifest manifest.json
            """)

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: ArgumentHelp("What `nave ledger export` wrote.", valueName: "file"))
    var file: String

    @Option(
        name: .long,
        help: ArgumentHelp("The signed trust manifest; else the one of the context.", valueName: "file"))
    var manifest: String?

    func run() throws {
        let manifest = try trusted()
        let outcome = LedgerFile.verify(try FileBytes.read(file), manifest: manifest)
        try Terminal.current.show(outcome, as: output.output) { colour in
            let head = "\(outcome.size) entries, root \(outcome.root)"
            guard let problem = outcome.problem else {
                return "\(head): \(colour.green("what the keys of \(manifest.origin) signed"))\n"
            }
            return "\(colour.red("mismatch")): \(printable(problem))\n"
        }
        guard outcome.problem == nil else { throw Ended(.differences) }
    }

    private func trusted() throws -> TrustManifest {
        guard let path = manifest else { return try hub.opened().manifest }
        return try TrustManifest(selfSigned: try FileBytes.read(path))
    }
}
