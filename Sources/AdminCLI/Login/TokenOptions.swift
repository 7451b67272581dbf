import ArgumentParser
import Foundation
import Model
import Trust

/// Where a join token comes from, and where the context goes that it is spent for.
struct TokenOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The join token; else it is read from standard input.",
            discussion: "Other programs of this machine can see arguments: prefer a file or standard input."))
    var token: String?

    @Option(name: .long, help: ArgumentHelp("Read the join token from this file.", valueName: "file"))
    var tokenFile: String?

    @Option(name: .customLong("as"), help: ArgumentHelp("The name of the context that is written.", valueName: "name"))
    var name: String?

    @Option(name: .long, help: ArgumentHelp("Write the context to this file and nowhere else.", valueName: "file"))
    var contextFile: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard token == nil || tokenFile == nil else { throw ValidationError("give the token or its file, not both") }
        guard name == nil || contextFile == nil else {
            throw ValidationError("give `--as` or `--context-file`, not both")
        }
        guard name.map(ContextStore.isName) ?? true else {
            throw ValidationError("\(backticked(name ?? "")) is no name of a context: letters, digits, `.`, `_`, `-`")
        }
    }

    /// - Throws: `bad-join-token`, and what reading a file throws.
    func read(_ terminal: Terminal) throws -> JoinToken {
        if let token { return try JoinToken(parsing: token) }
        if let tokenFile {
            // Not refused: it can be spent once, which is what happens now.
            if PrivateFile.isReadableByOthers(tokenFile) {
                terminal.say("warning: others can read \(backticked(tokenFile)); make it with `invite --out FILE`")
            }
            let bytes = try PrivateFile.readOpenly(tokenFile, maximum: JoinToken.maximumBytes + 2)
            return try JoinToken(parsing: String(decoding: bytes, as: UTF8.self))
        }
        if isatty(STDIN_FILENO) == 1 {
            terminal.say("paste the join token:")
            return try JoinToken(parsing: readLine() ?? "")
        }
        let bytes = try PrivateFile.bytes(of: STDIN_FILENO, "standard input", maximum: JoinToken.maximumBytes + 2)
        return try JoinToken(parsing: String(decoding: bytes, as: UTF8.self))
    }
}
