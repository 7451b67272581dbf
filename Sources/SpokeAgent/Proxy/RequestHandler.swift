import MCP
import Model
import NIOCore
import Trust

/// One request on its way: has it judged and written down, sends it upstream and hands what comes back to its connection.
/// Lives on the connection's event loop, from the request's last byte to the answer's.
final class RequestHandler {
    /// How often an open stream is looked at, and its client is told that it is open.
    private static let pulse = TimeAmount.seconds(15)

    private let exchange: Exchange
    private let services: Services
    private let loop: any EventLoop
    /// Bytes that the answer may have, where others share the policy's with it.
    private let answerLimit: Int64?
    private let output: (AnswerDelivery.Output, EffectivePolicy?) -> Void
    private var delivery: AnswerDelivery?
    private var batch: BatchRun?
    private var departure: Departure?
    private var isReading = true
    /// Of a client of HTTP+SSE, whose stream this is.
    private var legacy: LegacyStream?
    /// Of a stream: where it is listed, what its caller sees, and what ends it.
    private var place: Int?
    private var seen: ListView.Shown?
    private var life: Scheduled<Void>?
    private var beat: Scheduled<Void>?
    /// Of a stream: when the server was last heard.
    private var heard = NIODeadline.now()
    /// Called when the message is on its way, or its stream.
    var accepted: () -> Void = {}

    /// - Parameters:
    ///   - answerLimit: bytes that the answer may have besides what policy says; nil for the policy alone.
    ///   - output: called on `loop` until `last` or `whole` came.
    init(
        _ exchange: Exchange, _ services: Services, on loop: any EventLoop, answerLimit: Int64? = nil,
        output: @escaping (AnswerDelivery.Output, EffectivePolicy?) -> Void
    ) {
        self.exchange = exchange
        self.services = services
        self.loop = loop
        self.answerLimit = answerLimit
        self.output = output
    }

    // MARK: judging

    func begin() {
        // A server whose first catalog is on its way knows its names in a moment. Who may not reach it is answered at once, as
        // for a server that is not there.
        if let name = Endpoint.server(exchange.head.target), let first = services.upstreams.firstCatalog(name),
            lookAround() != nil
        {
            let bound = NIOLoopBound(self, eventLoop: loop)
            first.hop(to: loop).whenComplete { _ in bound.value.judgeNow() }
        } else {
            judgeNow()
        }
    }

    private func judgeNow() {
        guard departure == nil else { return }
        let snapshot = services.snapshots.current
        let policy = Endpoint.server(exchange.head.target).flatMap { snapshot?.servers[$0]?.policy }
        switch judge(exchange, under: snapshot, services.tables, now: services.now()) {
        case .answer(let answer):
            if let record = answer.denied { services.deny(record) }
            if answer.denied?.reason == DenyReason.notInCatalog.rawValue,
                let name = Endpoint.server(exchange.head.target)
            {
                services.upstreams.refresh(name)
            }
            // What is not to be told from an unknown server bears what an unknown server's answer bears.
            output(.whole(answer), answer.status == 404 ? nil : policy)
        case .batch(let elements):
            accepted()
            // Without a policy nothing of it would be allowed.
            let limit = policy?.responseBody.count ?? 0
            let batch = BatchRun(elements, services, answerLimit: limit, on: loop) { [weak self] in
                self?.output(.whole($0), policy)
            }
            self.batch = batch
            batch.begin()
        case .post(let id): post(id, policy)
        case .forward(let permit, var forwarding):
            accepted()
            if let answerLimit {
                forwarding.policy.responseBody = min(forwarding.policy.responseBody, ByteCount(answerLimit))
            }
            let bound = NIOLoopBound(self, eventLoop: loop)
            services.journal.record(forwarding.record) { [loop, forwarding] result in
                loop.execute { bound.value.recorded(result, permit, forwarding) }
            }
        }
    }

