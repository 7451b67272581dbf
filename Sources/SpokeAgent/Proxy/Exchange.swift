import MCP
import Model
import Trust

/// One complete request of a caller, as the connection read it.
package struct Exchange: Sendable {
    package var credential: Credential
    /// The socket's own.
    package var address: IPAddress?
    package var head: HTTPRequestHead
    package var body: [UInt8]
    /// With the spoke's own span; nil where nobody traces.
    package var trace: TraceContext?

    package init(
        credential: Credential, address: IPAddress?, head: HTTPRequestHead, body: [UInt8], trace: TraceContext? = nil
    ) {
        self.credential = credential
        self.address = address
        self.head = head
        self.body = body
        self.trace = trace
    }

    package var caller: Caller { credential.caller }

    /// What goes on of its headers.
    /// - Parameter names: what the policy removes, lower case.
    func forwardedHeaders(removing names: [String]) -> HTTPHeaders {
        HeaderRules.forwarded(head.headers, removing: names, trace: trace)
    }
}

/// What the pipeline made of a request.
package enum Step: Sendable {
    case answer(Answer)
    case forward(Permit, Forwarding)
    /// The messages of a batch, each to be judged by itself.
    case batch([Exchange])
    /// A message for the stream of that id, to be judged there.
    case post(stream: String)
}

/// A whole answer that the spoke gives itself.
package struct Answer: Hashable, Sendable {
    package var status: Int
    /// Besides the policy's own.
    package var headers: [Field]
    package var body: [UInt8]
    /// What the journal is told; nil for an answer that denies nothing.
    package var denied: DecisionRecord?

    package struct Field: Hashable, Sendable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package init(status: Int, headers: [Field] = [], body: [UInt8] = [], denied: DecisionRecord? = nil) {
        self.status = status
        self.headers = headers
        self.body = body
        self.denied = denied
    }

    package init(status: Int, _ message: MCPMessage, headers: [Field] = [], denied: DecisionRecord? = nil) {
        self.init(
            status: status, headers: [Field("Content-Type", "application/json")] + headers, body: message.bytes,
            denied: denied)
    }
}

extension Answer {
    /// As it answers a request of that head: without a body where the request was `HEAD` (RFC 9110, section 9.3.2), and the
    /// last on its connection unless the method is one that is served.
    ///
    /// - Parameter head: nil when none could be read.
    package func suited(to head: HTTPRequestHead?) -> (answer: Answer, closes: Bool) {
        guard let head else { return (self, true) }
        var answer = self
        if head.method == "HEAD" { answer.body = [] }
        return (answer, !head.keepsAlive || !["POST", "DELETE", "GET", "OPTIONS"].contains(head.method))
    }
}

/// Everything that sending a permitted message upstream takes. The permit stands beside it.
package struct Forwarding: Sendable {
    package enum Content: Sendable {
        case message(MCPAction, MCPMessage)
        /// `GET`: the session's own stream, or what was missed of another.
        case stream(Resumption?)
        /// `DELETE` of a session.
        case endSession
        /// The stream of a client of HTTP+SSE; nothing of it goes upstream.
        case legacyStream
    }

    package var content: Content
    /// Short name.
    package var server: String
    /// `Caller.key`.
    package var caller: String
    package var owner: Caller
    package var version: ProtocolVersion
    package var session: Session?
    /// The tool's, for the `Mcp-Param-*` headers.
    package var mirrored: MirroredParameters?
    package var headers: HTTPHeaders
    package var policy: EffectivePolicy
    package var filter: ListView
    package var ticket: Concurrency.Ticket
    package var record: DecisionRecord
    /// Whether the client reads event streams.
    package var acceptsStream: Bool
    /// The call that waits for this one's `inputResponses`, as ``HeldCalls`` finds it.
    package var resumes: String?

    /// Whether it stays open until somebody ends it.
    package var isStream: Bool {
        switch content {
        case .stream, .message(.listen, _), .legacyStream: true
        case .message, .endSession: false
        }
    }

    /// What the answer answers; nil where none comes.
    package var action: MCPAction? {
        switch content {
        case .message(let action, _): action
        case .stream(let resumption): resumption?.action
        case .endSession, .legacyStream: nil
        }
    }

    /// Of the request that is answered; nil for what has no answer.
    package var messageID: RequestID? {
        switch content {
        case .message(_, let message): message.id
        case .stream(let resumption): resumption?.request
        case .endSession, .legacyStream: nil
        }
    }
}
