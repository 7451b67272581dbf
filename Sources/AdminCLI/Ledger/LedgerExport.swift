import ArgumentParser
import Foundation
import Model
import Transport
import Trust

struct LedgerExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes the whole ledger to a file that `nave ledger verify` checks offline.",
        discussion: """
            The file holds entries as they were hashed, with commitments in the place of personal values, and the signed
            checkpoints. What is written was checked up to the newest checkpoint.

              nave ledger export ledger.jsonl
            """)

    @OptionGroup var hub: HubOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: ArgumentHelp("Where to write; replaced when it is there.", valueName: "file"))
    var file: String

    /// What `-o json` shows.
    struct Exported: Encodable {
        var size: Int64
        var root: String
        var file: String
    }

    func run() async throws {
        let export = try await hub.hub { try await Self.read($0) }
        // Read after the hub was asked: that followed the manifest, and another key may have signed what came.
        let manifest = try hub.opened().manifest
        // Told at once, not when an auditor opens it years later.
        let outcome = LedgerFile.verify(export, manifest: manifest)
        if let problem = outcome.problem {
            throw AdminError("bad-ledger", "what the hub sent is not what its checkpoint signs: \(problem)")
        }
        try PrivateFile.replace(file, with: export)
        let terminal = Terminal.current
        try terminal.showForPrograms(
            Exported(size: outcome.size, root: "\(outcome.root)", file: file), as: output.output)
        terminal.say("\(outcome.size) entries, root \(outcome.root), written to \(file)")
    }

    /// The newest checkpoint first, then every entry below it: what is appended meanwhile is not in the file.
    private static func read(_ hub: HubClient) async throws -> [UInt8] {
        let newest = try await hub.get("/v1/ledger/checkpoint", as: CheckpointAnswer.self).checkpoint
        let size = try Checkpoint(claimedBy: newest).size
        var file = LedgerFile(newest: newest)
        var next: Int64 = 0
        while next < size {
            let page = try await hub.get(
                "/v1/ledger/leaves", query: [("since", "\(next)"), ("size", "\(size)"), ("limit", "1000")],
                as: LedgerLeaves.self)
            guard page.first == next, !page.entries.isEmpty else {
                throw AdminError("bad-answer", "the hub gave no entry \(next) of \(size)")
            }
            try file.add(page)
            next += Int64(page.entries.count)
        }
        return file.bytes
    }
}
