import MCP
import Model

/// Reads the HTTP answer to one message as the JSON-RPC messages that it carries, whatever form it has. No I/O.
package struct AnswerReader: Sendable {
    /// One message, and the whole of an answer that is not a stream.
    static let maximumBytes = 32 << 20

    private enum Form {
        case none
        case whole([UInt8])
        case stream(SSEParser)
    }

    /// The request that is answered; nil for notifications, and for the stream of a session.
    private let id: RequestID?
    private var form = Form.none

    package private(set) var status = 0
    package private(set) var headers = HTTPHeaders()
    /// Whether the answer to `id` has come.
    package private(set) var isAnswered = false
    /// Where an event stream can be resumed, and after how many milliseconds.
    package private(set) var lastEventID: String?
    package private(set) var retry: Int64?

    package init(id: RequestID?) { self.id = id }

    package var isSuccess: Bool { (200..<300).contains(status) }

    package var isStream: Bool {
        if case .stream = form { true } else { false }
    }

    /// The messages that are complete now. Of a refusal none: see ``refusal(server:)``.
    /// - Throws: `MCPError` for an answer that is not what MCP allows.
    package mutating func take(_ event: HTTPResponseParser.Event) throws(MCPError) -> [MCPMessage] {
        switch event {
        case .head(let head):
            status = head.status
            headers = head.headers
            let type = (headers["Content-Type"] ?? "").prefix { $0 != ";" }.lowercased()
            let isEvents = isSuccess && type.trimmingPrefix(" ").hasPrefix("text/event-stream")
            form = isEvents ? .stream(SSEParser(eventLimit: Self.maximumBytes)) : .whole([])
            return []
        case .body(let bytes):
            switch form {
            case .none: return []
            case .whole(var held):
                form = .none
                held.append(contentsOf: bytes)
                guard held.count <= Self.maximumBytes else {
                    throw MCPError(.bodyTooLarge, "the answer is longer than \(Self.maximumBytes) bytes")
                }
                form = .whole(held)
                return []
            case .stream(var parser):
                let events = try parser.feed(bytes)
                form = .stream(parser)
                var messages: [MCPMessage] = []
                for event in events {
                    if let message = try message(of: event) { messages.append(message) }
                }
                return messages
            }
        case .end:
            guard isSuccess, case .whole(let bytes) = form, !bytes.isEmpty else { return [] }
            return [try read(bytes)]
        }
    }

    private mutating func message(of event: SSEEvent) throws(MCPError) -> MCPMessage? {
        if let id = event.id { lastEventID = id }
        if let retry = event.retry { self.retry = retry }
        guard event.carriesMessage, let data = event.data else { return nil }
        return try read(data)
    }

    private mutating func read(_ bytes: [UInt8]) throws(MCPError) -> MCPMessage {
        let message = try MCPMessage(parsing: bytes, maximumBytes: Self.maximumBytes)
        switch message {
        case .result(let answered, _), .failure(let answered?, _):
            guard answered == id else { throw MCPError(.badUpstream, "an answer to another request came") }
            isAnswered = true
            return message
        case .failure(nil, let error):
            guard let id else { throw MCPError(.badUpstream, "an error came that answers no request") }
            isAnswered = true
            return .failure(id: id, error)
        case .request, .notification: return message
        }
    }

    /// What a program is told whose request got no answer that it could read.
    /// - Parameter server: full name.
    package func refusal(server: String) -> JSONRPCError {
        if !isSuccess, case .whole(let bytes) = form,
            case .failure(_, let error)? = try? MCPMessage(parsing: bytes, maximumBytes: Self.maximumBytes)
        {
            return error
        }
        let seconds = headers["Retry-After"].flatMap { Int64($0) }.flatMap { $0 >= 0 ? $0 : nil }
        var data = JSONObject([("status", .number(JSONNumber(Int64(status))))])
        data["retryAfter"] = seconds.map { .number(JSONNumber($0)) }
        let later = seconds.map { "; try again in \($0) s" } ?? ""
        let name = backticked(server)
        let message =
            switch status {
            case 200..<300: "the answer of \(name) ended too early"
            case 401, 403: "the spoke of \(name) refuses this client"
            case 404: "the spoke knows no server \(name) for this client, or the session has ended: initialise again"
            case 405: "the spoke of \(name) does not take this kind of message"
            case 413: "the message is larger than \(name) takes"
            case 429: "\(name) has been called too often\(later)"
            case 503: "\(name) is not available now\(later)"
            case 504: "\(name) did not answer in time"
            default: "the spoke of \(name) answered with HTTP status \(status)"
            }
        return JSONRPCError(code: JSONRPCErrors.internalError, message: message, data: .object(data))
    }
}
