import Foundation
import HubService

/// Talk goes to standard error; what a command makes goes to standard output.
func say(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }

/// Asks before something is done that cannot be taken back.
/// - Throws: `no-terminal` where nobody can be asked; `not-confirmed` when the answer is not yes.
func confirm(_ question: String, unless yes: Bool) throws {
    guard !yes else { return }
    guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else {
        throw HubError(
            .invalid, "no-terminal", "cannot ask \"\(question)\": this is no terminal",
            hint: "say `--yes` where nobody can answer")
    }
    FileHandle.standardError.write(Data("\(question) [y/N] ".utf8))
    guard ["y", "yes"].contains(readLine()?.trimmingCharacters(in: .whitespaces).lowercased() ?? "") else {
        throw HubError(.invalid, "not-confirmed", "nothing was done")
    }
}
