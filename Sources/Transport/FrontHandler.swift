import Model
import NIOCore
import NIOTLS

/// Stands behind the TLS handler of a listener that asks for no certificate: says how the handshake ended, and closes the
/// channel when it fails or takes longer than ten seconds.
final class FrontHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let promise: EventLoopPromise<Void>
    private var isFinished = false
    private var timer: Scheduled<Void>?

    init(_ promise: EventLoopPromise<Void>) { self.promise = promise }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: PeerHandler.handshakeTimeout) {
            self.end(TransportError("handshake-timeout", "the peer did not finish the TLS handshake in 10 s"))
            channel.close(mode: .all, promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(TransportError("closed", "the connection was taken apart"))
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(TransportError("closed", "the peer closed the connection during the TLS handshake"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isFinished else { return context.fireErrorCaught(error) }
        end(TransportError("handshake-failed", "the TLS handshake failed: \(tlsReason(error))"))
        context.channel.close(mode: .all, promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent { end(nil) }
        context.fireUserInboundEventTriggered(event)
    }

    private func end(_ error: TransportError?) {
        timer?.cancel()
        timer = nil
        guard !isFinished else { return }
        isFinished = true
        if let error { promise.fail(error) } else { promise.succeed(()) }
    }
}
