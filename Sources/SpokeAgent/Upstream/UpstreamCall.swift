import MCP
import Model

/// One message on its way to an upstream, for a caller or for the spoke itself.
struct UpstreamCall: Sendable {
    var content: Content
    var version: ProtocolVersion
    /// Nil for what the spoke does on its own account.
    var caller: Caller?
    /// What the upstream knows the session by.
    var session: String?
    /// Client headers that may go on.
    var headers: HTTPHeaders
    /// Bytes of one answer or one event.
    var responseLimit: Int
    var connectTimeout: Milliseconds
    /// From the request's last byte to the answer's last byte.
    var requestTimeout: Milliseconds
    /// Whether the client can take the answer up again, once it holds an event of it: in a session, where it was shown events.
    var mayComeBack = false
    /// The caller's place among its calls: the upstream gives it back when it works on this one no more.
    var place: Concurrency.Ticket?

    enum Content: Sendable {
        /// - `mirrored`: by the tool that is called, for the headers that repeat its arguments.
        case message(MCPAction, MCPMessage, mirrored: MirroredParameters?)
        /// The session's own stream, or what one missed behind an event of it.
        case stream(Resumption?)
        case endSession
        /// The answer to a request of the server; what it says to that is of no interest.
        case reply(MCPMessage)
    }

    var message: MCPMessage? {
        switch content {
        case .message(_, let message, _), .reply(let message): message
        case .endSession, .stream: nil
        }
    }

    var isListening: Bool { if case .message(.listen, _, _) = content { true } else { false } }

    /// What its caller can be asked before the answer: by repeating the call, which goes with these methods only
    /// (2026-07-28, basic/patterns/mrtr).
    var askedCapabilities: AskedCapabilities {
        guard version.era == .stateless, case .message(let action, let message, _) = content, message.isRequest else {
            return []
        }
        switch action {
        case .callTool, .getPrompt, .readResource: return AskedCapabilities(declaredIn: message)
        default: return []
        }
    }

    /// What tells the upstream that nobody waits for the answer: in the handshake era a connection that ends says nothing
    /// (2025-11-25, basic/transports, "Sending Messages to the Server"). Nil for what ends with its connection, and for
    /// `initialize`, which is never called off (basic/utilities/cancellation).
    var cancellation: MCPMessage? {
        guard version.era == .handshake, case .message(let action, let message, _) = content, message.isRequest,
            let id = message.id
        else { return nil }
        if case .initialize = action { return nil }
        return .notification(
            method: "notifications/cancelled",
            params: JSONObject([("requestId", id.json), ("reason", "nobody waits for the answer any more")]))
    }

    /// What is to come back.
    var expectation: AnswerReader.Expectation {
        switch content {
        case .message(_, let message, _):
            message.isRequest ? message.id.map { .answer($0) } ?? .acceptance : .acceptance
        case .stream(let resumption): .stream(replaying: resumption?.request)
        case .endSession, .reply: .acceptance
        }
    }

    /// A stream lives as long as the spoke lets it.
    private static let streamTimeout = Milliseconds.days(2)

    /// For a permitted message.
    init(_ permit: Permit, _ forwarding: Forwarding) {
        switch forwarding.content {
        case .message(let action, let message):
            content = .message(action, message, mirrored: forwarding.mirrored)
        case .stream(let resumption): content = .stream(resumption)
        case .endSession: content = .endSession
        // Opened at this end; an upstream that met it all the same would refuse a stream without a session.
        case .legacyStream: content = .stream(nil)
        }
        caller = permit.caller
        version = forwarding.version
        session = forwarding.session?.upstream
        headers = forwarding.headers
        responseLimit = Int(forwarding.policy.responseBody.count)
        connectTimeout = forwarding.policy.connectTimeout
        requestTimeout = forwarding.isStream ? Self.streamTimeout : forwarding.policy.requestTimeout
        mayComeBack = session != nil && forwarding.acceptsStream && version >= .v20250326
        place = forwarding.ticket
    }

