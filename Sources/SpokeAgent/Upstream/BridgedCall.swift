import MCP
import Model
import NIOCore

/// One call of a stateless caller on its way through the session that the spoke holds in the caller's place. Lives on one event
/// loop.
final class BridgedCall {
    private let call: UpstreamCall
    private let caller: BridgedSessions.Key
    private let loop: any EventLoop
    private let sessions: BridgedSessions
    /// To the server itself, no further bridge between.
    private let direct: (UpstreamCall, @escaping (UpstreamEvent) -> Void) -> UpstreamFlow
    private var receive: ((UpstreamEvent) -> Void)?
    private var flow = UpstreamFlow.none
    /// The call in the session, while it runs there.
    private var begun: Int64?
    private var isReading = true

    init(
        _ call: UpstreamCall, caller: String, on loop: any EventLoop, _ sessions: BridgedSessions,
        direct: @escaping (UpstreamCall, @escaping (UpstreamEvent) -> Void) -> UpstreamFlow,
        receive: @escaping (UpstreamEvent) -> Void
    ) {
        self.call = call
        self.caller = BridgedSessions.Key(
            caller: caller, capabilities: AskedCapabilities(declaredIn: call.message))
        self.loop = loop
        self.sessions = sessions
        self.direct = direct
        self.receive = receive
    }

    func begin() -> UpstreamFlow {
        attempt(again: true)
        return UpstreamFlow(
            cancel: { self.cancel($0) },
            setReading: { reading in
                self.isReading = reading
                self.flow.setReading(reading)
            },
            setTime: { self.flow.setTime($0) },
            reply: { self.flow.reply($0) })
    }

    private func cancel(_ departure: Departure) {
        receive = nil
        if begun != nil { flow.cancel(departure) } else { call.place?.release() }
        ended()
    }

    private func attempt(again: Bool) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        sessions.session(of: caller) { [loop] result in
            loop.execute { bound.value.ready(result, again: again) }
        } begin: { done in
            shakeHands(done)
        }
    }

    /// In the caller's place, declaring what the caller can be asked by way of a repeated call.
    private func shakeHands(_ done: @escaping BridgedSessions.Waiter) {
        // A server that is told who calls is told so from the first message of a session.
        var hello = UpstreamCall(.initialize(caller.capabilities), id: 0, version: .newestHandshake, session: nil)
        hello.caller = call.caller
        _ = direct(hello) { [direct, caller = call.caller] event in
            guard event.isLast else { return }
            guard case .response(let response) = event, case .result(_, let result) = response.message,
                let version = ProtocolVersion(negotiatedIn: result)
            else {
                if case .failed(let error) = event { return done(.failure(error)) }
                return done(.failure(SpokeError("bad-upstream", "the server did not shake hands")))
            }
            let established = BridgedSessions.Established(
                session: response.session, version: version, caller: caller, bridge: .overHandshake(result))
            var begun = UpstreamCall(.initialized, id: 0, version: version, session: response.session)
            begun.caller = caller
            _ = direct(begun) { event in
                if case .failed(let error) = event { return done(.failure(error)) }
                if event.isLast { done(.success(established)) }
            }
        }
    }

    private func ready(_ result: Result<BridgedSessions.Established, SpokeError>, again: Bool) {
        guard receive != nil else { return }
        switch result {
        case .failure(let error): finish(.failed(error))
        case .success(let established): send(within: established, again: again)
        }
    }

    private func send(within established: BridgedSessions.Established, again: Bool) {
        // A stateless client's notifications say nothing that the end of its connection would not.
        guard case .message(let action, let message, _) = call.content, message.isRequest else {
            return finish(.accepted)
        }
        let bridge = established.bridge
        if case .discover = action, let known = bridge.discovery(answering: message) {
            return finish(.response(UpstreamResponse(status: 200, message: known, session: nil)))
        }
        if case .listen = action, let begun = bridge.acknowledgement(of: message) {
            // Changes of lists are told by the spoke itself; the server has nothing more to say here.
            receive?(.notification(begun))
            return
        }
        let id = sessions.begin(of: caller)
        begun = id
        let (outbound, token) = bridge.outbound(message, id: id)
        var bridged = call
        bridged.content = .message(action, outbound, mirrored: nil)
        bridged.version = established.version
        bridged.session = established.session
        flow = direct(bridged) { [self] event in
            take(event, within: established, id: id, token: token, again: again)
        }
        flow.setReading(isReading)
    }

    private func take(
        _ event: UpstreamEvent, within established: BridgedSessions.Established, id: Int64, token: JSON?, again: Bool
    ) {
        switch event {
        case .notification(let message, _):
            var message = message
            if message.params?["progressToken"]?.integer == id {
                guard let token else { return }
                message.params?["progressToken"] = token
            }
            receive?(.notification(message))
        // Of a session that the server has forgotten; one without sessions says so of what it does not have.
        case .response(let response) where response.status == 404 && established.session != nil:
            gone(established, again: again)
        case .refused(status: 404) where established.session != nil: gone(established, again: again)
        case .response(let response):
            guard let (status, message) = established.bridge.inbound(response.message, to: call) else {
                return finish(.failed(SpokeError("bad-upstream", "the answer holds no result")))
            }
            finish(.response(UpstreamResponse(status: status, message: message, session: nil)))
        case .keepAlive(var event):
            // A stateless stream is not taken up again.
            event.id = nil
            event.data = nil
            receive?(.keepAlive(event))
        case .request(let id, let method, let params, _): receive?(.request(id, method: method, params: params))
        case .opened, .ended, .accepted, .refused, .failed: pass(event)
        }
    }

    /// The server knows the session no more, and so has not begun the call: the one thing that may be sent again.
    private func gone(_ established: BridgedSessions.Established, again: Bool) {
        sessions.forget(established.session, of: caller)
        guard again, receive != nil else {
            return finish(.failed(SpokeError("upstream-closed", "the server ended the session")))
        }
        ended()
        flow = .none
        // The end of the first attempt gave the place back.
        call.place?.retake()
        attempt(again: false)
    }

    private func pass(_ event: UpstreamEvent) { if event.isLast { finish(event) } else { receive?(event) } }

    private func finish(_ event: UpstreamEvent) {
        let receive = receive
        self.receive = nil
        if begun == nil { call.place?.release() }
        ended()
        receive?(event)
    }

    private func ended() {
        if let begun { sessions.end(begun, of: caller) }
        begun = nil
    }
}
