import Model
import NIOCore
import NIOSSL
import NIOTLS
import Trust

/// What the verification callback of one connection found; lives on that connection's event loop.
final class VerificationSlot {
    var verified: VerifiedPeer?
    var refusal: TrustError?
}

/// Stands behind the TLS handler: nothing passes inwards before the peer is known, whether the session is new or resumed.
///
/// After every handshake it takes what the verification callback found, or for a resumed session what this TLS generation
/// knows of the leaf, and checks it again. It fails its promise and closes the channel when the handshake takes longer than
/// ten seconds or the peer is not believed, and closes it at the leaf's `notAfter`.
package final class PeerHandler: ChannelInboundHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer

    static let handshakeTimeout = TimeAmount.seconds(10)

    private let generation: TLSGeneration
    private let slot: VerificationSlot
    private let verifier: @Sendable () -> PeerVerifier
    private let now: @Sendable () -> Instant
    private let expected: ExpectedPeer?
    private let connections: OpenConnections?
    private let promise: EventLoopPromise<VerifiedPeer>

    private var isKnown = false
    private var isFinished = false
    private var timer: Scheduled<Void>?

    init(
        generation: TLSGeneration, slot: VerificationSlot, verifier: @escaping @Sendable () -> PeerVerifier,
        now: @escaping @Sendable () -> Instant, expected: ExpectedPeer?, connections: OpenConnections?,
        promise: EventLoopPromise<VerifiedPeer>
    ) {
        self.generation = generation
        self.slot = slot
        self.verifier = verifier
        self.now = now
        self.expected = expected
        self.connections = connections
        self.promise = promise
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: Self.handshakeTimeout) {
            self.refuse(
                TransportError("handshake-timeout", "the peer did not finish the TLS handshake in 10 s"), channel)
        }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        end(TransportError("closed", "the connection was taken apart"))
    }

    package func channelInactive(context: ChannelHandlerContext) {
        connections?.remove(context.channel)
        end(reason(or: TransportError("closed", "the peer closed the connection during the TLS handshake")))
        context.fireChannelInactive()
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isKnown {
            context.fireErrorCaught(error)
        } else {
            refuse(
                reason(or: TransportError("handshake-failed", "the TLS handshake failed: \(tlsReason(error))")),
                context.channel)
        }
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isKnown else { return }
        context.fireChannelRead(data)
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted? = event as? TLSUserEvent else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        do throws(TransportError) {
            let verified = try judged(context)
            admit(verified, context)
            context.fireUserInboundEventTriggered(event)
        } catch {
            refuse(error, context.channel)
        }
    }

    private func judged(_ context: ChannelHandlerContext) throws(TransportError) -> VerifiedPeer {
        guard let handler = try? context.pipeline.syncOperations.handler(type: NIOSSLHandler.self),
            let leaf = handler.peerCertificate, let der = try? leaf.toDERBytes()
        else { throw TransportError("no-certificate", "the peer showed no certificate") }
        guard let verified = slot.verified ?? generation.verifiedBefore(leafDER: der) else {
            throw TransportError("unknown-session", "the peer resumed a session that nobody here verified")
        }
        do throws(TrustError) {
            try verifier().recheck(verified, now: now())
        } catch { throw TransportError("the peer is not believed", because: error) }
        try expected?.check(verified)
        generation.remember(verified, leafDER: der)
        return verified
    }

    private func admit(_ verified: VerifiedPeer, _ context: ChannelHandlerContext) {
        isKnown = true
        isFinished = true
        connections?.add(verified, context.channel)
        timer?.cancel()
        let channel = context.channel
        let left = max(0, (verified.notAfter - now()).count)
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(left)) {
            channel.cutOff("expired")
        }
        promise.succeed(verified)
    }

    private func refuse(_ error: TransportError, _ channel: any Channel) {
        end(error)
        channel.close(mode: .all, promise: nil)
    }

    private func end(_ error: TransportError) {
        timer?.cancel()
        timer = nil
        guard !isFinished else { return }
        isFinished = true
        promise.fail(error)
    }

    /// The verifier's own words rather than BoringSSL's, which only knows that a callback said no.
    private func reason(or other: TransportError) -> TransportError {
        slot.refusal.map { TransportError("the peer is not believed", because: $0) } ?? other
    }
}
