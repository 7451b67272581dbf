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

    @OptionGroup var options: DataOptions

    @Option(help: "File to make for the new owner's context. (env: NAVE_ADMIN_CONTEXT)")
    var adminContext: String?

    func run() async throws {
        let data = try options.path()
        let context = try required(adminContext, "admin-context", "NAVE_ADMIN_CONTEXT")
        try await failing {
            let outcome = try await AdminRecovery(
                data: data, adminContext: context, passphrase: try options.keys.passphrase()
            ).run(now: HubClock.now)
            try options.output.show(text: outcome.text, json: outcome.json())
        }
    }
}