    /// The line is with the kernel, or there is none and so no call.
    private func recorded(_ result: Result<Int64, SpokeError>, _ permit: Permit, _ forwarding: Forwarding) {
        guard case .success(let number) = result else {
            forwarding.ticket.release()
            var record = forwarding.record
            record.verdict = .deny
            record.reason = DenyReason.journal.rawValue
            services.deny(record)
            guard departure == nil else { return }
            return output(
                .whole(Answer(refusing: .journal, id: forwarding.messageID) ?? Answer(status: 503)), forwarding.policy)
        }
        services.counts.count(forwarding.record)
        let delivery = AnswerDelivery(number: number, forwarding, services)
        guard departure == nil, let upstream = services.upstreams.configured[forwarding.server] else {
            forwarding.ticket.release()
            return delivery.end(status: 499, (departure ?? .left).result)
        }
        guard forwarding.claim(services.tables) else {
            forwarding.ticket.release()
            delivery.end(status: 202, "answered-already")
            return output(.whole(Answer(status: 202)), forwarding.policy)
        }
        self.delivery = delivery
        if forwarding.isStream { watch(forwarding) }
        if case .legacyStream = forwarding.content { return open(delivery) }
        let refused: @Sendable () -> Void = { [limited = services.limited] in limited.count("held-calls") }
        delivery.flow = upstream.send(permit, forwarding, services.held, on: loop, refused: refused) {
            [weak self] event in
            guard let self, self.delivery === delivery else { return }
            heard = .now()
            pass(delivery.take(event), of: delivery)
        }
        if delivery.isOver { delivery.flow = .none }
        if !isReading { delivery.flow.setReading(false) }
    }

    /// What the caller may reach now, at no cost to the caller; nil for nothing.
    private func lookAround() -> (Reached, Refusals)? {
        let now = services.now()
        let snapshot = services.snapshots.current
        let refusals = Refusals(exchange, snapshot, services.tables.attempts, now, isQuiet: true)
        guard let snapshot,
            let reached = try? reach(exchange, snapshot, services.tables, refusals, now)
        else { return nil }
        return (reached, refusals)
    }

    // MARK: HTTP+SSE

    /// The stream of a client of HTTP+SSE, which this connection bears from now on.
    private func open(_ delivery: AnswerDelivery) {
        guard let id = try? Hex.encode(randomBytes(32)) else {
            delivery.forwarding.ticket.release()
            return pass(delivery.take(.failed(SpokeError("busy", "no randomness"))), of: delivery)
        }
        let forwarding = delivery.forwarding
        let stream = LegacyStream(
            id: id, caller: forwarding.caller, server: forwarding.server, services, on: loop,
            unreadLimit: Int(forwarding.policy.responseBody.count)
        ) { [weak self, weak delivery] bytes in
            guard let self, let delivery, self.delivery === delivery else { return }
            pass(.more(bytes), of: delivery)
        } fail: { [weak self] fault in
            self?.end(fault.rawValue)
        }
        legacy = stream
        services.legacy.add(stream)
        let close = { (departure: Departure) in
            stream.close(departure)
            forwarding.ticket.release()
        }
        delivery.flow = UpstreamFlow(
            cancel: close, setReading: stream.setReading, setTime: { _ in }, reply: { _ in })
        pass(delivery.take(.opened), of: delivery)
        pass(.more(stream.endpoint), of: delivery)
    }

    /// A message for such a stream; another caller's does not exist.
    private func post(_ id: String, _ policy: EffectivePolicy?) {
        guard
            let name = Endpoint.server(exchange.head.target),
            let stream = services.legacy.find(id, caller: exchange.caller.key, server: name)
        else { return refuse(.foreignSession, policy) }
        let bound = NIOLoopBound(self, eventLoop: loop)
        stream.post(exchange) { [loop] posted in
            loop.execute {
                guard bound.value.departure == nil else { return }
                switch posted {
                case .answered(let answer): bound.value.output(.whole(answer), policy)
                case .refused(let reason): bound.value.refuse(reason, policy)
                }
            }
        }
    }

