import Model

/// The error of this target: a host's configuration, a data directory, a delivery or an upstream that is not what it should be.
package struct SpokeError: NaveError, Equatable {
    package var code: String
    package var message: String
    package var hint: String?
    package var place: Place?

    package init(_ code: String, _ message: String, hint: String? = nil, place: Place? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.place = place
    }

    /// Keeps what an error of another target says, under its own code.
    package init(_ error: any NaveError) {
        self.init(error.code, error.message, hint: error.hint, place: error.place)
    }

    /// Any error: of this target as it is, of another one under its own code, and else under that code, with what was attempted.
    init(_ error: any Error, else code: String, _ attempt: String) {
        if let own = error as? SpokeError {
            self = own
        } else if let known = error as? any NaveError {
            self.init(known)
        } else {
            self.init(code, "\(attempt): \(error)")
        }
    }

    /// A failed system call: `errno` in words.
    static func system(_ code: String, _ attempt: String, _ number: Int32) -> SpokeError {
        SpokeError(code, "\(attempt): \(systemMessage(number))")
    }
}
