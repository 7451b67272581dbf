import ArgumentParser
import HubService

struct Root: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Keep the organization's root on a machine that is not the hub.",
        discussion: """
            The root's directory belongs on a machine without a network, or its key in a token. It signs one intermediate for \
            the organization and one for each zone; files carry requests in and certificates out.

              nave-hub root init --dir root --organization corp.example --key-passphrase-file passphrase
              nave-hub root sign organization.request.pem --dir root --domain corp.example --out organization.pem
            """,
        subcommands: [RootInit.self, RootSign.self, RootCross.self, RootShow.self])
}

struct RootInit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a root that signs itself, or one that a corporate CA signs.",
        discussion: """
            Everything is made at once or not at all.

              nave-hub root init --dir root --organization corp.example --key-passphrase-file passphrase

            Under a corporate CA: the first command makes the key and a request, the second takes what came back. It must be a \
            CA with path length 1 or more, and critical name constraints that permit the organization's domain and what is \
            below it alone (URI, DNS, e-mail) and exclude all IP. That certificate is then what everybody trusts, never the \
            corporate root.

              nave-hub root init --dir root --organization corp.example --request-out root.csr
              nave-hub root init --dir root --certificate root.pem

            A key in a PKCS#11 token is made there first, P-256, by pkcs11-tool or `softhsm2-util --import`; OpenSSL cannot.
            """)

    @Option(help: "Directory to make; it must not exist or be empty.")
    var dir: String

    @Option(help: "Domain of the organization, as corp.example. (env: NAVE_ORGANIZATION)")
    var organization: String?

    @Option(
        help: """
            File with a passphrase that encrypts the key. (env: NAVE_KEY_PASSPHRASE, the passphrase itself; default: in \
            clear)
            """)
    var keyPassphraseFile: String?

    @Option(help: "A key in a token, as pkcs11:token=NAME;object=root?pin-source=file:/PATH.")
    var key: String?

    @Option(help: "File to make with a request for a corporate CA.")
    var requestOut: String?

    @Option(help: "File with the certificate that the corporate CA signed.")
    var certificate: String?

    @Option(name: [.short, .long], help: "text or json.")
    var output: Output = .text

    func validate() throws {
        guard key == nil || keyPassphraseFile == nil else {
            throw ValidationError(
                "--key names a key in a token, which has no passphrase here but a PIN: see pin-source")
        }
        guard certificate == nil || (requestOut == nil && key == nil) else {
            throw ValidationError("--certificate completes a root: it goes without --request-out and --key")
        }
    }

    func run() async throws {
        if let certificate { return try await complete(certificate) }
        let organization = try required(organization, "organization", "NAVE_ORGANIZATION")
        try await failing {
            let creation = try RootCreation(
                path: dir, organization: organization, passphrase: key == nil ? try passphrase(keyPassphraseFile) : nil,
                keyURI: key)
            guard let requestOut else { return try output.show(try creation.make(now: HubClock.now())) }
            try creation.request(to: requestOut, now: HubClock.now())
            print(
                """
                root of \(organization) waits in \(dir)
                let the corporate CA sign: \(requestOut)
                then: nave-hub root init --dir \(dir) --certificate FILE
                """)
        }
    }

    private func complete(_ certificate: String) async throws {
        try await failing {
            try output.show(
                try RootCreation.complete(
                    path: dir, organization: organization, passphrase: try passphrase(keyPassphraseFile),
                    certificate: certificate, now: HubClock.now()))
        }
    }
}

struct RootSign: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Sign an intermediate for the organization or for one zone.",
        discussion: """
            Shows what it is about to sign, and asks. Of the request only the key is believed; names, constraints and validity \
            are our own. Each certificate has a line in DIR/signed.jsonl before it leaves, and a key is certified once: again \
            only with --again, when the first certificate was lost.

              nave-hub root sign finance.request.pem --dir root --domain finance.corp.example --out finance.pem
            """)

    @Argument(help: "File with a PKCS#10 request, PEM.")
    var request: String

    @Option(help: "The organization's domain, or a zone's below it.")
    var domain: String

    @OptionGroup var options: RootSigningOptions

    func run() async throws {
        try await failing {
            let signing = RootSigning(
                root: try options.root(), domain: domain, request: request, out: options.out, isAgain: options.again)
            let proposal = try signing.propose(now: HubClock.now())
            try options.sign(proposal.text) { try signing.sign(proposal, now: HubClock.now()) }
        }
    }
}

struct RootCross: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cross",
        abstract: "Certify the key of the root that is to follow this one.",
        discussion: """
            Whoever knows only this root then believes what the next one signs: who was away while the roots changed finds \
            the way. Shows what it is about to sign, and asks. Next: `nave authority prepare root --certificate root-2.pem \
            --cross cross.pem`.

              nave-hub root cross root-2/root.pem --dir root --out cross.pem
            """)

    @Argument(help: "File with the certificate of the root that is to follow, PEM.")
    var next: String

    @OptionGroup var options: RootSigningOptions

    func run() async throws {
        try await failing {
            let crossing = RootCrossing(
                root: try options.root(), next: next, out: options.out, isAgain: options.again)
            let proposal = try crossing.propose(now: HubClock.now())
            try options.sign(proposal.text) { try crossing.sign(proposal, now: HubClock.now()) }
        }
    }
}

/// How a root at hand signs one certificate.
struct RootSigningOptions: ParsableArguments {
    @Option(help: "The root's directory.")
    var dir: String

    @Option(help: "File to make for the certificate. (default: standard output)")
    var out: String?

    @Flag(name: [.customShort("y"), .long], help: "Do not ask.")
    var yes = false

    @Flag(help: "Also a key that this root certified before.")
    var again = false

    @Option(help: "File with the key's passphrase. (env: NAVE_KEY_PASSPHRASE, the passphrase itself)")
    var keyPassphraseFile: String?

    @Option(name: [.short, .long], help: "text or json.")
    var output: Output = .text

    func root() throws -> OfflineRoot { OfflineRoot(dir, passphrase: try passphrase(keyPassphraseFile)) }

    /// Shows what would be signed, asks, and hands over what `sign` made.
    func sign(_ proposal: String, _ sign: () throws -> String) throws {
        say(proposal)
        try confirm("sign this?", unless: yes)
        let certificate = try sign()
        if let out { say("signed: \(out)") }
        switch output {
        case .text: if out == nil { print(certificate, terminator: "") }
        case .json:
            print(String(decoding: try SignedCertificate(pem: certificate, file: out).json(), as: UTF8.self))
        }
    }
}

struct RootShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a root and what it has signed; opens no key.",
        discussion: "  nave-hub root show --dir root")

    @Option(help: "The root's directory.")
    var dir: String

    @Option(name: [.short, .long], help: "text or json.")
    var output: Output = .text

    func run() async throws {
        try await failing { try output.show(try RootView(of: OfflineRoot(dir))) }
    }
}

extension Output {
    fileprivate func show(_ view: RootView) throws { try show(text: view.text, json: view.json()) }
}
