import Model
import Trust

/// The error of this target: a peer that cannot be reached or is not believed, or an answer that is a refusal.
package struct TransportError: NaveError, Equatable {
    package var code: String
    package var message: String
    package var hint: String?
    package var place: Place?
    /// The HTTP status of a hub's refusal.
    package var status: Int?
    /// All problems of a topology, when the hub names several.
    package var problems: [String]

    package init(
        _ code: String, _ message: String, hint: String? = nil, status: Int? = nil, problems: [String] = []
    ) {
        self.code = code
        self.message = message
        self.hint = hint
        self.status = status
        self.problems = problems
    }

    /// A refusal as the hub words it (RFC 9457).
    package init(_ problem: ProblemDetails) {
        self.init(
            problem.code, problem.detail ?? problem.title, hint: problem.hint, status: problem.status,
            problems: problem.problems ?? [])
    }

    /// Keeps the code of the cause and says what was attempted.
    init(_ attempt: String, because cause: any NaveError) {
        self.init(cause.code, "\(attempt): \(cause.message)", hint: cause.hint)
    }
}

/// What an error message quotes of its input: at most 120 characters, and no line break or control character.
func quoted(_ text: some StringProtocol) -> String {
    let shown = text.prefix(120).map { $0.isNewline || $0.unicodeScalars.contains { $0.value < 0x20 } ? "?" : $0 }
    return "`\(String(shown))`"
}
