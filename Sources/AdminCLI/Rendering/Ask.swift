import Foundation

/// What a person's answer means; nothing but a clear yes is one.
package func isYes(_ answer: String?) -> Bool {
    ["y", "yes"].contains(answer?.trimmingCharacters(in: .whitespacesAndNewlines).lowercased() ?? "")
}

extension Terminal {
    /// Asks before something is changed.
    /// - Throws: `no-terminal` where nobody can be asked; `Ended(.failed)` when the answer is not yes.
    func confirm(_ question: String, unless yes: Bool) throws {
        guard !yes else { return }
        guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else {
            throw AdminError(
                "no-terminal", "cannot ask \(question.debugDescription): this is no terminal",
                hint: "say `--yes` where nobody can answer")
        }
        writeAll(Array("\(question) [y/N] ".utf8), to: STDERR_FILENO)
        guard isYes(readLine()) else {
            say("nothing was changed")
            throw Ended(.failed)
        }
    }
}
