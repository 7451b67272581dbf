import Model
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NIOSSL
import Trust

/// Who must be at the other end of a connection that we open.
package enum ExpectedPeer: Hashable, Sendable {
    /// Exactly this SPIFFE ID.
    case identity(SPIFFEID)
    /// A certificate that bears this DNS name.
    case name(String)

    /// - Throws: `other-peer`.
    package func check(_ peer: VerifiedPeer) throws(TransportError) {
        switch self {
        case .identity(let id):
            guard peer.id == id else {
                throw TransportError(
                    "other-peer", "expected \(quoted(id.description)), met \(quoted(peer.id.description))")
            }
        case .name(let name):
            guard peer.dns.contains(name) else {
                throw TransportError(
                    "other-peer", "expected a certificate for \(quoted(name)), met \(quoted(peer.id.description))")
            }
        }
    }

    fileprivate var serverName: String? { if case .name(let name) = self { name } else { nil } }
}

/// The one mTLS configuration of Nave: TLS 1.3 only, both sides show a certificate, and `Trust.PeerVerifier` decides.
package enum MutualTLS {
    /// What is kept of a connection's largest outgoing buffer between writes.
    private static let keptBuffer = 16 << 10

    /// For listeners that require a client certificate.
    /// - Throws: `bad-certificate`.
    package static func serverGeneration(_ identity: TLSIdentity) throws(TransportError) -> TLSGeneration {
        let sources = try identity.sources()
        // The roots are empty on purpose: the verification callback decides, and an empty list names no CA to strangers.
        var configuration = TLSConfiguration.makeServerConfigurationWithMTLS(
            certificateChain: sources.chain, privateKey: sources.key, trustRoots: .certificates([]))
        configuration.minimumTLSVersion = .tlsv13
        return try generation(configuration)
    }

    /// For the front listener, which never asks for a client certificate.
    /// - Throws: `bad-certificate`.
    package static func frontGeneration(_ identity: TLSIdentity) throws(TransportError) -> TLSGeneration {
        let sources = try identity.sources()
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: sources.chain, privateKey: sources.key)
        configuration.minimumTLSVersion = .tlsv13
        return try generation(configuration)
    }

    /// For connections that we open.
    /// - Parameter identity: Nil only where no certificate is asked for.
    /// - Throws: `bad-certificate`.
    package static func clientGeneration(_ identity: TLSIdentity?) throws(TransportError) -> TLSGeneration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv13
        configuration.trustRoots = .certificates([])
        // The callback checks the name or the SPIFFE ID; BoringSSL's own host name check knows no SPIFFE ID.
        configuration.certificateVerification = .noHostnameVerification
        if let identity {
            let sources = try identity.sources()
            configuration.certificateChain = sources.chain
            configuration.privateKey = sources.key
        }
        return try generation(configuration)
    }

    private static func generation(_ configuration: TLSConfiguration) throws(TransportError) -> TLSGeneration {
        do {
            return TLSGeneration(context: try NIOSSLContext(configuration: configuration))
        } catch { throw TransportError("bad-certificate", "cannot set up TLS: \(error)") }
    }

    /// Adds TLS and `PeerHandler` to a channel that was accepted. Call it on the channel's event loop.
    /// - Parameters:
    ///   - verifier: The trust of the moment; asked at each handshake.
    ///   - connections: Where the connection is listed while it lives.
    /// - Returns: Who the peer is; fails with `TransportError`.
    package static func addServer(
        to channel: any Channel, _ generation: TLSGeneration, verifier: @escaping @Sendable () -> PeerVerifier,
        now: @escaping @Sendable () -> Instant, connections: OpenConnections? = nil
    ) throws -> EventLoopFuture<VerifiedPeer> {
        let slot = VerificationSlot()
        let callback = verification(slot, purpose: .client, verifier: verifier, now: now, expected: nil)
        let tls = NIOSSLServerHandler(
            context: generation.context, customVerificationCallback: callback, configuration: handlerConfiguration)
        return try add(tls, to: channel, generation, slot, verifier, now, expected: nil, connections)
    }

    /// For a listener whose certificate is not of our issuing: it asks for none, and speaks TLS 1.3 alone as the others do.
    /// - Parameters:
    ///   - certificate: PEM file, the leaf first.
    ///   - key: PEM file.
    /// - Throws: `bad-certificate`.
    package static func fileGeneration(certificate: String, key: String) throws(TransportError) -> TLSGeneration {
        do {
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
            configuration.minimumTLSVersion = .tlsv13
            return try generation(configuration)
        } catch let error as TransportError {
            throw error
        } catch {
            throw TransportError(
                "bad-certificate",
                "cannot use the certificate \(quoted(certificate)) with the key \(quoted(key)): \(error)")
        }
    }

    /// Adds server TLS without a client certificate, with ten seconds for the handshake. Call it on the channel's event loop.
    /// - Returns: When it is done; fails with `TransportError`.
    package static func addTimedFront(
        to channel: any Channel, _ generation: TLSGeneration
    ) throws -> EventLoopFuture<Void> {
        let promise = channel.eventLoop.makePromise(of: Void.self)
        let tls = NIOSSLServerHandler(
            context: generation.context, customVerificationCallback: nil, configuration: handlerConfiguration)
        do {
            try channel.pipeline.syncOperations.addHandlers(tls, FrontHandler(promise))
        } catch {
            promise.fail(error)
            throw error
        }
        return promise.futureResult
    }

    /// Adds TLS and `PeerHandler` to a channel that we opened. Call it on the channel's event loop.
    /// - Returns: Who the peer is; fails with `TransportError`.
    package static func addClient(
        to channel: any Channel, _ generation: TLSGeneration, expecting: ExpectedPeer,
        verifier: @escaping @Sendable () -> PeerVerifier, now: @escaping @Sendable () -> Instant,
        connections: OpenConnections? = nil
    ) throws -> EventLoopFuture<VerifiedPeer> {
        let slot = VerificationSlot()
        let callback = verification(slot, purpose: .server, verifier: verifier, now: now, expected: expecting)
        let tls = try NIOSSLClientHandler(
            context: generation.context, serverHostname: expecting.serverName, customVerificationCallback: callback,
            configuration: handlerConfiguration)
        return try add(tls, to: channel, generation, slot, verifier, now, expected: expecting, connections)
    }

    /// Opens a connection and waits until the peer is known.
    /// - Parameter prepare: Adds the caller's own handlers behind TLS; runs on the channel's event loop.
    /// - Throws: `unreachable`, `other-peer`, `handshake-failed`, and the codes of `PeerVerifier`.
    package static func dial(
        _ address: HostPort, _ generation: TLSGeneration, expecting: ExpectedPeer,
        verifier: @escaping @Sendable () -> PeerVerifier, now: @escaping @Sendable () -> Instant,
        connectTimeout: Milliseconds = .seconds(10),
        on group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        prepare: @escaping @Sendable (any Channel) throws -> Void = { _ in }
    ) async throws(TransportError) -> (channel: any Channel, peer: VerifiedPeer) {
        // A name may have several addresses: each attempt has a channel and a handshake of its own.
        let handshakes = NIOLockedValueBox<[ObjectIdentifier: EventLoopFuture<VerifiedPeer>]>([:])
        let bootstrap = ClientBootstrap(group: group.any())
            .connectTimeout(.milliseconds(connectTimeout.count))
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handshake = try addClient(
                        to: channel, generation, expecting: expecting, verifier: verifier, now: now)
                    handshakes.withLockedValue { $0[ObjectIdentifier(channel)] = handshake }
                    try prepare(channel)
                }
            }
        let channel: any Channel
        do {
            channel = try await bootstrap.connect(host: address.host, port: address.port).get()
        } catch { throw TransportError("unreachable", "cannot connect to \(quoted(address.description)): \(error)") }
        guard let handshake = handshakes.withLockedValue({ $0[ObjectIdentifier(channel)] }) else {
            throw TransportError("unreachable", "cannot connect to \(quoted(address.description))")
        }
        do {
            return (channel, try await handshake.get())
        } catch let error as TransportError {
            throw error
        } catch {
            throw TransportError(
                "handshake-failed", "the TLS handshake with \(quoted(address.description)) failed: \(tlsReason(error))")
        }
    }

    private static var handlerConfiguration: NIOSSLHandler.Configuration {
        var configuration = NIOSSLHandler.Configuration()
        configuration.maximumPreservedOutboundBufferCapacity = keptBuffer
        return configuration
    }

    private static func add(
        _ tls: NIOSSLHandler, to channel: any Channel, _ generation: TLSGeneration, _ slot: VerificationSlot,
        _ verifier: @escaping @Sendable () -> PeerVerifier, _ now: @escaping @Sendable () -> Instant,
        expected: ExpectedPeer?, _ connections: OpenConnections?
    ) throws -> EventLoopFuture<VerifiedPeer> {
        let promise = channel.eventLoop.makePromise(of: VerifiedPeer.self)
        let handler = PeerHandler(
            generation: generation, slot: slot, verifier: verifier, now: now, expected: expected,
            connections: connections, promise: promise)
        do {
            try channel.pipeline.syncOperations.addHandlers(tls, handler)
        } catch {
            promise.fail(error)
            throw error
        }
        return promise.futureResult
    }

    /// NIOSSL calls it once a full handshake, on the connection's event loop; path validation takes about a millisecond.
    private static func verification(
        _ slot: VerificationSlot, purpose: CertificatePurpose, verifier: @escaping @Sendable () -> PeerVerifier,
        now: @escaping @Sendable () -> Instant, expected: ExpectedPeer?
    ) -> NIOSSLCustomVerificationCallback {
        { certificates, promise in
            do {
                let ders = try certificates.prefix(PeerVerifier.maximumChain + 1).map { try $0.toDERBytes() }
                let peer = try verifier().verify(chainDER: ders, purpose: purpose, now: now())
                try expected?.check(peer)
                slot.verified = peer
                promise.succeed(.certificateVerified)
            } catch {
                slot.refusal = error as? TrustError ?? TrustError(error)
                promise.succeed(.failed)
            }
        }
    }
}

extension TrustError {
    /// What the verification callback keeps of an error that is not `Trust`'s own.
    fileprivate init(_ error: any Error) {
        guard let known = error as? any NaveError else {
            self.init("bad-certificate", "the peer's certificate cannot be read")
            return
        }
        self.init(known.code, known.message, hint: known.hint)
    }
}
