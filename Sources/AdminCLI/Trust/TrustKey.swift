import ArgumentParser
import Model
import Trust

struct TrustKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Makes a key that signs trust manifests; speaks with no hub.",
        discussion: """
            To be run on the machine that is to hold the key. The private half goes to FILE, mode 0600; the \
            other is shown and goes to `nave trust rotate manifest`.

              nave trust key /media/stick/manifest-4.key
              nave trust key /media/stick/manifest-5.key --passphrase-file /root/passphrase

            With a passphrase the file is encrypted (PKCS#8, scrypt). Exit status: 0; 1 when FILE exists.
            """)

    @Argument(help: ArgumentHelp("The file to make.", valueName: "file"))
    var file: String

    @OptionGroup var options: ManifestKeyOptions
    @OptionGroup var output: OutputOptions

    struct Made: Encodable {
        var id: String
        var `public`: String
    }

    func run() throws {
        let key = try ManifestKeyFile.make(file, passphrase: try options.passphrase())
        let made = Made(id: key.publicKey.spkiDigest, public: Base64.encode(key.publicKey.ed25519Bytes ?? []))
        try Terminal.current.show(made, as: output.output) { _ in made.public + "\n" }
    }
}
