import ArgumentParser
import HubService

struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy the databases, also while the hub serves; verify the copy.",
        discussion: """
            Makes a directory that only you can read. Private keys and the trust manifest are in it only --with-keys: such a
            backup is the hub, keep it as you keep the keys. Without them it can be restored with the keys of another.

              nave-hub backup --data /var/lib/nave --to /backup/nave-2026-11-21
            """)

    @Option(help: "The hub's data directory. (env: NAVE_DATA)")
    var data: String?

    @Option(help: "Directory to make; it must not exist.")
    var to: String

    @Flag(help: "Put private keys and the trust manifest into it too.")
    var withKeys = false

    @Option(name: [.short, .long], help: "text or json.")
    var output: Verify.Output = .text

    @OptionGroup var keys: KeyOptions

    func run() async throws {
        let data = try required(data, "data", "NAVE_DATA")
        let note = try await failing {
            try HubBackup(data: data, target: to, withKeys: withKeys, passphrase: try keys.passphrase()).run(
                now: HubClock.now())
        }
        switch output {
        case .text:
            print(
                "\(note.size) entries, root \(note.root), verified, in \(to) (\(note.keys ? "with" : "without") keys)")
        case .json:
            print(String(decoding: try await failing { try note.json() }, as: UTF8.self))
        }
    }
}