    /// For what the spoke asks on its own account; `OwnQuestion` is the whole list of it.
    init(_ question: OwnQuestion, id: Int64, version: ProtocolVersion, session: String?) {
        let message = question.message(id: id, version: version)
        content = .message(question.action, message, mirrored: nil)
        self.version = version
        self.session = session
        headers = HTTPHeaders([("User-Agent", "nave-spoke")])
        responseLimit = 16 << 20
        connectTimeout = .seconds(5)
        requestTimeout = .seconds(20)
    }

    /// To tell an upstream that a session is over, in the name that it was begun in: a server that holds a session to who began
    /// it would keep it for anybody else.
    ///
    /// - Parameters:
    ///   - session: as the upstream calls it.
    ///   - caller: nil for the spoke itself.
    init(ending session: String, _ version: ProtocolVersion, of caller: Caller?) {
        content = .endSession
        self.caller = caller
        self.version = version
        self.session = session
        headers = HTTPHeaders([("User-Agent", "nave-spoke")])
        responseLimit = 64 << 10
        connectTimeout = .seconds(5)
        requestTimeout = .seconds(5)
    }

    /// To a request of the server, within the same conversation.
    init(replying message: MCPMessage, within call: UpstreamCall) {
        self = call
        place = nil
        content = .reply(message)
        requestTimeout = min(requestTimeout, .seconds(30))
    }
}

/// What an upstream answers, in order: any number of `opened`, `notification`, `request` and `keepAlive`, then exactly one of
/// the others.
package enum UpstreamEvent: Sendable {
    /// The session's own stream is there.
    case opened
    /// - `event`: the upstream's id of the event, where its stream can be resumed.
    case notification(MCPMessage, event: String? = nil)
    /// The server asks the client; somebody has to answer (``UpstreamFlow/reply``).
    case request(RequestID, method: String, params: JSONObject?, event: String? = nil)
    /// Comments of an event stream, to be passed on so that nobody takes the stream for dead; or an event that only has an id.
    case keepAlive(SSEEvent)
    case response(UpstreamResponse)
    /// A stream is over that needs no answer.
    case ended
    /// The message was taken and has no answer.
    case accepted
    /// An answer that holds no message, by its HTTP status.
    case refused(status: Int)
    /// `upstream-unreachable`, `upstream-timeout`, `upstream-closed`, `bad-upstream`, `answer-too-large`, `busy`.
    case failed(SpokeError)

    /// The upstream's id of the event that bore it.
    var event: String? {
        switch self {
        case .notification(_, let event), .request(_, _, _, let event): event
        case .keepAlive(let event): event.id
        case .response(let response): response.event
        case .opened, .ended, .accepted, .refused, .failed: nil
        }
    }

    var isLast: Bool {
        switch self {
        case .opened, .notification, .request, .keepAlive: false
        case .response, .ended, .accepted, .refused, .failed: true
        }
    }
}

package struct UpstreamResponse: Sendable {
    package var status: Int
    /// `.result` or `.failure`, under the id of the request.
    package var message: MCPMessage
    /// What the upstream calls the session that this answer begins.
    package var session: String?
    /// The upstream's id of the event that bore it.
    package var event: String?
    /// Where the call is found that waits for the caller, in ``HeldCalls``.
    var held: String?
}

/// Why nobody is there for an answer any more.
enum Departure: Hashable, Sendable {
    /// The connection ended; a client that lost one may come back for the rest.
    case left
    /// The caller may not be here any more, by that code of `PeerVerifier.recheck`.
    case cutOff(String)

    /// What the journal is told came of the call.
    var result: String {
        switch self {
        case .left: "client-gone"
        case .cutOff(let code): code
        }
    }
}

/// How whoever sent a call goes on with it. Used on the event loop that the call was sent from.
struct UpstreamFlow {
    /// The answer is not wanted any more; no event comes after it.
    var cancel: (Departure) -> Void
    /// False while the client does not read fast enough.
    var setReading: (Bool) -> Void
    /// How long the answer may take from now on; nil as long as somebody else is waited for.
    var setTime: (Milliseconds?) -> Void
    /// Sends the answer to a request of the server.
    var reply: (MCPMessage) -> Void

    static var none: UpstreamFlow {
        UpstreamFlow(cancel: { _ in }, setReading: { _ in }, setTime: { _ in }, reply: { _ in })
    }
}
