import MCP
import Model

/// Makes events of the bytes that an HTTP upstream answers to one message. No I/O.
package struct AnswerReader {
    /// What a server asked of the client, to be refused in its name.
    package struct Asked: Hashable, Sendable {
        package var id: RequestID
        package var method: String
    }

    private enum Body {
        case none
        case json([UInt8])
        case stream(SSEParser)
        case other
    }

    /// Each is answered on a connection of its own; more in one exchange is no honest server.
    package static let maximumAsked = 16

    private let expected: RequestID?
    private let limit: Int
    private var status = 0
    private var session: String?
    private var askedSoFar = 0
    private var body = Body.none
    package private(set) var hasEnded = false

    /// - Parameter expected: the id of the request; nil for a message that has no answer.
    package init(expected: RequestID?, limit: Int) {
        self.expected = expected
        self.limit = limit
    }

    package mutating func head(_ head: HTTPResponseHead) {
        status = head.status
        session = head.headers["Mcp-Session-Id"].flatMap { id in
            (1...1024).contains(id.utf8.count) && id.utf8.allSatisfy { (0x21...0x7E).contains($0) } ? id : nil
        }
        let type = (head.headers["Content-Type"] ?? "").prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        guard (head.headers["Content-Encoding"] ?? "identity").lowercased() == "identity" else {
            body = .other
            return
        }
        switch type {
        case "application/json": body = .json([])
        case "text/event-stream" where expected != nil && status == 200: body = .stream(SSEParser(eventLimit: limit))
        default: body = .other
        }
    }

    /// - Returns: what these bytes complete, and what the server asked.
    package mutating func read(_ bytes: [UInt8]) -> (events: [UpstreamEvent], asked: [Asked]) {
        guard !hasEnded else { return ([], []) }
        switch body {
        case .none, .other: return ([], [])
        case .json(var held):
            body = .none
            guard held.count + bytes.count <= limit else {
                return ([fail("answer-too-large", "the answer exceeds \(limit) bytes")], [])
            }
            held += bytes
            body = .json(held)
            return ([], [])
        case .stream(var parser):
            body = .none
            let events: [SSEEvent]
            do throws(MCPError) { events = try parser.feed(bytes) } catch {
                return ([fail("bad-upstream", error.message)], [])
            }
            body = .stream(parser)
            var made: [UpstreamEvent] = []
            var asked: [Asked] = []
            for event in events where !hasEnded { take(event, &made, &asked) }
            return (made, asked)
        }
    }

    private mutating func take(_ event: SSEEvent, _ made: inout [UpstreamEvent], _ asked: inout [Asked]) {
        guard event.carriesMessage, let data = event.data else {
            if !event.comments.isEmpty { made.append(.keepAlive(SSEEvent(comments: event.comments))) }
            return
        }
        switch ServerMessage(parsing: data, maximumBytes: limit) {
        case .notification(let method, let params):
            made.append(.notification(.notification(method: method, params: params)))
        case .request(let id, let method):
            askedSoFar += 1
            guard askedSoFar <= Self.maximumAsked else {
                return made.append(fail("bad-upstream", "the server asks more than \(Self.maximumAsked) times"))
            }
            asked.append(Asked(id: id, method: method))
        case .response(let id, let message):
            guard id == expected else { return made.append(fail("bad-upstream", "an answer to another request came")) }
            hasEnded = true
            made.append(.response(UpstreamResponse(status: status, message: message, session: session)))
        case .invalid(let error): made.append(fail("bad-upstream", error.message))
        }
    }

    /// The body is complete.
    package mutating func end() -> UpstreamEvent? {
        guard !hasEnded else { return nil }
        hasEnded = true
        guard let expected else {
            return (200..<300).contains(status) ? .accepted : .refused(status: status)
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
        case .stream: return .failed(SpokeError("upstream-closed", "the stream ended without an answer"))
        case .none, .other: return refusedOrBad()
        }
    }

    private func refusedOrBad() -> UpstreamEvent {
        status >= 400
            ? .refused(status: status)
            : .failed(SpokeError("bad-upstream", "the answer of status \(status) holds no message"))
    }

    private mutating func fail(_ code: String, _ message: String) -> UpstreamEvent {
        hasEnded = true
        return .failed(SpokeError(code, message))
    }
}
