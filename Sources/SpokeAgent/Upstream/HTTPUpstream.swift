import MCP
import Model
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Transport

/// An MCP server that listens on this host. Keeps idle connections per event loop; a call stays on the loop it came from.
final class HTTPUpstream: Sendable {
    private let target: HTTPTarget
    private let pools: [ObjectIdentifier: NIOLoopBoundBox<UpstreamPool?>]
    private let identity: UpstreamIdentity?
    private let onListChange: @Sendable () -> Void
    private let sessions: BridgedSessions
    private let bridges = NIOLockedValueBox(false)

    /// - Parameters:
    ///   - identity: how the server is told who calls; nil where it is not.
    ///   - onListChange: called when the server says that its lists are not what they were.
    init(
        _ target: HTTPTarget, identity: UpstreamIdentity?, group: any EventLoopGroup,
        now: @escaping @Sendable () -> Instant, onListChange: @escaping @Sendable () -> Void
    ) {
        self.target = target
        self.identity = identity
        sessions = BridgedSessions(now: now)
        self.onListChange = onListChange
        var pools: [ObjectIdentifier: NIOLoopBoundBox<UpstreamPool?>] = [:]
        for loop in group.makeIterator() {
            pools[ObjectIdentifier(loop)] = NIOLoopBoundBox.makeEmptyBox(valueType: UpstreamPool.self, eventLoop: loop)
        }
        self.pools = pools
    }

    /// Whether the server only knows the handshake era, so that the spoke shakes hands for stateless callers.
    var isBridged: Bool {
        get { bridges.withLockedValue(\.self) }
        set { bridges.withLockedValue { $0 = newValue } }
    }

    /// Sends a caller's call, over the bridge where it takes one. To be called on `loop`, where every event arrives.
    func send(
        _ call: UpstreamCall, caller: String, on loop: any EventLoop, _ receive: @escaping (UpstreamEvent) -> Void
    ) -> UpstreamFlow {
        guard call.version.era == .stateless, isBridged else { return send(call, on: loop, receive) }
        return BridgedCall(
            call, caller: caller, on: loop, sessions,
            direct: { [self] call, receive in send(call, on: loop, receive) }, receive: receive
        ).begin()
    }

    /// Ends what is held in the place of callers that may not connect any more, and of those that were not heard of for long.
    func sweep(callers: Set<String> = [], on loop: any EventLoop) {
        for over in sessions.sweep(callers: callers) {
            if let session = over.session { end(session, over.version, of: over.caller, on: loop) }
        }
    }

    /// Tells the server that a session is over.
    func end(_ session: String, _ version: ProtocolVersion, of caller: Caller?, on loop: any EventLoop) {
        loop.execute { [self] in _ = send(UpstreamCall(ending: session, version, of: caller), on: loop) { _ in } }
    }

    /// Sends a call. To be called on `loop`, where every event arrives.
    ///
    /// Nothing is ever sent twice: a call has effects, and a connection that broke tells nothing about them.
    func send(_ call: UpstreamCall, on loop: any EventLoop, _ receive: @escaping (UpstreamEvent) -> Void)
        -> UpstreamFlow
    {
        guard let box = pools[ObjectIdentifier(loop)], let request = try? self.request(call) else {
            call.place?.release()
            receive(.failed(SpokeError("bad-request", "the request cannot be written")))
            return .none
        }
        let pool = box.value ?? UpstreamPool(target, loop)
        box.value = pool
        let say = { [weak self] (message: MCPMessage) in
            guard let self else { return }
            _ = self.send(UpstreamCall(replying: message, within: call), on: loop) { _ in }
        }
        let exchange = UpstreamExchange(call, request: request, loop: loop, callOff: say) { [onListChange] event in
            if case .notification(let message, _) = event, ListChange.isTold(by: message.method) { onListChange() }
            receive(event)
        }
        pool.run(exchange)
        let reply = { [weak self] (message: MCPMessage) in
            guard let self, exchange.beginReply() else { return }
            _ = send(UpstreamCall(replying: message, within: call), on: loop) { if $0.isLast { exchange.endReply() } }
        }
        return UpstreamFlow(
            cancel: exchange.cancel, setReading: exchange.setReading, setTime: exchange.setTime, reply: reply)
    }

