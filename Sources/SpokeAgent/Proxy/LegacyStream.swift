import MCP
import Model
import NIOConcurrencyHelpers
import NIOCore

/// The stream of one client of HTTP+SSE (2024-11-05, basic/transports): every answer to what the client posts arrives on it, and
/// what the server says besides. What is posted is judged, counted and written down as at `/SERVER/mcp`, under a session of the
/// handshake era that begins with the client's `initialize` and ends with the stream.
///
/// Its state lives on the event loop of the connection that bears the stream.
final class LegacyStream: Sendable {
    /// Messages that may be under way at once, the session's own stream included.
    private static let maximumMessages = 64

    private struct State {
        var running: [Int: RequestHandler] = [:]
        var next = 0
        /// What `Mcp-Session-Id` is at `/SERVER/mcp`.
        var session: String?
        var listens = false
        var isClosed = false
    }

    /// Random; in the address that the client posts to.
    let id: String
    let caller: String
    /// Short name.
    let server: String
    private let services: Services
    private let loop: any EventLoop
    private let state: NIOLoopBoundBox<State>
    private let write: NIOLoopBound<([UInt8]) -> Void>

    /// To be made on `loop`.
    /// - Parameter write: called on `loop` with whole events.
    init(
        id: String, caller: String, server: String, _ services: Services, on loop: any EventLoop,
        write: @escaping ([UInt8]) -> Void
    ) {
        self.id = id
        self.caller = caller
        self.server = server
        self.services = services
        self.loop = loop
        state = NIOLoopBoundBox(State(), eventLoop: loop)
        self.write = NIOLoopBound(write, eventLoop: loop)
    }

    /// The first event: where to post to.
    var endpoint: [UInt8] {
        SSEWriter.bytes(SSEEvent(event: "endpoint", data: Array(Endpoint.messages(server, session: id).utf8)))
    }

    /// Takes a message that came by another connection, from any loop.
    /// - Parameter answered: called on `loop`, with what that connection is told: 202 once the message is on its way.
    func post(_ exchange: Exchange, answered: @escaping @Sendable (Answer) -> Void) {
        loop.execute { [self] in
            guard !state.value.isClosed, state.value.running.count < Self.maximumMessages else {
                return answered(Answer(refusing: .concurrency, id: nil) ?? Answer(status: 429))
            }
            var isAnswered = false
            let tell = { (answer: Answer) in
                guard !isAnswered else { return }
                isAnswered = true
                answered(answer)
            }
            run(inner(exchange, method: "POST", accept: "application/json, text/event-stream"), accepted: tell) {
                [self] answer in
                if let begun = answer.headers.first(where: { $0.name == "Mcp-Session-Id" }) {
                    state.value.session = begun.value
                }
                // Whom an answer is for is told by its id; without one only the poster can be told.
                let id = (try? JSON(parsing: answer.body))?["id"]
                guard let id, !id.isNull else { return tell(answer) }
                write.value(SSEWriter.bytes(SSEEvent(event: "message", data: answer.body)))
                tell(Answer(status: 202))
                listen(exchange)
            }
        }
    }

    /// What the server says outside of answers comes on its session's own stream, if it has one.
    private func listen(_ exchange: Exchange) {
        guard state.value.session != nil, !state.value.listens else { return }
        state.value.listens = true
        var own = inner(exchange, method: "GET", accept: "text/event-stream")
        own.body = []
        run(own, accepted: { _ in }, whole: { _ in })
    }

    private func run(
        _ exchange: Exchange, accepted: @escaping (Answer) -> Void, whole: @escaping (Answer) -> Void
    ) {
        state.value.next += 1
        let number = state.value.next
        let handler = RequestHandler(exchange, services, on: loop) { [weak self] output, _ in
            guard let self, !state.value.isClosed else { return }
            switch output {
            case .nothing: return
            case .begin(_, let bytes), .more(let bytes): write.value(bytes)
            case .last(let bytes):
                state.value.running[number] = nil
                write.value(bytes)
            case .whole(let answer):
                state.value.running[number] = nil
                whole(answer)
            }
        }
        handler.accepted = { accepted(Answer(status: 202)) }
        state.value.running[number] = handler
        handler.begin()
    }

    /// The message as it would stand at `/SERVER/mcp`.
    private func inner(_ exchange: Exchange, method: String, accept: String) -> Exchange {
        var inner = exchange
        inner.head.method = method
        inner.head.target = "/\(server)/mcp"
        for name in ["Mcp-Session-Id", "Last-Event-ID", EraRules.versionHeader] { inner.head.headers.remove(name) }
        inner.head.headers.set("Accept", accept)
        if let session = state.value.session { inner.head.headers.set("Mcp-Session-Id", session) }
        return inner
    }

    /// False while the client does not read fast enough. On `loop`.
    func setReading(_ reading: Bool) { for handler in state.value.running.values { handler.setReading(reading) } }

    /// The client is gone, or may not be here any more: what is under way is called off, and the session is over. On `loop`.
    func close(_ departure: Departure) {
        guard !state.value.isClosed else { return }
        state.value.isClosed = true
        services.legacy.remove(id)
        for handler in state.value.running.values { handler.cancel(departure) }
        state.value.running = [:]
        guard let session = state.value.session.flatMap({ services.tables.sessions.remove($0) }) else { return }
        services.upstreams.end([session], callers: [])
    }
}

/// The streams of clients of HTTP+SSE by id. A stream takes messages of who opened it; to anybody else it does not exist.
final class LegacyStreams: Sendable {
    private let streams = NIOLockedValueBox<[String: LegacyStream]>([:])

    func add(_ stream: LegacyStream) { streams.withLockedValue { $0[stream.id] = stream } }

    func remove(_ id: String) { _ = streams.withLockedValue { $0.removeValue(forKey: id) } }

    /// - Returns: nil for an id that is unknown, and of another caller's stream or another server's.
    func find(_ id: String, caller: String, server: String) -> LegacyStream? {
        streams.withLockedValue { $0[id] }.flatMap { $0.caller == caller && $0.server == server ? $0 : nil }
    }
}
