import Model

/// The error of this target: a request that the hub refuses, or a data directory that is not what it should be.
package struct HubError: NaveError, Equatable {
    /// What kind of refusal it is; `Problem` maps each to an HTTP status.
    package enum Kind: Hashable, Sendable, CaseIterable {
        /// The request says nothing that can be done.
        case invalid
        /// The caller may not.
        case forbidden
        case notFound
        case wrongMethod
        /// It contradicts what stands.
        case conflict
        /// It was possible once.
        case gone
        case tooLarge
        /// Understood, and what it asks for is wrong in itself.
        case unacceptable
        case tooMany
        case unavailable
        /// No room on the disk: nothing was changed.
        case full
        case broken
    }

    package var kind: Kind
    package var code: String
    package var message: String
    package var hint: String?
    package var place: Place?
    /// All problems, when there are several.
    package var problems: [String]

    package init(_ kind: Kind, _ code: String, _ message: String, hint: String? = nil, problems: [String] = []) {
        self.kind = kind
        self.code = code
        self.message = message
        self.hint = hint
        self.problems = problems
    }

    static func forbidden(_ what: String) -> HubError {
        HubError(.forbidden, "forbidden", what, hint: "ask an owner; `nave status` shows who you are")
    }
}

/// What an error message quotes of its input: at most 120 characters, and no line break or control character.
func quoted(_ text: some StringProtocol) -> String {
    let shown = text.prefix(120).map { $0.isNewline || $0.unicodeScalars.contains { $0.value < 0x20 } ? "?" : $0 }
    return "`\(String(shown))`"
}
