import MCP
import Model

extension SpokeError {
    /// - Parameter limit: what policy lets one answer have, in bytes.
    static func answerTooLarge(_ limit: Int) -> SpokeError {
        SpokeError("answer-too-large", "the answer exceeds \(limit) bytes")
    }
}

/// Makes events of the bytes that an HTTP upstream answers to one message. No I/O.
package struct AnswerReader {
    package enum Expectation: Hashable, Sendable {
        /// To the request of that id.
        case answer(RequestID)
        /// Of a message that has no answer.
        case acceptance
        /// Events until somebody has enough; one that replays what another stream missed may hold that one's answer.
        case stream(replaying: RequestID?)
    }

    private enum Body {
        case none
        case json([UInt8])
        case stream(SSEParser)
        case other
    }

    /// What a server may ask of the client before it answers; more in one exchange is no honest server.
    package static let maximumAsked = 16

    private let expectation: Expectation
    private let limit: Int
    private var status = 0
    private var session: String?
    private var askedSoFar = 0
    /// Whether an event has come behind which the stream can be taken up again.
    private var isResumable = false
    private var body = Body.none
    package private(set) var hasEnded = false

    package init(expecting expectation: Expectation, limit: Int) {
        self.expectation = expectation
        self.limit = limit
    }

    /// - Returns: `opened` for a stream that is there.
    package mutating func head(_ head: HTTPResponseHead) -> UpstreamEvent? {
        status = head.status
        session = head.headers["Mcp-Session-Id"].flatMap { id in
            (1...1024).contains(id.utf8.count) && id.utf8.allSatisfy { (0x21...0x7E).contains($0) } ? id : nil
        }
        let type = (head.headers["Content-Type"] ?? "").prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        guard (head.headers["Content-Encoding"] ?? "identity").lowercased() == "identity" else {
            body = .other
            return nil
        }
        switch (type, expectation) {
        case ("application/json", _): body = .json([])
        case ("text/event-stream", .answer) where status == 200: body = .stream(SSEParser(eventLimit: limit))
        case ("text/event-stream", .stream) where status == 200:
            body = .stream(SSEParser(eventLimit: limit))
            return .opened
        default: body = .other
        }
        return nil
    }

    /// - Returns: what these bytes complete.
    package mutating func read(_ bytes: [UInt8]) -> [UpstreamEvent] {
        guard !hasEnded else { return [] }
        switch body {
        case .none, .other: return []
        case .json(var held):
            body = .none
            guard held.count + bytes.count <= limit else {
                return [fail(.answerTooLarge(limit))]
            }
            held += bytes
            body = .json(held)
            return []
        case .stream(var parser):
            body = .none
            let events: [SSEEvent]
            do throws(MCPError) { events = try parser.feed(bytes) } catch {
                return [fail("bad-upstream", error.message)]
            }
            body = .stream(parser)
            var made: [UpstreamEvent] = []
            for event in events where !hasEnded { if let next = take(event) { made.append(next) } }
            return made
        }
    }

    private mutating func take(_ event: SSEEvent) -> UpstreamEvent? {
        if event.id?.isEmpty == false { isResumable = true }
        guard event.carriesMessage, let data = event.data else {
            // The priming event: an id and empty data (2025-11-25, basic/transports).
            let isPriming = event.id != nil && event.data?.isEmpty == true
            guard isPriming || !event.comments.isEmpty else { return nil }
            return .keepAlive(
                SSEEvent(
                    data: isPriming ? [] : nil, id: isPriming ? event.id : nil, retry: event.retry,
                    comments: event.comments))
        }
        switch ServerMessage(parsing: data, maximumBytes: limit) {
        case .notification(let method, let params):
            return .notification(.notification(method: method, params: params), event: event.id)
        case .request(let id, let method, let params):
            askedSoFar += 1
            if case .answer = expectation, askedSoFar > Self.maximumAsked {
                return fail("bad-upstream", "the server asks more than \(Self.maximumAsked) times")
            }
            return .request(id, method: method, params: params, event: event.id)
        case .response(let id, let message):
            guard id == expected else { return fail("bad-upstream", "an answer to another request came") }
            hasEnded = true
            return .response(
                UpstreamResponse(status: status, message: message, session: session, event: event.id))
        case .invalid(let error): return fail("bad-upstream", error.message)
        }
    }

    private var expected: RequestID? {
        switch expectation {
        case .answer(let id): id
        case .stream(let replaying): replaying
        case .acceptance: nil
        }
    }

    /// The body is complete.
    package mutating func end() -> UpstreamEvent? {
        guard !hasEnded else { return nil }
        hasEnded = true
        let expected: RequestID
        switch expectation {
        case .answer(let id): expected = id
        case .acceptance: return (200..<300).contains(status) ? .accepted : .refused(status: status)
        case .stream:
            if case .stream = body { return .ended }
            return status >= 400 ? .refused(status: status) : .failed(SpokeError("bad-upstream", "no stream came"))
        }
        switch body {
        case .json(let bytes):
            guard let message = try? MCPMessage(parsing: bytes, maximumBytes: limit) else { return refusedOrBad() }
            switch message {
            case .result(let id, _) where id == expected && (200..<300).contains(status):
                return .response(UpstreamResponse(status: status, message: message, session: session))
            case .failure(let id, let error) where id == expected || status >= 400:
                // Servers name no request, or one of their own making, where they refused before they read it.
                return .response(
                    UpstreamResponse(status: status, message: .failure(id: expected, error), session: session))
            default: return .failed(SpokeError("bad-upstream", "an answer to another request came"))
            }
        // A server may let go of the connection and be asked for the rest (2025-11-25, basic/transports, "Sending Messages").
        case .stream where isResumable: return .ended
        case .stream: return .failed(SpokeError("upstream-closed", "the stream ended without an answer"))
        case .none, .other: return refusedOrBad()
        }
    }

    private func refusedOrBad() -> UpstreamEvent {
        status >= 400
            ? .refused(status: status)
            : .failed(SpokeError("bad-upstream", "the answer of status \(status) holds no message"))
    }

    private mutating func fail(_ code: String, _ message: String) -> UpstreamEvent { fail(SpokeError(code, message)) }

    private mutating func fail(_ error: SpokeError) -> UpstreamEvent {
        hasEnded = true
        return .failed(error)
    }
}
