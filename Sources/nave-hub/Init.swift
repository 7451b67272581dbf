import ArgumentParser
import Foundation
import HubService

struct Init: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a new hub: root, keys, ledger, and the first owner.",
        discussion: """
            Everything is made at once or not at all. The private keys lie in DATA/keys, readable by you alone; but those \
            that sign the trust manifest lie outside it: take them to places of their own, they are needed only to rotate \
            keys.
            The first owner's key and certificate go to the admin context, a file for `nave … --context`.

              nave-hub init --data /var/lib/nave --organization corp.example --listen 10.0.0.5:8443 \\
                --key-passphrase-file /run/secrets/nave

            The root's key need not be here. With --offline-root, init makes a request for the organization's CA and waits \
            in DATA.pending; `nave-hub root sign` answers it where the root lies; --complete makes the hub:

              nave-hub init --data /var/lib/nave --organization corp.example --offline-root root.pem
              nave-hub init --data /var/lib/nave --complete organization.pem

            With --ca-key-token the keys of root, organization and zones lie in a PKCS#11 token and are used there (Debian's \
            libengine-pkcs11-openssl). Make them in it first, P-256, labelled `root`, `organization`, and each zone's name \
            before the zone is applied; OpenSSL cannot make them there:

              pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --token-label nave --login \\
                --keypairgen --key-type EC:prime256v1 --label organization
              nave-hub init --data /var/lib/nave --organization corp.example \\
                --ca-key-token 'pkcs11:token=nave?pin-source=file:/run/secrets/nave-pin'
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

    @Option(
        help: """
            Directory to make for the keys that sign the trust manifest. (env: NAVE_MANIFEST_KEYS; default: \
            DATA.manifest-keys)
            """)
    var manifestKeys: String?

    @Option(
        help: """
            File with a passphrase that encrypts those keys (PKCS#8, scrypt): another one than the hub's. (env: \
            NAVE_MANIFEST_KEYS_PASSPHRASE, the passphrase itself; default: keys in clear)
            """)
    var manifestKeysPassphraseFile: String?

    @Option(
        help: """
            production: 2 of 3 keys sign the trust manifest; development: 1 of 1. (env: NAVE_ENVIRONMENT; \
            default: production)
            """)
    var environment: String?

    @Option(help: "File with the certificate of a root whose key is elsewhere: init stops at a request for it to sign.")
    var offlineRoot: String?

    @Option(help: "File with what that root signed: takes the settings of the first step and makes the hub.")
    var complete: String?

    @Option(
        help: """
            Token with the keys of the CAs, as pkcs11:token=NAME?pin-source=file:/PATH, with module-path=/PATH for another \
            than the system's module. (env: NAVE_CA_KEY_TOKEN; default: keys in files)
            """)
    var caKeyToken: String?

    @Option(name: [.short, .long], help: "text or json.")
    var output: Output = .text

    func validate() throws {
        guard complete != nil else { return }
        let others = [organization, listen, front, adminContext, manifestKeys, environment, offlineRoot, caKeyToken]
        guard others.allSatisfy({ $0 == nil }) else {
            throw ValidationError(
                "--complete goes with --data and the passphrase files only: the first step set the rest")
        }
    }

    func run() async throws {
        let data = try required(data, "data", "NAVE_DATA")
        if let complete {
            return try await failing {
                let passphrase = try passphrase(keyPassphraseFile)
                try output.show(
                    try await HubInit.complete(
                        data: data, certificate: complete, passphrase: passphrase,
                        manifestKeysPassphrase: try manifestKeysPassphrase(), now: HubClock.now))
            }
        }
        let organization = try required(organization, "organization", "NAVE_ORGANIZATION")
        let environment = try chosen()
        try await failing {
            let hub = try HubInit(
                data: data, organization: organization, listen: optional(listen, "NAVE_LISTEN") ?? "127.0.0.1:8443",
                front: optional(front, "NAVE_FRONT"), adminContext: optional(adminContext, "NAVE_ADMIN_CONTEXT"),
                manifestKeys: optional(manifestKeys, "NAVE_MANIFEST_KEYS"), environment: environment,
                passphrase: try passphrase(keyPassphraseFile),
                manifestKeysPassphrase: try manifestKeysPassphrase(),
                authorityToken: optional(caKeyToken, "NAVE_CA_KEY_TOKEN"))
            if let offlineRoot {
                try hub.request(ofRoot: offlineRoot, now: HubClock.now())
                try output.show(hub.waiting)
            } else {
                try await hub.run(now: HubClock.now)
                try output.show(hub.made)
            }
        }
    }

    private func manifestKeysPassphrase() throws -> [UInt8]? {
        try KeyPassphrase.findOfManifestKeys(
            file: manifestKeysPassphraseFile, environment: ProcessInfo.processInfo.environment)
    }

    private func chosen() throws -> HubInit.Environment {
        guard let name = optional(environment, "NAVE_ENVIRONMENT") else { return .production }
        guard let environment = HubInit.Environment(rawValue: name) else {
            throw ValidationError("--environment is production or development")
        }
        return environment
    }
}

extension Output {
    fileprivate func show(_ outcome: HubInit.Outcome) throws { try show(text: outcome.text, json: outcome.json()) }
}
