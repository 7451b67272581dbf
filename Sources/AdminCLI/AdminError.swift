import Model

/// The error of this target: a command that cannot do what was asked.
package struct AdminError: NaveError, Equatable {
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
}

/// A command ends with this status after it has said everything that there is to say.
struct Ended: Error {
    var status: ExitStatus

    init(_ status: ExitStatus) { self.status = status }
}
