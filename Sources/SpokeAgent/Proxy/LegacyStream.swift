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
    /// After which the session's own stream is opened again, where it ended.
    private static let pause = TimeAmount.seconds(1)
    private static let longestPause = TimeAmount.seconds(60)

    /// What becomes of a message.
    enum Posted: Sendable {
        /// As the connection that it came by is told.
        case answered(Answer)
        /// Nothing was done with it.
        case refused(DenyReason)
    }

    /// Why a stream cannot go on.
    enum Fault: String {
        /// The client reads nothing, and answers wait for it.
        case unread
        case sessionGone = "session-gone"
    }

    private struct State {
        var running: [Int: RequestHandler] = [:]
        /// Whoever posted and was told nothing yet.
        var posters: [Int: @Sendable (Posted) -> Void] = [:]
        var next = 0
        /// What `Mcp-Session-Id` is at `/SERVER/mcp`.
        var session: String?
        var listening = Listening.not
        /// Before it is asked again for what it ended.
        var pause = LegacyStream.pause
        var isClosed = false
        /// False while the client does not follow.
        var isReading = true
        /// Bytes that wait for the client.
        var unread = 0
        var patience: Scheduled<Void>?
    }

    /// To what the server says outside of answers.
    private enum Listening {
        case not
        case listens
        /// The server has no such stream.
        case never
    }

    /// Random; in the address that the client posts to.
    let id: String
    let caller: String
    /// Short name.
    let server: String
    private let services: Services
    private let loop: any EventLoop
    /// Bytes that may wait for a client that does not read.
    private let unreadLimit: Int
    private let state: NIOLoopBoundBox<State>
    private let write: NIOLoopBound<([UInt8]) -> Void>
    private let fail: NIOLoopBound<(Fault) -> Void>

    /// To be made on `loop`.
    /// - Parameters:
    ///   - unreadLimit: bytes that may wait for a client that does not read; as much as one answer may have.
    ///   - write: called on `loop` with whole events.
    ///   - fail: called on `loop` when the stream has to end.
    init(
        id: String, caller: String, server: String, _ services: Services, on loop: any EventLoop, unreadLimit: Int,
        write: @escaping ([UInt8]) -> Void, fail: @escaping (Fault) -> Void
    ) {
        self.id = id
        self.caller = caller
        self.server = server
        self.services = services
        self.loop = loop
        self.unreadLimit = unreadLimit
        state = NIOLoopBoundBox(State(), eventLoop: loop)
        self.write = NIOLoopBound(write, eventLoop: loop)
        self.fail = NIOLoopBound(fail, eventLoop: loop)
    }

    /// The first event: where to post to.
    var endpoint: [UInt8] {
        SSEWriter.bytes(SSEEvent(event: "endpoint", data: Array(Endpoint.messages(server, session: id).utf8)))
    }

    /// Whether the session's own stream says what changed.
    var listens: Bool { if case .listens = state.value.listening { true } else { false } }

    /// Takes a message that came by another connection, from any loop.
    /// - Parameter told: called once, on `loop`: 202 as soon as the message is on its way.
    func post(_ exchange: Exchange, told: @escaping @Sendable (Posted) -> Void) {
        loop.execute { [self] in
            guard !state.value.isClosed else { return told(.refused(.foreignSession)) }
            // Who does not read the answers gets no more of them: they would all wait in this host's memory.
            guard state.value.isReading, state.value.running.count < Self.maximumMessages else {
                return told(.refused(.concurrency))
            }
            let number = state.value.next
            state.value.posters[number] = told
            let tell: (Answer) -> Void = { [self] answer in
                state.value.posters.removeValue(forKey: number)?(.answered(answer))
            }
            run(
                inner(exchange, method: "POST", accept: "application/json, text/event-stream"), accepted: tell, last: {}
            ) { [self] answer in
                if let begun = answer.headers.first(where: { $0.name == "Mcp-Session-Id" }) { begin(begun.value) }
                // Whom an answer is for is told by its id, or those of a batch; without one only the poster can be told.
                let body = try? JSON(parsing: answer.body)
                guard body?.array != nil || !(body?["id"]?.isNull ?? true) else { return tell(answer) }
                send(SSEWriter.bytes(SSEEvent(event: "message", data: answer.body)))
                tell(Answer(status: 202))
                listen(exchange)
            }
        }
    }

    /// One session a stream: another one's would stay behind.
    private func begin(_ session: String) {
        end(state.value.session)
        state.value.session = session
    }

    private func end(_ session: String?) {
        guard let session = session.flatMap({ services.tables.sessions.remove($0) }) else { return }
        services.upstreams.end([session], callers: [])
    }

    /// What the server says outside of answers comes on its session's own stream, if it has one.
    private func listen(_ exchange: Exchange) {
        guard !state.value.isClosed, state.value.session != nil, case .not = state.value.listening else { return }
        state.value.listening = .listens
        var own = inner(exchange, method: "GET", accept: "text/event-stream")
        own.body = []
        let began = NIODeadline.now()
        run(own, accepted: { _ in }) { [self] in
            // A server that says nothing for long loses its stream, not the client its ears. One that ends it at once is asked
            // less and less often: each time costs the caller's rate.
            if .now() - began > Self.longestPause { state.value.pause = Self.pause }
            let pause = state.value.pause
            state.value.pause = min(pause * 2, Self.longestPause)
            loop.assumeIsolated().scheduleTask(in: pause) { [weak self] in
                self?.state.value.listening = .not
                self?.listen(exchange)
            }
        } whole: { [self] answer in
            state.value.listening = answer.status == 405 ? .never : .not
            if answer.status == 404 { fail.value(.sessionGone) }
        }
    }

    /// - Parameters:
    ///   - last: called when the answer was a stream, and it is over.
    ///   - whole: called when it was none.
    private func run(
        _ exchange: Exchange, accepted: @escaping (Answer) -> Void, last: @escaping () -> Void,
        whole: @escaping (Answer) -> Void
    ) {
        let number = state.value.next
        state.value.next += 1
        let handler = RequestHandler(exchange, services, on: loop) { [weak self] output, _ in
            guard let self, !state.value.isClosed else { return }
            switch output {
            case .nothing: return
            case .begin(_, let bytes), .more(let bytes): send(bytes)
            case .last(let bytes):
                state.value.running[number] = nil
                send(bytes)
                last()
            case .whole(let answer):
                state.value.running[number] = nil
                whole(answer)
            }
        }
        handler.accepted = { accepted(Answer(status: 202)) }
        state.value.running[number] = handler
        handler.setReading(state.value.isReading)
        handler.begin()
    }

    private func send(_ bytes: [UInt8]) {
        guard !state.value.isClosed else { return }
        if !state.value.isReading {
            state.value.unread += bytes.count
            guard state.value.unread <= unreadLimit else { return fail.value(.unread) }
        }
        write.value(bytes)
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
    func setReading(_ reading: Bool) {
        guard reading != state.value.isReading else { return }
        state.value.isReading = reading
        state.value.unread = 0
        state.value.patience?.cancel()
        state.value.patience = nil
        for handler in state.value.running.values { handler.setReading(reading) }
        guard !reading else { return }
        let limit = TimeAmount.milliseconds(services.tables.limits.drain.count)
        state.value.patience = loop.assumeIsolated().scheduleTask(in: limit) { [weak self] in
            guard let self, !state.value.isClosed else { return }
            services.limited.count("drain")
            fail.value(.unread)
        }
    }

    /// The client is gone, or may not be here any more: what is under way is called off, and the session is over. On `loop`.
    func close(_ departure: Departure) {
        guard !state.value.isClosed else { return }
        state.value.isClosed = true
        state.value.patience?.cancel()
        services.legacy.remove(id)
        for handler in state.value.running.values { handler.cancel(departure) }
        state.value.running = [:]
        let posters = state.value.posters.values
        state.value.posters = [:]
        for told in posters { told(.refused(.foreignSession)) }
        end(state.value.session)
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
