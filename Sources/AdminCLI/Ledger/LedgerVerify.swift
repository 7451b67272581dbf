import ArgumentParser
import Foundation
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
        let outcome = LedgerFile.verify(try Self.bytes(of: file), manifest: manifest)
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
        let envelope = try DSSEEnvelope(parsing: try Self.bytes(of: path))
        let claimed = try JSONCoding.decodeCanonical(
            TrustManifest.self, from: Base64.decode(envelope.payload) ?? [])
        _ = try claimed.verify(envelope, payloadType: TrustManifest.payloadType, role: .manifest)
        // Checks what a signature alone does not make true.
        _ = try claimed.rootCertificates()
        return claimed
    }

    /// - Throws: `cannot-read`.
    private static func bytes(of path: String) throws(AdminError) -> [UInt8] {
        do {
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw AdminError("cannot-read", "cannot read \(backticked(path))", hint: "is it there?")
        }
    }
}