    private func refuse(_ reason: DenyReason, _ policy: EffectivePolicy?) {
        let refusals = Refusals(exchange, services.snapshots.current, services.tables.attempts, services.now())
        guard case .answer(let answer) = refusals.plain(reason) else { return }
        if let record = answer.denied { services.deny(record) }
        output(.whole(answer), policy)
    }

    private func pass(_ output: AnswerDelivery.Output, of delivery: AnswerDelivery) {
        switch output {
        case .nothing: return
        case .begin, .more: break
        case .last, .whole: finish()
        }
        self.output(output, delivery.forwarding.policy)
    }

    private func finish() {
        delivery = nil
        if let place { services.streams.remove(place) }
        place = nil
        life?.cancel()
        beat?.cancel()
    }

    // MARK: what the connection tells

    /// Nobody is there for the answer: what is under way upstream is called off.
    func cancel(_ departure: Departure) {
        self.departure = departure
        batch?.cancel(departure)
        guard let delivery else { return }
        finish()
        delivery.flow.cancel(departure)
        delivery.end(status: 499, departure.result)
    }

    func setReading(_ reading: Bool) {
        isReading = reading
        delivery?.flow.setReading(reading)
    }

    // MARK: an open stream

    private func watch(_ forwarding: Forwarding) {
        seen = forwarding.filter.shown()
        heard = .now()
        let bound = NIOLoopBound(self, eventLoop: loop)
        place = services.streams.add { [loop] in loop.execute { bound.value.recheck() } }
        // Whose right to be here ends by the clock alone does not keep a stream until the next look at it.
        let left = max(0, (exchange.credential.expires - services.now()).count)
        let limit = min(services.tables.limits.streamLife.count, left)
        life = loop.assumeIsolated().scheduleTask(in: .milliseconds(limit)) { [weak self] in
            self?.recheck()
            self?.end("stream-life")
        }
        keepBeating(silence: .milliseconds(forwarding.policy.idleTimeout.count))
    }

    /// - Parameter silence: how long the server may say nothing on the stream.
    private func keepBeating(silence: TimeAmount) {
        beat = loop.assumeIsolated().scheduleTask(in: min(Self.pulse, silence)) { [weak self] in
            guard let self, delivery != nil else { return }
            recheck()
            guard let delivery else { return }
            // What a client of HTTP+SSE is told comes with its posts, which have servers and times of their own.
            let hasServer = if case .legacyStream = delivery.forwarding.content { false } else { true }
            if hasServer, .now() - heard >= silence { return end("idle") }
            // Who is gone without a word is found out by writing.
            if delivery.isStreaming { pass(.more(SSEWriter.bytes(SSEEvent(comments: ["open"]))), of: delivery) }
            keepBeating(silence: silence)
        }
    }

    /// Policy, trust, the time or the server's catalog moved on: whoever may not open the stream now does not keep it, and
    /// whose lists changed is told so.
    func recheck() {
        guard let delivery else { return }
        guard let (reached, refusals) = lookAround(), reached.mayGoOn(with: delivery.forwarding, refusals) else {
            return end("revoked")
        }
        let now = services.now()
        if let session = delivery.forwarding.session,
            services.tables.sessions.find(session.id, caller: session.caller, server: session.server, now: now) == nil
        {
            return end("session-gone")
        }
        delivery.lists = reached.lists(in: delivery.forwarding.version)
        delivery.serverRequests = reached.serverRequests
        // Its session's own stream says so, while there is one.
        if let legacy, legacy.listens { return }
        let shown = delivery.lists.shown()
        let changed = shown.changes(from: seen)
        seen = shown
        let bytes = delivery.changed(changed)
        if !bytes.isEmpty, delivery.isStreaming { pass(.more(bytes), of: delivery) }
    }

    private func end(_ result: String) {
        guard let delivery else { return }
        finish()
        delivery.flow.cancel(.left)
        delivery.end(status: 200, result)
        output(delivery.isStreaming ? .last([]) : .whole(Answer(status: 404)), delivery.forwarding.policy)
    }
}
