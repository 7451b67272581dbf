import MCP
import Model

/// One message on its way to an upstream, for a caller or for the spoke itself.
struct UpstreamCall: Sendable {
    var content: Content
    var version: ProtocolVersion
    /// What the upstream knows the session by.
    var session: String?
    /// Client headers that may go on.
    var headers: HTTPHeaders
    /// Bytes of one answer or one event.
    var responseLimit: Int
    var connectTimeout: Milliseconds
    /// From the request's last byte to the answer's last byte.
    var requestTimeout: Milliseconds

    enum Content: Sendable {
        /// - `definition`: of the tool that is called, for the headers that mirror its arguments.
        case message(MCPAction, MCPMessage, definition: JSON?)
        case endSession
        /// The refusal of a request of the server; its own answer is of no interest.
        case refusal(MCPMessage)
    }

    var message: MCPMessage? {
        switch content {
        case .message(_, let message, _), .refusal(let message): message
        case .endSession: nil
        }
    }

    /// For a permitted message.
    init(_ permit: Permit, _ forwarding: Forwarding) {
        switch forwarding.content {
        case .message(let action, let message):
            content = .message(action, message, definition: forwarding.definition)
        case .endSession: content = .endSession
        }
        version = forwarding.version
        session = forwarding.session?.upstream
        headers = forwarding.headers
        responseLimit = Int(forwarding.policy.responseBody.count)
        connectTimeout = forwarding.policy.connectTimeout
        requestTimeout = forwarding.policy.requestTimeout
    }

    /// For what the spoke asks on its own account; `OwnQuestion` is the whole list of it.
    init(_ question: OwnQuestion, id: Int64, version: ProtocolVersion, session: String?) {
        let message = question.message(id: id, version: version)
        content = .message(question.action, message, definition: nil)
        self.version = version
        self.session = session
        headers = HTTPHeaders([("User-Agent", "nave-spoke")])
        responseLimit = 16 << 20
        connectTimeout = .seconds(5)
        requestTimeout = .seconds(20)
    }

    /// To tell an upstream that a session is over.
    init(ending session: Session) {
        content = .endSession
        version = session.version
        self.session = session.upstream
        headers = HTTPHeaders([("User-Agent", "nave-spoke")])
        responseLimit = 64 << 10
        connectTimeout = .seconds(5)
        requestTimeout = .seconds(5)
    }

    /// In the client's name, within the same conversation.
    init(refusing id: RequestID, method: String, within call: UpstreamCall) {
        self = call
        content = .refusal(ServerMessage.refusal(of: id, method: method))
    }
}

/// What an upstream answers, in order: any number of `notification` and `keepAlive`, then exactly one of the others.
package enum UpstreamEvent: Sendable {
    case notification(MCPMessage)
    /// Comments of an event stream, to be passed on so that nobody takes the stream for dead.
    case keepAlive(SSEEvent)
    case response(UpstreamResponse)
    /// The message was taken and has no answer.
    case accepted
    /// An answer that holds no message, by its HTTP status.
    case refused(status: Int)
    /// `upstream-unreachable`, `upstream-timeout`, `upstream-closed`, `bad-upstream`, `answer-too-large`, `busy`.
    case failed(SpokeError)

    var isLast: Bool {
        switch self {
        case .notification, .keepAlive: false
        case .response, .accepted, .refused, .failed: true
        }
    }
}

package struct UpstreamResponse: Sendable {
    package var status: Int
    /// `.result` or `.failure`, under the id of the request.
    package var message: MCPMessage
    /// What the upstream calls the session that this answer begins.
    package var session: String?
}

/// How whoever sent a call goes on with it. Used on the event loop that the call was sent from.
struct UpstreamFlow {
    /// The answer is not wanted any more; no event comes after it.
    var cancel: () -> Void
    /// False while the client does not read fast enough.
    var setReading: (Bool) -> Void

    static var none: UpstreamFlow { UpstreamFlow(cancel: {}, setReading: { _ in }) }
}
