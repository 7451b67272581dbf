import COpenSSL
import Model

/// The error of this target: a key, a certificate, a signature or a proof that is not what it should be.
package struct TrustError: NaveError, Equatable {
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

    /// After a failed call of libcrypto: its error queue is drained into the message, so that no later call of this
    /// thread reports it.
    static func openSSL(_ code: String, _ message: String) -> TrustError {
        let reasons = drainedErrors()
        return TrustError(code, reasons.isEmpty ? message : "\(message): \(reasons.joined(separator: "; "))")
    }

    /// Keeps the code, the message and the place of an error of `Model` under a code of this target.
    init(_ code: String, _ attempt: String, because cause: ModelError) {
        self.init(code, "\(attempt): \(cause.message)", hint: cause.hint, place: cause.place)
    }
}

/// Empties libcrypto's error queue of this thread and names at most four of its errors, the first cause first.
@discardableResult
func drainedErrors() -> [String] {
    var reasons: [String] = []
    while true {
        let error = ERR_get_error()
        guard error != 0 else { return reasons }
        guard reasons.count < 4 else { continue }
        if let reason = ERR_reason_error_string(error) {
            reasons.append(String(cString: reason))
        } else {
            reasons.append("error \(error)")
        }
    }
}
