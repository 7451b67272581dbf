import MCP
import Model

/// What a caller is told of a refusal.
package enum RefusalForm: Hashable, Sendable {
    /// As though there were nothing: 404 where the caller may not know of the server, else what its upstream answers for a
    /// name that it does not have.
    case hidden
    /// By the error that was found in the message, as `JSONRPCErrors` has it.
    case byError
    /// - `retryAfter`: seconds, where nothing better is known.
    case plain(status: Int, code: Int64, message: String, retryAfter: Int64? = nil)
}

extension DenyReason {
    /// The one table from reasons to answers.
    package var form: RefusalForm {
        switch self {
        case .noRule, .deniedByRule, .conditionFailed, .missingFact, .revoked, .lapsed, .expired, .network, .callerZone,
            .ceiling, .unapprovedTool, .changedTool,
            .unknownServer, .notInCatalog, .identityRevoked, .notAClient:
            .hidden
        case .malformed, .unsupported, .egress, .argumentCheck, .foreignTask, .foreignState: .byError
        case .noBundle, .stale, .catalogUnknown, .journal:
            .plain(
                status: 503, code: JSONRPCErrors.internalError, message: "Service Unavailable", retryAfter: 5)
        case .attempts, .rate, .concurrency, .streams:
            .plain(status: 429, code: JSONRPCErrors.internalError, message: "Too Many Requests", retryAfter: 1)
        case .tooLarge: .plain(status: 413, code: JSONRPCErrors.invalidRequest, message: "Content Too Large")
        case .foreignHost:
            .plain(status: 421, code: JSONRPCErrors.invalidRequest, message: "Misdirected Request")
        case .foreignSession: .plain(status: 404, code: JSONRPCErrors.invalidRequest, message: "Session not found")
        }
    }
}

extension Answer {
    /// Nil where the reason's row is not a plain one.
    ///
    /// - Parameter wait: until another attempt has a chance, where that is known.
    package init?(refusing reason: DenyReason, id: RequestID?, wait: Milliseconds? = nil) {
        guard case .plain(let status, let code, let message, let retryAfter) = reason.form else { return nil }
        let error = MCPMessage.failure(id: id, JSONRPCError(code: code, message: message))
        let seconds = wait.map { max(1, ($0.count + 999) / 1000) } ?? retryAfter
        self.init(status: status, error, headers: seconds.map { [Field("Retry-After", "\($0)")] } ?? [])
    }
}
