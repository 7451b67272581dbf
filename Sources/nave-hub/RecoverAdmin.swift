import ArgumentParser
import HubService

struct RecoverAdmin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recover-admin",
        abstract: "Make a new owner when every owner is locked out; the hub must be stopped.",
        discussion: """
            Needs the data directory with its keys. The ledger keeps for ever that it was done; the next starts log it and
            `nave status` shows it as an alarm until the new identity is revoked.

              nave-hub recover-admin --data /var/lib/nave --admin-context rescue.json
            """)

    @Option(help: "The hub's data directory. (env: NAVE_DATA)")
    var data: String?

    @Option(help: "File to make for the new owner's context. (env: NAVE_ADMIN_CONTEXT)")
    var adminContext: String?

    @Option(name: [.short, .long], help: "text or json.")
    var output: Verify.Output = .text

    @OptionGroup var keys: KeyOptions

    func run() async throws {
        let data = try required(data, "data", "NAVE_DATA")
        let context = try required(adminContext, "admin-context", "NAVE_ADMIN_CONTEXT")
        let outcome = try await failing {
            try await AdminRecovery(data: data, adminContext: context, passphrase: try keys.passphrase()).run(
                now: HubClock.now)
        }
        print(output == .json ? String(decoding: outcome.json, as: UTF8.self) : outcome.text)
    }
}
