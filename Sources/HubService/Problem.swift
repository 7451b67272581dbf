import Model
import Storage
import Transport
import Trust

/// Errors as RFC 9457 problem details: the one table from what went wrong to an HTTP status.
package enum Problem {
    package static func details(_ error: any Error) -> ProblemDetails {
        switch error {
        case let error as HubError:
            ProblemDetails(
                title: title(error.kind), status: status(error.kind), code: error.code, detail: error.message,
                hint: error.hint, problems: error.problems.isEmpty ? nil : error.problems)
        case let error as ModelError: known(error, .invalid)
        case let error as TrustError: known(error, .invalid)
        case let error as StorageError: known(error, kind(ofStorage: error.code))
        case is TransportError: unknown
        default: unknown
        }
    }

    package static func status(_ kind: HubError.Kind) -> Int {
        switch kind {
        case .invalid: 400
        case .forbidden: 403
        case .notFound: 404
        case .wrongMethod: 405
        case .conflict: 409
        case .gone: 410
        case .tooLarge: 413
        case .unacceptable: 422
        case .tooMany: 429
        case .broken: 500
        case .unavailable: 503
        case .full: 507
        }
    }

    private static func title(_ kind: HubError.Kind) -> String {
        switch kind {
        case .invalid: "invalid request"
        case .forbidden: "not permitted"
        case .notFound: "not found"
        case .wrongMethod: "method not allowed"
        case .conflict: "conflict"
        case .gone: "no longer possible"
        case .tooLarge: "too large"
        case .unacceptable: "unacceptable"
        case .tooMany: "too many requests"
        case .broken: "internal error"
        case .unavailable: "unavailable"
        case .full: "insufficient storage"
        }
    }

    /// Refusals of the registry are the request's fault, all else of SQLite is not.
    private static func kind(ofStorage code: String) -> HubError.Kind {
        switch code {
        case "no-object", "no-review", "no-review-item", "no-revocation", "no-authority", "unknown-invitation":
            .notFound
        case "before-the-ledger": .notFound
        case "history-too-long": .unacceptable
        case "conflict", "review-closed", "invitation-spent", "still-named": .conflict
        case "disk-full": .full
        case "not-writable", "database-busy", "history-busy": .unavailable
        default: .broken
        }
    }

    private static func known(_ error: any NaveError, _ kind: HubError.Kind) -> ProblemDetails {
        ProblemDetails(
            title: title(kind), status: status(kind), code: error.code,
            detail: error.place.map { "\($0): \(error.message)" } ?? error.message,
            hint: error.hint)
    }

    /// What happened inside is for the log, not for the caller.
    private static let unknown = ProblemDetails(
        title: title(.broken), status: status(.broken), code: "internal", detail: "the hub failed to do this",
        hint: "the hub's log says why")
}
