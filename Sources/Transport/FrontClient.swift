import Model
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NIOSSL
import Trust

/// Enrols with a join token at a hub's front listener. The pin of the hub's root is checked before the secret is sent.
package enum FrontClient {
    /// Sends the token's secret and the request for a certificate.
    /// - Parameter csr: PKCS#10 DER.
    /// - Throws: `unreachable`, `wrong-pin`, the codes of `PeerVerifier`, and the hub's refusals: `token-unknown`,
    ///   `token-spent`, `token-expired`, …
    package static func enrol(
        _ token: JoinToken, csr: [UInt8], now: @escaping @Sendable () -> Instant
    ) async throws(TransportError) -> EnrolAnswer {
        let root = try await pinnedRoot(token, now: now)
        // The second connection trusts nothing but that root, and demands the same name.
        let client = try HubClient(
            hub: "https://\(token.hub)", address: token.address, identity: nil, roots: [root])
        let request = EnrolRequest(
            secret: token.secret, kind: token.invitationKind, zone: token.zone, name: token.name,
            csr: Base64.encode(csr))
        return try await client.closed { client throws(TransportError) in
            try await client.post("/v1/enroll", request, as: EnrolAnswer.self)
        }
    }

    /// The root that the token pins, taken from what the hub shows; everything up to it is verified as usual.
    private static func pinnedRoot(
        _ token: JoinToken, now: @escaping @Sendable () -> Instant
    ) async throws(TransportError) -> Certificate {
        let address = try HostPort(token.address)
        let generation = try MutualTLS.clientGeneration(nil)
        let found = NIOLockedValueBox<Result<Certificate, TransportError>?>(nil)
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let handshake = loop.makePromise(of: Void.self)
        let bootstrap = ClientBootstrap(group: loop).connectTimeout(.seconds(10)).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                let callback: NIOSSLCustomVerificationCallback = { certificates, promise in
                    do throws(TransportError) {
                        let root = try verifiedRoot(certificates, token, now())
                        found.withLockedValue { $0 = .success(root) }
                        promise.succeed(.certificateVerified)
                    } catch {
                        found.withLockedValue { $0 = .failure(error) }
                        promise.succeed(.failed)
                    }
                    handshake.succeed(())
                }
                let tls = try NIOSSLClientHandler(
                    context: generation.context, serverHostname: token.hub, customVerificationCallback: callback)
                try channel.pipeline.syncOperations.addHandler(tls)
            }
        }
        let channel: any Channel
        do {
            channel = try await bootstrap.connect(host: address.host, port: address.port).get()
        } catch {
            handshake.fail(error)
            throw TransportError("unreachable", "cannot connect to the hub at \(quoted(address.description)): \(error)")
        }
        // Whatever ends the connection ends the wait: a hub that says nothing, or one that speaks no TLS.
        channel.closeFuture.whenComplete { _ in handshake.succeed(()) }
        let timeout = loop.scheduleTask(in: .seconds(10)) { handshake.succeed(()) }
        try? await handshake.futureResult.get()
        timeout.cancel()
        channel.close(mode: .all, promise: nil)
        guard let result = found.withLockedValue({ $0 }) else {
            throw TransportError(
                "handshake-failed", "the hub at \(quoted(address.description)) did not show a certificate")
        }
        return try result.get()
    }

    /// The pinned certificate of a hub's chain, if it is the root of the rest and the leaf bears the hub's name.
    private static func verifiedRoot(
        _ certificates: [NIOSSLCertificate], _ token: JoinToken, _ now: Instant
    ) throws(TransportError) -> Certificate {
        do throws(TrustError) {
            var chain: [Certificate] = []
            for certificate in certificates.prefix(PeerVerifier.maximumChain + 1) {
                guard let der = try? certificate.toDERBytes() else {
                    throw TrustError("bad-certificate", "a certificate of the hub cannot be read")
                }
                chain.append(try Certificate(der: der))
            }
            // A root's key may also be shown under the root before it; the root itself is wanted.
            let pinned = chain.filter { $0.publicKey.spkiDigest == token.root }
            guard let root = pinned.first(where: { $0.isIssued(by: $0) }) ?? pinned.first else {
                throw TrustError(
                    "wrong-pin", "the hub at `\(token.address)` does not show the root that the token pins",
                    hint: "the root may have been followed by another since: ask for a new token; if it fails again, "
                        + "somebody may stand between you and the hub")
            }
            guard let domain = chain[0].spiffeID?.trustDomain else {
                throw TrustError("bad-spiffe-id", "the hub's certificate holds no SPIFFE ID")
            }
            let verifier = try PeerVerifier(anchors: [domain: [root]])
            let peer = try verifier.verify(chainDER: chain.map(\.der), purpose: .server, now: now)
            guard peer.id.kind == "hub", peer.dns.contains(token.hub) else {
                throw TrustError("other-peer", "expected the hub `\(token.hub)`, met `\(peer.id)`")
            }
            return root
        } catch { throw TransportError("the hub is not believed", because: error) }
    }
}
