import Logging
import Model
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Transport
import Trust

/// Accepts callers: over mutual TLS, or, where it has a gate, with a token in each request. The TLS generation is swapped on
/// every change of trust, or of the certificate.
final class Listener: Sendable {
    private static let maximumConnections = 20_000

    private let services: Services
    private let tls: TLSContextBox
    private let connections = OpenConnections()
    /// By address.
    private let handshakes = RateLimiter()
    private let channels = NIOLockedValueBox<[ObjectIdentifier: any Channel]>([:])
    private let nobody: PeerVerifier
    private let gate: BearerGate?
    private let accepting = NIOLockedValueBox<(any Channel)?>(nil)

    /// - Throws: `bad-certificate`.
    init(_ services: Services, identity: TLSIdentity) throws {
        self.services = services
        tls = TLSContextBox(try MutualTLS.serverGeneration(identity))
        nobody = try PeerVerifier(anchors: [:])
        gate = nil
    }

    /// For callers with a token.
    /// - Throws: `bad-certificate`.
    init(_ services: Services, gate: BearerGate) throws {
        self.services = services
        tls = TLSContextBox(
            try MutualTLS.fileGeneration(certificate: gate.settings.certificate, key: gate.settings.key))
        nobody = try PeerVerifier(anchors: [:])
        self.gate = gate
    }

    /// - Returns: where callers reach it, with the port that was taken.
    /// - Throws: `cannot-listen`.
    func start(_ address: HostPort, group: any EventLoopGroup) async throws -> HostPort {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 512)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture { try prepare(channel) }
            }
        let channel: any Channel
        do { channel = try await bootstrap.bind(host: address.host, port: address.port).get() } catch {
            throw SpokeError("cannot-listen", "cannot listen on `\(address)`: \(error)")
        }
        accepting.withLockedValue { $0 = channel }
        return HostPort(host: address.host, port: channel.localAddress?.port ?? address.port)
    }

    private func prepare(_ channel: any Channel) throws {
        let id = ObjectIdentifier(channel)
        let limits = services.tables.limits
        if let address = channel.remoteAddress?.ipAddress.flatMap(IPAddress.init)?.host,
            handshakes.take(caller: address, server: "", [limits.handshakes], now: services.now()) != nil
        {
            services.limited.count("handshakes")
            return channel.close(promise: nil)
        }
        let isFull = channels.withLockedValue { channels in
            guard channels.count < Self.maximumConnections else { return true }
            channels[id] = channel
            return false
        }
        guard !isFull else {
            services.limited.count("connections")
            return channel.close(promise: nil)
        }
        channel.closeFuture.whenComplete { [channels] _ in channels.withLockedValue { $0[id] = nil } }
        let shaken: EventLoopFuture<VerifiedPeer?>
        if gate == nil {
            shaken = try MutualTLS.addServer(
                to: channel, tls.current,
                verifier: { [services, nobody] in services.snapshots.current?.verifier ?? nobody },
                now: services.now, connections: connections
            ).map(Optional.some)
        } else {
            shaken = try MutualTLS.addTimedFront(to: channel, tls.current).map { nil }
        }
        let connection = Connection(services, gate: gate)
        try channel.pipeline.syncOperations.addHandler(connection)
        let bound = NIOLoopBound(connection, eventLoop: channel.eventLoop)
        let address = channel.remoteAddress?.ipAddress
        shaken.whenComplete { [services] result in
            switch result {
            case .success(let peer):
                services.calls.handshake("ok")
                bound.value.admitted(peer)
            case .failure(let error): Self.refused(error, address, services)
            }
        }
    }

    /// A peer that TLS turned away never reaches the pipeline; the journal hears of it here.
    private static func refused(_ error: any Error, _ address: String?, _ services: Services) {
        let known = error as? any NaveError
        let code = known?.code ?? "handshake-failed"
        let reason =
            switch code {
            case "revoked": DenyReason.identityRevoked.rawValue
            case "handshake-failed" where known?.message.contains("peer did not return a certificate") == true:
                "no-certificate"
            default: code
            }
        services.calls.handshake(reason)
        // Somebody connected and left: a look whether the port is open, as load balancers take it.
        guard code != "closed" else { return }
        let snapshot = services.snapshots.current
        services.deny(
            DecisionRecord(
                number: 0, at: services.now(), caller: "unknown", address: address, server: "", aim: "connect",
                verdict: .deny,
                reason: reason,
                // What BoringSSL says of a failed handshake is for its authors.
                detail: code == "handshake-failed" ? nil : known.map { String($0.message.prefix(300)) },
                revision: snapshot?.revision, bundle: snapshot?.delivery.digest))
    }

    /// New connections get the certificate that its files hold now; what cannot be used changes nothing.
    /// - Throws: `bad-certificate`.
    func reload(_ settings: OAuthSettings) throws(TransportError) {
        tls.swap(try MutualTLS.fileGeneration(certificate: settings.certificate, key: settings.key))
    }

    /// New connections get a generation with another certificate of ours.
    /// - Throws: `bad-certificate`.
    func show(_ identity: TLSIdentity) throws(TransportError) { tls.swap(try MutualTLS.serverGeneration(identity)) }

    /// After a change of trust: new connections get a new generation, and those of peers who are
    /// not believed any more close.
    /// - Returns: who was cut off.
    func trustChanged(_ identity: TLSIdentity, _ snapshot: Snapshot) throws -> [VerifiedPeer] {
        tls.swap(try MutualTLS.serverGeneration(identity))
        return connections.closeUnbelieved(snapshot.verifier, now: services.now())
    }

    /// Stops accepting, lets what is under way end within a time, then closes what is left.
    func drain(within limit: Duration) async {
        try? await accepting.withLockedValue { $0 }?.close().get()
        services.isDraining.withLockedValue { $0 = true }
        for channel in channels.withLockedValue({ Array($0.values) }) {
            channel.pipeline.fireUserInboundEventTriggered(DrainEvent())
        }
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        while channels.withLockedValue({ !$0.isEmpty }), clock.now < deadline {
            try? await Task.sleep(for: .milliseconds(20))
        }
        for channel in channels.withLockedValue({ Array($0.values) }) { channel.close(promise: nil) }
    }
}
