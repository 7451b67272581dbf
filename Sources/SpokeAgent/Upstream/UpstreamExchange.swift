import MCP
import Model
import NIOCore

/// One call under way on one event loop: from the request's bytes until the upstream works on it no more. That may be after
/// its last event: a call that nobody waits for is called off, and keeps its caller's place until the upstream has answered or
/// has had as long again as it was given.
final class UpstreamExchange {
    let call: UpstreamCall
    let request: [UInt8]

    private let loop: any EventLoop
    private var reader: AnswerReader
    /// Nil once nobody waits.
    private var receive: ((UpstreamEvent) -> Void)?
    private let callOff: (MCPMessage) -> Void
    private var timer: Scheduled<Void>?
    private weak var connection: UpstreamConnection?
    private(set) var isReading = true
    private(set) var isOver = false
    /// Answers to requests of the server that it has not taken yet.
    private var replies = 0
    private static let maximumReplies = 16
    /// Whether the client holds an event behind which it can take the answer up again.
    private var isResumable = false

    /// - Parameter callOff: sends a cancellation of this call.
    init(
        _ call: UpstreamCall, request: [UInt8], loop: any EventLoop, callOff: @escaping (MCPMessage) -> Void,
        receive: @escaping (UpstreamEvent) -> Void
    ) {
        self.call = call
        self.request = request
        self.loop = loop
        self.callOff = callOff
        self.receive = receive
        reader = AnswerReader(expecting: call.expectation, limit: call.responseLimit)
        setTime(call.requestTimeout)
    }

    func began(on connection: UpstreamConnection) { self.connection = connection }

    /// Nobody is there for the answer.
    func cancel(_ departure: Departure) {
        receive = nil
        setReading(true)
        // Who lost a connection may come back for the rest (2025-11-25, basic/transports, "Resumability"): until it is late.
        if isResumable, departure == .left, call.mayComeBack, let cancellation = call.cancellation {
            return letGo(cancellation)
        }
        leave()
    }

    /// Servers go on with a call on the stream that asks for its rest, and some only once this one is gone.
    private func letGo(_ cancellation: MCPMessage) {
        connection?.abandon(self)
        timer?.cancel()
        // Nobody else holds this exchange now, and the place is given back by it alone.
        timer = loop.assumeIsolated().scheduleTask(in: .milliseconds(call.requestTimeout.count)) { [self] in
            callOff(cancellation)
            over()
        }
    }

    private func late() {
        let receive = receive
        self.receive = nil
        setReading(true)
        leave()
        receive?(.failed(SpokeError("upstream-timeout", "no answer in time")))
    }

    /// Nobody waits for the answer any more.
    private func leave() {
        guard let cancellation = call.cancellation, connection != nil else { return cut() }
        callOff(cancellation)
        timer?.cancel()
        timer = loop.assumeIsolated().scheduleTask(in: .milliseconds(call.requestTimeout.count)) { [weak self] in
            self?.cut()
        }
    }

    private func cut() {
        over()
        connection?.abandon(self)
    }

    private func over() {
        // Once: whoever was told may have taken the place again for another attempt.
        guard !isOver else { return }
        isOver = true
        receive = nil
        timer?.cancel()
        timer = nil
        call.place?.release()
    }

    func setTime(_ time: Milliseconds?) {
        guard receive != nil else { return }
        timer?.cancel()
        timer = time.map { time in
            loop.assumeIsolated().scheduleTask(in: .milliseconds(time.count)) { [weak self] in self?.late() }
        }
    }

    func setReading(_ reading: Bool) {
        isReading = reading
        if reading { connection?.readMore() }
    }

    /// Each reply is a request of its own: a server that asks and takes no answer would have all of this host's sockets.
    /// - Returns: false when too many are under way, which ends the call.
    func beginReply() -> Bool {
        guard replies < Self.maximumReplies else {
            fail("bad-upstream", "the server asks and does not take \(Self.maximumReplies) answers")
            return false
        }
        replies += 1
        return true
    }

    func endReply() { replies -= 1 }

    func head(_ head: HTTPResponseHead) { if let event = reader.head(head) { emit(event) } }

