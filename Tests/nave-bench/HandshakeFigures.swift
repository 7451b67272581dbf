import Model
import NIOCore
import NIOEmbedded
import NIOSSL
import TestSupport
import Transport
import Trust

/// What `PeerVerifier` costs in a handshake, against NIOSSL's own verification of the same certificates. Both ends run in this
/// process over channels without sockets: the figure is the processor's work for client and server together.
enum HandshakeFigures {
    private static let rounds = 7
    private static let handshakes = 200

    static func measure(_ tell: (String) -> Void) throws -> [Figure] {
        // BoringSSL reads the machine's clock.
        let pki = try TestPKI(now: wallClock())
        let (hub, spoke) = (try pki.hub(), try pki.spoke("finance", "fin-1"))
        let ours = try Ours(pki, hub, spoke)
        let bare = try Bare(pki, hub, spoke)
        // From here on the chain is known.
        try shake(ours.prepare)
        try shake(bare.prepare)
        var measured = Rounds()
        for round in 1...rounds {
            tell("handshakes, round \(round) of \(rounds)")
            let peer = try time(bare.prepare)
            measured.add(try time(ours.prepare), peer: peer)
        }
        return [
            Figure(
                name: "mutual-handshake", value: measured.value, unit: "ms", clock: .processor,
                peer: ("NIOSSL with its own full verification, same chains", measured.peer), ratio: measured.ratio,
                target: .ratioAtMost(1))
        ]
    }

    /// Milliseconds a handshake.
    private static func time(_ prepare: (EmbeddedChannel, EmbeddedChannel) throws -> Void) throws -> Double {
        let start = processorSeconds()
        for _ in 0..<handshakes { try shake(prepare) }
        return (processorSeconds() - start) * 1000 / Double(handshakes)
    }

    private static func shake(_ prepare: (EmbeddedChannel, EmbeddedChannel) throws -> Void) throws {
        let (client, server) = (EmbeddedChannel(), EmbeddedChannel())
        try prepare(client, server)
        let address = try SocketAddress(unixDomainSocketPath: "/bench")
        server.connect(to: address, promise: nil)
        client.connect(to: address, promise: nil)
        try carry(client, server)
        // What the server reads proves that both ends believe each other.
        client.writeAndFlush(ByteBuffer(string: "hello"), promise: nil)
        try carry(client, server)
        guard try server.readInbound(as: ByteBuffer.self) == ByteBuffer(string: "hello") else {
            try client.throwIfErrorCaught()
            try server.throwIfErrorCaught()
            throw TimedOut(description: "the handshake did not succeed")
        }
        client.close(promise: nil)
        try carry(client, server)
        server.close(promise: nil)
        try carry(server, client)
    }

    private static func carry(_ client: EmbeddedChannel, _ server: EmbeddedChannel) throws {
        while true {
            let forth = try move(from: client, to: server)
            let back = try move(from: server, to: client)
            if !forth, !back { return }
        }
    }

    /// - Returns: Whether there was anything.
    private static func move(from: EmbeddedChannel, to: EmbeddedChannel) throws -> Bool {
        var hasMoved = false
        while let bytes = try from.readOutbound(as: ByteBuffer.self) {
            try to.writeInbound(bytes)
            hasMoved = true
        }
        to.embeddedEventLoop.run()
        return hasMoved
    }

    private struct Ours {
        let prepare: (EmbeddedChannel, EmbeddedChannel) throws -> Void

        init(_ pki: TestPKI, _ hub: TestPKI.Identity, _ spoke: TestPKI.Identity) throws {
            let verifier = try pki.verifier()
            let serving = try MutualTLS.serverGeneration(TLSIdentity(key: hub.key, chain: hub.chain))
            let calling = try MutualTLS.clientGeneration(TLSIdentity(key: spoke.key, chain: spoke.chain))
            prepare = { client, server in
                _ = try MutualTLS.addServer(to: server, serving, verifier: { verifier }, now: wallClock)
                _ = try MutualTLS.addClient(
                    to: client, calling, expecting: .name("h1.hub.corp.example"), verifier: { verifier },
                    now: wallClock)
            }
        }
    }

    private struct Bare {
        let prepare: (EmbeddedChannel, EmbeddedChannel) throws -> Void

        init(_ pki: TestPKI, _ hub: TestPKI.Identity, _ spoke: TestPKI.Identity) throws {
            let roots = NIOSSLTrustRoots.certificates([
                try NIOSSLCertificate(bytes: pki.root.certificate.der, format: .der)
            ])
            var serving = TLSConfiguration.makeServerConfigurationWithMTLS(
                certificateChain: try Self.chain(hub), privateKey: try Self.key(hub), trustRoots: roots)
            serving.minimumTLSVersion = .tlsv13
            var calling = TLSConfiguration.makeClientConfiguration()
            calling.minimumTLSVersion = .tlsv13
            calling.trustRoots = roots
            calling.certificateChain = try Self.chain(spoke)
            calling.privateKey = try Self.key(spoke)
            let contexts = (try NIOSSLContext(configuration: serving), try NIOSSLContext(configuration: calling))
            prepare = { client, server in
                try server.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: contexts.0))
                try client.pipeline.syncOperations.addHandler(
                    try NIOSSLClientHandler(context: contexts.1, serverHostname: "h1.hub.corp.example"))
            }
        }

        private static func chain(_ identity: TestPKI.Identity) throws -> [NIOSSLCertificateSource] {
            try identity.chain.map { .certificate(try NIOSSLCertificate(bytes: $0.der, format: .der)) }
        }

        private static func key(_ identity: TestPKI.Identity) throws -> NIOSSLPrivateKeySource {
            .privateKey(try NIOSSLPrivateKey(bytes: Array(try identity.key.pem.utf8), format: .pem))
        }
    }
}
