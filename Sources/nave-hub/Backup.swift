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

    @OptionGroup var options: DataOptions

    @Option(help: "Directory to make; it must not exist.")
    var to: String

    @Flag(help: "Put private keys and the trust manifest into it too.")
    var withKeys = false

    func run() async throws {
        let data = try options.path()
        try await failing {
            let note = try HubBackup(
                data: data, target: to, withKeys: withKeys, passphrase: try options.keys.passphrase()
            ).run(now: HubClock.now())
            try options.output.show(
                text:
                    "\(note.size) entries, root \(note.root), verified, in \(to) (\(note.keys ? "with" : "without") keys)",
                json: note.json())
        }
    }
}
