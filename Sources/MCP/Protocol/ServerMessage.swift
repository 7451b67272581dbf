import Model

/// What an upstream sends on a stream or a pipe.
package enum ServerMessage: Equatable, Sendable {
    /// The answer to the request of that id; the message is `.result` or `.failure`.
    case response(RequestID, MCPMessage)
    /// A notification to be passed on, once its fields have been seen to.
    case notification(method: String, params: JSONObject?)
    /// A request to the client: passed on where policy allows it, else refused in the client's name (``refusal(of:method:)``).
    case request(RequestID, method: String, params: JSONObject?)
    /// Not a message, or an answer to nothing; never passed on.
    case invalid(MCPError)

    package init(parsing bytes: [UInt8], maximumBytes: Int) {
        let message: MCPMessage
        do { message = try MCPMessage(parsing: bytes, maximumBytes: maximumBytes) } catch {
            self = .invalid(error)
            return
        }
        switch message {
        case .result(let id, _), .failure(let id?, _): self = .response(id, message)
        case .failure(nil, let error):
            self = .invalid(MCPError(.badUpstream, "the error \(error.code) answers no request"))
        case .notification(let method, let params): self = .notification(method: method, params: params)
        case .request(let id, let method, let params): self = .request(id, method: method, params: params)
        }
    }

    /// What a client answers that does not have the capability; a ping is answered as the protocol demands.
    package static func refusal(of id: RequestID, method: String) -> MCPMessage {
        if method == "ping" { return .result(id: id, [:]) }
        return .failure(id: id, JSONRPCError(code: JSONRPCErrors.methodNotFound, message: "Method not found"))
    }
}
