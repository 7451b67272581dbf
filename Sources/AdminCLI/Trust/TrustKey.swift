import ArgumentParser
import Foundation
import Model
import Trust

struct TrustKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Makes a key that signs trust manifests; speaks with no hub.",
        discussion: """
            To be run on the machine that is to hold the key. The private half goes to FILE, mode 0600; the \
            other is shown and goes to `nave trust rotate manifest`.

              nave trust key /media/stick/manifest-4.key

            Exit status: 0; 1 when FILE exists.
            """)

    @Argument(help: ArgumentHelp("The file to make.", valueName: "file"))
    var file: String

    @OptionGroup var output: OutputOptions

    struct Made: Encodable {
        var id: String
        var `public`: String
    }

    func run() throws {
        guard !FileManager.default.fileExists(atPath: file) else {
            throw AdminError("exists", "\(backticked(file)) exists", hint: "a key is never overwritten")
        }
        let key = try PrivateKey.generateEd25519()
        try PrivateFile.replace(file, with: Array(try key.pem.utf8))
        let made = Made(id: key.publicKey.spkiDigest, public: Base64.encode(key.publicKey.ed25519Bytes ?? []))
        try Terminal.current.show(made, as: output.output) { _ in made.public + "\n" }
    }
}
