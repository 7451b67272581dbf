import ArgumentParser
import Model
import Trust

struct TrustSign: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign", abstract: "Adds a signature to a prepared trust manifest; speaks with no hub.",
        discussion: """
            To be run on the machine that holds the key. Look at what is shown before you carry the file back: your \
            signature is what every spoke believes.

              nave trust sign next.json --key /media/a/manifest-1.key

            A version that begins a new epoch (`nave-hub epoch prepare`) says from which entries the ledger goes on: ask \
            whoever restored the hub whether that is what they mean.

            Exit status: 0; 1 when the file is no trust manifest or the key cannot be used.
            """)

    @Argument(help: ArgumentHelp("What `nave trust rotate` prepared; the signature is added to it.", valueName: "file"))
    var file: String

    @Option(
        name: .long,
        help: ArgumentHelp("The private key, PKCS#8 PEM, mode 0600, in clear or encrypted.", valueName: "file"))
    var key: String

    @OptionGroup var options: ManifestKeyOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let terminal = Terminal.current
        let envelope = try Self.read(file)
        let manifest = try TrustManifest.claimed(by: envelope)
        let signer = try ManifestKeyFile.read(key, passphrase: try options.passphrase())
        let signed = try envelope.adding(signatureBy: signer)
        try PrivateFile.replace(file, with: Array(jsonText(try JSONCoding.encode(signed)).utf8))
        let row = try ManifestRow(manifest, signed, isCurrent: false)
        try terminal.show(row, as: output.output) { manifestTable([row], now: .now).text($0) }
        if let start = manifest.start {
            terminal.say(
                "ledger \(manifest.origin): it goes on from \(start.size) entries with the root \(start.root); who follows "
                    + "this version from an epoch before gives up what that had beyond them")
        }
        let role = manifest.roles.manifest
        let count = Set(row.signedBy).intersection(role.keys).count
        terminal.say(
            "signed with \(shortKey(signer.publicKey.spkiDigest)): \(count) of the \(role.threshold) signatures that "
                + "version \(manifest.version) needs of its own keys")
        // What every path will end at; `nave authority list` shows the same digits.
        terminal.say(
            "it names the \(row.roots.count == 1 ? "root" : "roots") \(row.roots.map(shortKey).joined(separator: ", "))"
        )
        if !role.keys.contains(signer.publicKey.spkiDigest) {
            terminal.say("that key is not one of them: it counts only if the version before names it")
        }
    }

    static func read(_ file: String) throws -> DSSEEnvelope {
        let bytes = try PrivateFile.readOpenly(file, maximum: 1 << 20)
        return try DSSEEnvelope(parsing: bytes)
    }
}