    private func request(_ call: UpstreamCall) throws(MCPError) -> [UInt8] {
        var headers = call.headers
        if let identity {
            guard let field = identity.field(call.caller) else {
                throw MCPError(.badHeader, "who calls cannot be told")
            }
            headers.set(field.name, field.value)
        }
        headers.set("Host", target.authority)
        headers.set("Accept-Encoding", "identity")
        if let session = call.session, call.version.era == .handshake { headers.set("Mcp-Session-Id", session) }
        switch call.content {
        case .message(let action, let message, let mirrored):
            headers.set("Content-Type", "application/json")
            headers.set("Accept", "application/json, text/event-stream")
            for (name, value) in EraRules.upstreamHeaders(
                for: action, message: message, version: call.version, mirrored: mirrored)
            {
                headers.set(name, value)
            }
            return try HTTPWriter.request(method: "POST", target: target.path, headers: headers, body: message.bytes)
        case .stream(let resumption):
            headers.set("Accept", "text/event-stream")
            if let event = resumption?.event { headers.set("Last-Event-ID", event) }
            if call.version >= .v20250618 { headers.set(EraRules.versionHeader, call.version.rawValue) }
            return try HTTPWriter.request(method: "GET", target: target.path, headers: headers, body: nil)
        case .reply(let message):
            headers.set("Content-Type", "application/json")
            headers.set("Accept", "application/json, text/event-stream")
            if call.version >= .v20250618 { headers.set(EraRules.versionHeader, call.version.rawValue) }
            return try HTTPWriter.request(method: "POST", target: target.path, headers: headers, body: message.bytes)
        case .endSession:
            if call.version >= .v20250618 { headers.set(EraRules.versionHeader, call.version.rawValue) }
            return try HTTPWriter.request(method: "DELETE", target: target.path, headers: headers, body: nil)
        }
    }
}

/// The connections of one event loop to one upstream.
final class UpstreamPool {
    private static let maximumIdle = 64
    /// Below what common servers keep an idle connection for, so that a call rarely meets one that is closing.
    static let idleLimit = TimeAmount.seconds(3)

    private let target: HTTPTarget
    private let loop: any EventLoop
    private var idle: [UpstreamConnection] = []

    init(_ target: HTTPTarget, _ loop: any EventLoop) {
        self.target = target
        self.loop = loop
    }

    func run(_ exchange: UpstreamExchange) {
        while let connection = idle.popLast() {
            if connection.isUsable {
                connection.start(exchange)
                return
            }
        }
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(.milliseconds(exchange.call.connectTimeout.count))
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
        let handler = UpstreamConnection()
        let bound = NIOLoopBound((handler: handler, exchange: exchange, pool: self), eventLoop: loop)
        let prepared = bootstrap.channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(bound.value.handler)
            }
        }
        let connected: EventLoopFuture<any Channel>
        switch target.address {
        case .tcp(let address): connected = prepared.connect(host: address.host, port: address.port)
        case .unix(let path): connected = prepared.connect(unixDomainSocketPath: path)
        }
        connected.whenComplete { result in
            let (handler, exchange, pool) = bound.value
            switch result {
            case .success:
                handler.pool = pool
                handler.start(exchange)
            case .failure(let error):
                exchange.fail("upstream-unreachable", "cannot connect: \(error)")
            }
        }
    }

    func giveBack(_ connection: UpstreamConnection) {
        guard idle.count < Self.maximumIdle else { return connection.close() }
        idle.append(connection)
    }

    func forget(_ connection: UpstreamConnection) { idle.removeAll { $0 === connection } }
}