    func body(_ bytes: [UInt8]) {
        for event in reader.read(bytes) { emit(event) }
        // The stream may stay open behind its answer; nobody waits for more of it.
        if reader.hasEnded { cut() }
    }

    func end() {
        guard let event = reader.end() else { return over() }
        // The server lets go of the connection and works on: it has the call, and the call its place, until it is late.
        if case .ended = event, let receive, let cancellation = call.cancellation {
            self.receive = nil
            // Clients of older versions are told that there is no answer (`AnswerDelivery`).
            if call.mayComeBack, call.version >= .v20251125 {
                letGo(cancellation)
            } else {
                callOff(cancellation)
                over()
            }
            return receive(event)
        }
        emit(event)
        over()
    }

    func fail(_ code: String, _ message: String) {
        emit(.failed(SpokeError(code, message)))
        cut()
    }

    private func emit(_ event: UpstreamEvent) {
        guard let receive else { return }
        if event.event != nil { isResumable = true }
        if event.isLast { over() }
        receive(event)
    }
}

/// One connection to an upstream, its own framing, one exchange at a time.
final class UpstreamConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    weak var pool: UpstreamPool?
    private var context: ChannelHandlerContext?
    // The framing bounds heads only: a stream has no length, and an answer's is bounded by its reader.
    private var parser = HTTPResponseParser(limits: HTTPLimits(bodyBytes: Int.max / 2))
    private var exchange: UpstreamExchange?
    private var keepsAlive = false
    private var idleTimer: Scheduled<Void>?
    private var hasClosed = false

    var isUsable: Bool { !hasClosed && context != nil && parser.isIdle && exchange == nil }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func start(_ exchange: UpstreamExchange) {
        idleTimer?.cancel()
        guard let context, !hasClosed else { return exchange.fail("upstream-closed", "the connection closed") }
        // Cancelled or timed out while the connection was made.
        guard !exchange.isOver else { return rest() }
        self.exchange = exchange
        keepsAlive = false
        exchange.began(on: self)
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(bytes: exchange.request)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard exchange != nil else { return close() }
        do throws(MCPError) {
            var input = Array(unwrapInboundIn(data).readableBytesView)
            repeat {
                for event in try parser.feed(input) { take(event) }
                input = []
            } while exchange != nil && !parser.buffered.isEmpty && !parser.isIdle
        } catch {
            let current = exchange
            exchange = nil
            close()
            current?.fail("bad-upstream", error.message)
        }
    }

    private func take(_ event: HTTPResponseParser.Event) {
        switch event {
        case .head(let head):
            keepsAlive = head.keepsAlive
            exchange?.head(head)
        case .body(let bytes): exchange?.body(bytes)
        case .end:
            let current = exchange
            exchange = nil
            // Bytes that nobody asked for: the next answer could not be told from them.
            if keepsAlive, parser.isIdle { rest() } else { close() }
            current?.end()
        }
    }

    private func rest() {
        guard let context, !hasClosed else { return }
        idleTimer = context.eventLoop.assumeIsolated().scheduleTask(in: UpstreamPool.idleLimit) { [weak self] in
            self?.close()
        }
        pool?.giveBack(self)
    }

    /// Holds back while the client does not follow.
    func read(context: ChannelHandlerContext) {
        if exchange?.isReading ?? true { context.read() }
    }

    func readMore() { context?.read() }

    /// Nobody wants the rest of this exchange; closing tells the upstream so.
    func abandon(_ exchange: UpstreamExchange) {
        guard self.exchange === exchange else { return }
        self.exchange = nil
        close()
    }

    func close() {
        hasClosed = true
        pool?.forget(self)
        context?.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        hasClosed = true
        idleTimer?.cancel()
        pool?.forget(self)
        let current = exchange
        exchange = nil
        if let current {
            if let events = try? parser.finish(), events.contains(.end) {
                current.end()
            } else {
                current.fail("upstream-closed", "the connection closed before the answer was whole")
            }
        }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let current = exchange
        exchange = nil
        close()
        current?.fail("upstream-closed", "the connection failed: \(error)")
    }
}
