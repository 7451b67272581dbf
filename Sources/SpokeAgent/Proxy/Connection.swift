import MCP
import Model
import NIOConcurrencyHelpers
import NIOCore
import Transport
import Trust

/// One caller's connection: reads one request at a time, has it judged, and does what the pipeline said.
///
/// Lives on one event loop. While a request is under way further bytes wait; the client's leaving is noticed at any time
/// and cancels what is under way upstream.
final class Connection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Bytes of the next request that may wait while one is under way.
    private static let maximumWaiting = 64 << 10
    /// The largest body that any policy can allow here.
    private static let maximumBody = 64 << 20
    /// Of a request that the gate answers, which is not read.
    private static let maximumRefusedBody = 64 << 10
    private static let idleTimeout = TimeAmount.seconds(300)
    private static let lingering = TimeAmount.milliseconds(500)

    private enum Phase {
        case reading
        /// Judged, written to the journal, answered.
        case busy
        /// Answered, and the client has yet to read most of it: what it sent meanwhile waits.
        case draining
        case closed
    }

    private let services: Services
    /// Of the listener for tokens: who calls is asked of each request.
    private let gate: BearerGate?
    private var credential: Credential?
    /// What the gate answers in place of the pipeline.
    private var refusal: Answer?
    /// Whether an issuer's keys are waited for.
    private var isAsking = false
    private var context: ChannelHandlerContext?
    private var parser = HTTPRequestParser(limits: HTTPLimits(bodyBytes: maximumBody))
    private var phase = Phase.reading
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    private var waiting: [UInt8] = []
    private var timer: Scheduled<Void>?
    private var handler: RequestHandler?
    /// Among its caller's connections.
    private var ticket: Concurrency.Ticket?
    /// When the request's first byte came.
    private var started = NIODeadline.now()

    init(_ services: Services, gate: BearerGate?) {
        self.services = services
        self.gate = gate
    }

    /// Called once, before the first byte comes through.
    /// - Parameter peer: nil where a gate asks each request.
    func admitted(_ peer: VerifiedPeer?) {
        credential = peer.map(Credential.certificate)
        let owner = credential?.caller.account ?? "address \(address?.host ?? "")"
        let limit = gate?.settings.connectionsPerAddress ?? services.tables.limits.connectionsPerCaller
        guard let ticket = services.connections.enter(caller: owner, server: "", limit: limit) else {
            services.limited.count("connections")
            return close()
        }
        self.ticket = ticket
        startTimer(.firstByte)
    }

    private func leave() {
        ticket?.release()
        ticket = nil
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    // MARK: reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data).readableBytesView
        switch phase {
        case .closed: return
        case .busy, .draining: wait(bytes)
        case .reading where !waiting.isEmpty: wait(bytes)
        case .reading: read(Array(bytes))
        }
    }

    private func wait(_ bytes: ByteBufferView) {
        waiting += bytes
        if waiting.count > Self.maximumWaiting { close() }
    }

    private func read(_ bytes: [UInt8]) {
        if !bytes.isEmpty {
            // The first byte of a request, or another one: the whole has its time, and each byte its own.
            if parser.isIdle { started = .now() }
            startTimer(.nextByte)
        }
        do throws(MCPError) {
            for event in try parser.feed(bytes) { try take(event) }
        } catch { refuseFraming(error) }
    }

    private func take(_ event: HTTPRequestParser.Event) throws(MCPError) {
        switch event {
        case .head(let head):
            self.head = head
            body = []
            let name = Endpoint.server(head.target)
            let policy = name.flatMap { services.snapshots.current?.servers[$0]?.policy }
            ask(head)
            try parser.limitBody(
                to: refusal == nil ? Int(policy?.requestBody.count ?? 1 << 20) : Self.maximumRefusedBody)
            if head.expectsContinue, let refusal {
                phase = .busy
                write(refusal, policy: nil, closing: true)
            } else if head.expectsContinue, let context {
                context.writeAndFlush(
                    wrapOutboundOut(context.channel.allocator.buffer(string: "HTTP/1.1 100 Continue\r\n\r\n")),
                    promise: nil)
            }
        case .body(let bytes): if refusal == nil { body += bytes }
        case .end:
            timer?.cancel()
            phase = .busy
            begin()
        }
    }

    /// Asks the gate whose request it is, before its body is there.
    private func ask(_ head: HTTPRequestHead) {
        guard let gate, let context else { return }
        credential = nil
        refusal = nil
        switch gate.ask(head, from: address) {
        case .caller(let token): credential = .token(token)
        case .answer(let answer): refusal = answer
        case .waits(let fetching):
            isAsking = true
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            context.eventLoop.makeFutureWithTask { await fetching.value }.whenComplete { _ in
                bound.value.askAgain()
            }
        }
    }

    private func askAgain() {
        isAsking = false
        guard let head, phase != .closed else { return }
        ask(head)
        if phase == .busy { begin() }
    }

    /// After it nothing on this connection has a meaning any more.
    private func refuseFraming(_ error: MCPError) {
        if let refusal {
            // Whoever has to get a token first need not hear of the body.
            phase = .busy
            return write(refusal, policy: nil, closing: true)
        }
        let (status, message) = JSONRPCErrors.answer(error, id: nil, era: nil)
        // Where a gate asks each request, who sends this one is not known before its head is read.
        if let caller = credential?.caller.key ?? gate.map({ _ in "unknown" }) {
            let reason: DenyReason = error.reason == .bodyTooLarge ? .tooLarge : .malformed
            let record = DecisionRecord(
                number: 0, at: services.now(), caller: caller, address: address?.description,
                server: serverName, aim: Aim.reach.description, verdict: .deny,
                reason: reason.rawValue, detail: error.code, revision: services.snapshots.current?.revision,
                bundle: services.snapshots.current?.delivery.digest)
            services.deny(record)
            if let credential {
                services.tables.attempts.deny(caller: credential.caller.account, now: services.now())
            }
        }
        phase = .busy
        write(Answer(status: status, message), policy: nil, closing: true)
    }

    /// The full name where it is one of ours.
    private var serverName: String {
        guard let name = head.flatMap({ Endpoint.server($0.target) }) else { return "" }
        return services.snapshots.current?.servers[name]?.name ?? name
    }

    private enum Awaited { case firstByte, nextByte, nextRequest, drained }

    private func startTimer(_ awaited: Awaited) {
        timer?.cancel()
        guard let context else { return }
        let limits = services.tables.limits
        let limit: TimeAmount
        switch awaited {
        case .firstByte: limit = .milliseconds(limits.firstByte.count)
        case .nextRequest: limit = Self.idleTimeout
        case .drained: limit = .milliseconds(limits.drain.count)
        case .nextByte:
            let rest = started + .milliseconds(limits.request.count) - .now()
            limit = max(.zero, min(.milliseconds(limits.nextByte.count), rest))
        }
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: limit) { [weak self] in
            guard let self else { return }
            if awaited == .drained {
                services.limited.count("drain")
                return close()
            }
            guard case .reading = phase else { return }
            guard awaited == .nextByte else {
                if awaited == .firstByte { services.limited.count("first-byte") }
                return close()
            }
            services.limited.count("slow-request")
            phase = .busy
            write(Answer(status: 408), policy: nil, closing: true)
        }
    }

    private var address: IPAddress? { context?.channel.remoteAddress?.ipAddress.flatMap(IPAddress.init) }

    // MARK: answering

    private func begin() {
        guard !isAsking else { return }
        if let refusal, phase == .busy { return write(refusal, policy: nil) }
        guard let context, let credential, let head, phase == .busy else { return close() }
        let trace = TraceContext.continued(head.headers) { .random(in: 0 ... .max) }
        let exchange = Exchange(credential: credential, address: address, head: head, body: body, trace: trace)
        body = []
        let handler = RequestHandler(exchange, services, on: context.eventLoop) { [weak self] output, policy in
            self?.take(output, policy)
        }
        self.handler = handler
        handler.begin()
    }

    private func take(_ output: AnswerDelivery.Output, _ policy: EffectivePolicy?) {
        switch output {
        case .nothing: break
        case .begin(let headers, let bytes):
            let fields = self.headers(policy, headers, closing: closes)
            guard let start = try? HTTPWriter.chunkedResponseHead(status: 200, headers: fields) else { return close() }
            send(start + HTTPWriter.chunk(bytes))
            backPressure()
        case .more(let bytes):
            send(HTTPWriter.chunk(bytes))
            backPressure()
        case .last(let bytes):
            handler = nil
            finish(HTTPWriter.chunk(bytes) + HTTPWriter.lastChunk, closing: closes)
        case .whole(let answer):
            handler = nil
            write(answer, policy: policy)
        }
    }

    private var closes: Bool { !(head?.keepsAlive ?? false) }

    private func write(_ answer: Answer, policy: EffectivePolicy?, closing: Bool = false) {
        let (answer, isLast) = answer.suited(to: head)
        let closing = closing || isLast || services.isDraining.withLockedValue(\.self)
        let fields = headers(policy, answer.headers, closing: closing)
        guard let bytes = try? HTTPWriter.response(status: answer.status, headers: fields, body: answer.body) else {
            return close()
        }
        finish(bytes, closing: closing)
    }

    private func headers(_ policy: EffectivePolicy?, _ own: [Answer.Field], closing: Bool) -> HTTPHeaders {
        var headers = HTTPHeaders()
        let common = policy?.responseHeaders ?? services.snapshots.current?.commonHeaders ?? [:]
        for (name, value) in common.sorted(by: { $0.key < $1.key }) { headers.add(name, value) }
        gate?.crossOrigin.mark(&headers, of: head)
        headers.set("Cache-Control", "no-store")
        for field in own { headers.set(field.name, field.value) }
        if closing { headers.set("Connection", "close") }
        return headers
    }

    private func send(_ bytes: [UInt8]) {
        guard let context, !bytes.isEmpty else { return }
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
    }

    /// Sends the last bytes of an answer. The next request is taken once the client has read this answer: one that only
    /// sends would fill this host's memory with what it does not read.
    private func finish(_ bytes: [UInt8], closing: Bool) {
        head = nil
        refusal = nil
        if gate != nil { credential = nil }
        guard let context else { return }
        guard !closing, !services.isDraining.withLockedValue(\.self) else { return closeAfterWriting(bytes, context) }
        send(bytes)
        guard context.channel.isWritable else {
            phase = .draining
            return startTimer(.drained)
        }
        takeNext(context)
    }

    private func takeNext(_ context: ChannelHandlerContext) {
        phase = .reading
        startTimer(.nextRequest)
        guard !waiting.isEmpty || !parser.buffered.isEmpty else { return }
        // Not from here: a thousand short requests in a row would stand on the stack one above the other.
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute { bound.value.readWaiting() }
    }

    private func readWaiting() {
        guard case .reading = phase else { return }
        let bytes = waiting
        waiting = []
        read(bytes)
    }

    // MARK: the channel

    private func backPressure() {
        guard let context else { return }
        handler?.setReading(context.channel.isWritable)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        backPressure()
        if case .draining = phase, context.channel.isWritable { takeNext(context) }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is DrainEvent, case .reading = phase, parser.isIdle { return close() }
        if let cutOff = event as? PeerCutOff {
            end(.cutOff(cutOff.code))
            // A question that came since the caller was cut off may just have begun to wait.
            if let credential { services.held.end(callers: [credential.caller.key]) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.left)
        leave()
        context.fireChannelInactive()
    }

    private func end(_ departure: Departure) {
        phase = .closed
        timer?.cancel()
        handler?.cancel(departure)
        handler = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { close() }

    private func closeAfterWriting(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        phase = .closed
        startTimer(.drained)
        // A client that is still sending gets time to read why it should stop: closing on unread bytes would reset the
        // connection and the answer with it.
        let lingering = parser.isIdle && waiting.isEmpty ? TimeAmount.zero : Self.lingering
        let channel = context.channel
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { [weak self] _ in
            self?.timer?.cancel()
            channel.eventLoop.assumeIsolated().scheduleTask(in: lingering) { channel.close(promise: nil) }
        }
        context.writeAndFlush(wrapOutboundOut(channel.allocator.buffer(bytes: bytes)), promise: written)
    }

    private func close() {
        phase = .closed
        timer?.cancel()
        context?.close(promise: nil)
    }
}

/// Tells connections that the spoke ends: idle ones close, busy ones close after their answer.
struct DrainEvent: Sendable {}
