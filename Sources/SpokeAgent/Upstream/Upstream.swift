import MCP
import Model
import NIOCore

/// One server of this host, however it is reached.
enum Upstream: Sendable {
    case http(HTTPUpstream)
    case stdio(StdioUpstream)

    /// Sends what `decide` permitted; without a permit there is no way here. To be called on `loop`, where every event arrives.
    func send(
        _ permit: Permit, _ forwarding: Forwarding, on loop: any EventLoop, _ receive: @escaping (UpstreamEvent) -> Void
    ) -> UpstreamFlow {
        let call = UpstreamCall(permit, forwarding)
        switch self {
        case .http(let upstream): return upstream.send(call, caller: forwarding.caller, on: loop, receive)
        case .stdio(let upstream): return upstream.send(call, caller: forwarding.caller, on: loop, receive)
        }
    }

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
            case .http(let upstream):
                flow.value = upstream.send(call, caller: StdioUpstream.ownCaller, on: loop, receive)
            case .stdio(let upstream):
                flow.value = upstream.send(call, caller: StdioUpstream.ownCaller, on: loop, receive)
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
    func end(_ session: Session, on loop: any EventLoop) {
        switch self {
        case .http(let upstream):
            loop.execute {
                _ = upstream.send(UpstreamCall(ending: session.upstream, session.version), on: loop) { _ in }
            }
        case .stdio(let upstream): upstream.end(session: session.upstream)
        }
    }
}
