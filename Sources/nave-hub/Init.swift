import ArgumentParser
import HubService

struct Init: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a new hub: root, keys, ledger, and the first owner.",
        discussion: """
            Everything is made at once or not at all. The private keys lie in DATA/keys, readable by you alone.
            The first owner's key and certificate go to the admin context, a file for `nave … --context`.

              nave-hub init --data /var/lib/nave --organization corp.example --listen 10.0.0.5:8443 \\
                --key-passphrase-file /run/secrets/nave
            """)

    @Option(help: "Directory to make; it must not exist or be empty. (env: NAVE_DATA)")
    var data: String?

    @Option(help: "Domain of the organization, as corp.example. (env: NAVE_ORGANIZATION)")
    var organization: String?

    @Option(
        help: "Where spokes and people connect, with a client certificate. (env: NAVE_LISTEN; default: 127.0.0.1:8443)")
    var listen: String?

    @Option(help: "Where newcomers enrol, without one. (env: NAVE_FRONT; default: the port after --listen)")
    var front: String?

    @Option(help: "File for the first owner's context. (env: NAVE_ADMIN_CONTEXT; default: DATA.context.json)")
    var adminContext: String?

    @Option(
        help: """
            File with a passphrase that encrypts every private key of the hub (PKCS#8, scrypt). (env: NAVE_KEY_PASSPHRASE, \
            the passphrase itself; else the systemd credential nave-key-passphrase; default: keys in clear)
            """)
    var keyPassphraseFile: String?

    func run() async throws {
        let data = try required(data, "data", "NAVE_DATA")
        let organization = try required(organization, "organization", "NAVE_ORGANIZATION")
        try await failing {
            let hub = try HubInit(
                data: data, organization: organization, listen: optional(listen, "NAVE_LISTEN") ?? "127.0.0.1:8443",
                front: optional(front, "NAVE_FRONT"), adminContext: optional(adminContext, "NAVE_ADMIN_CONTEXT"),
                passphrase: try passphrase(keyPassphraseFile))
            try await hub.run(now: HubClock.now)
            print(hub.nextStep)
        }
    }
}
