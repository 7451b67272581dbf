import ArgumentParser
import SpokeAgent

struct Enroll: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make this host a spoke with a join token.",
        discussion: """
            The key is made here and never leaves. When an answer was lost, run the same command again: the same key gets the
            same certificate. An argument can be seen by others on this host; a file or stdin cannot.

              nave-spoke enroll --data /var/lib/nave-spoke < token
            """)

    @Option(help: "The spoke's data directory, made when it does not exist. (env: NAVE_DATA)")
    var data: String?

    @Option(help: "File that holds the token.")
    var tokenFile: String?

    @Argument(help: "The token; without it and --token-file it is read from stdin.")
    var token: String?

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let data = try required(data, "data", "NAVE_DATA")
        guard token == nil || tokenFile == nil else {
            throw ValidationError("Give the token or --token-file, not both")
        }
        output.show(
            try await failing {
                try await Commands.enroll(data: data, token: token, tokenFile: tokenFile) { say($0) }
            })
    }
}
