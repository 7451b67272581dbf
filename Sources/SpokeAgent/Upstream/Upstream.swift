import MCP
import Model
import NIOCore

/// One server of this host, however it is reached.
enum Upstream: Sendable {
    case http(HTTPUpstream)
    case stdio(StdioUpstream)

    /// What is kept for the spoke's own questions is kept by this; no caller's key looks like it.
    private static let ownCaller = "nave-spoke"

    /// Sends what `decide` permitted; without a permit there is no way here. To be called on `loop`, where every event arrives.
    ///
    /// - Parameters:
    ///   - held: where calls wait whose callers are asked something.
    ///   - refused: called when a question was refused for want of a place there.
    func send(
        _ permit: Permit, _ forwarding: Forwarding, _ held: HeldCalls, on loop: any EventLoop,
        refused: @escaping @Sendable () -> Void, _ receive: @escaping (UpstreamEvent) -> Void
    ) -> UpstreamFlow {
        let call = UpstreamCall(permit, forwarding)
        let (caller, server) = (forwarding.caller, forwarding.server)
        if let key = forwarding.resumes {
            if let waiting = held.take(key, caller: caller, server: server) {
                return waiting.resume(call, on: loop, receive)
            }
            call.place?.release()
            let (status, message) = JSONRPCErrors.answer(.foreignState, id: forwarding.messageID, era: .stateless)
            receive(.response(UpstreamResponse(status: status, message: message)))
            return .none
        }
        guard isBridged, !call.askedCapabilities.isEmpty else { return send(call, caller, on: loop, receive) }
        return HeldCall(call, caller: caller, server: server, held, on: loop, refused: refused).begin(receive) {
            send(call, caller, on: loop, $0)
        }
    }

    private func send(
        _ call: UpstreamCall, _ caller: String, on loop: any EventLoop, _ receive: @escaping (UpstreamEvent) -> Void
    ) -> UpstreamFlow {
        switch self {
        case .http(let upstream): upstream.send(call, caller: caller, on: loop, receive)
        case .stdio(let upstream): upstream.send(call, caller: caller, on: loop, receive)
        }
    }

    /// Whether a server may speak an era that its stateless callers do not. A process finds out for itself.
    private var isBridged: Bool { if case .http(let upstream) = self { upstream.isBridged } else { true } }

    /// Sends one of the spoke's own questions.
    func ask(
        _ question: OwnQuestion, id: Int64, version: ProtocolVersion, session: String?, on loop: any EventLoop
    ) async -> UpstreamEvent {
        let promise = loop.makePromise(of: UpstreamEvent.self)
        loop.execute {
            let call = UpstreamCall(question, id: id, version: version, session: session)
            let flow = NIOLoopBoundBox(UpstreamFlow.none, eventLoop: loop)
            let receive = { (event: UpstreamEvent) in
                // The spoke has nobody to ask.
                if case .request(let id, let method, _, _) = event {
                    flow.value.reply(ServerMessage.refusal(of: id, method: method))
                }
                if event.isLast { promise.succeed(event) }
            }
            switch self {
            // Whether a server knows the newest era is asked of itself.
            case .http(let upstream) where question == .discover: flow.value = upstream.send(call, on: loop, receive)
            case .http, .stdio: flow.value = send(call, Self.ownCaller, on: loop, receive)
            }
        }
        do { return try await promise.futureResult.get() } catch {
            return .failed(SpokeError("upstream-closed", "the question was dropped: \(error)"))
        }
    }

    var isHTTP: Bool { if case .http = self { true } else { false } }

    /// Whether stateless callers take a bridge. A process finds out for itself.
    func bridge(_ isBridged: Bool) { if case .http(let upstream) = self { upstream.isBridged = isBridged } }

    /// Ends what is kept for a session that was evicted or is over.
    ///
    /// - Parameters:
    ///   - session: as the upstream calls it.
    ///   - caller: who began it; nil for the spoke itself.
    func end(_ session: String, _ version: ProtocolVersion, of caller: Caller?, on loop: any EventLoop) {
        switch self {
        case .http(let upstream): upstream.end(session, version, of: caller, on: loop)
        case .stdio(let upstream): upstream.end(session: session)
        }
    }
}
