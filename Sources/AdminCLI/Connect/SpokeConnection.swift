import MCP
import Model
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// One mTLS connection to a spoke, which carries one exchange after another; never two at once.
final class SpokeConnection: Sendable {
    private struct Exchange: Sendable {
        var request: [UInt8]
        var receive: @Sendable (HTTPResponseParser.Event) async throws -> Void
        var done: CheckedContinuation<Void, any Error>
    }

    private let channel: any Channel
    /// `/ledger/mcp` and the authority, of the endpoint that was dialled.
    let target: String
    let host: String
    private let exchanges: AsyncStream<Exchange>.Continuation
    private let canBeUsedAgain = NIOLockedValueBox(true)

    init(_ channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>, target: String, host: String) {
        self.channel = channel.channel
        self.target = target
        self.host = host
        let (stream, continuation) = AsyncStream.makeStream(of: Exchange.self)
        exchanges = continuation
        Task { [canBeUsedAgain] in
            await Self.serve(channel, stream, canBeUsedAgain)
            continuation.finish()
        }
    }

    /// Whether another exchange may follow: the last answer ended cleanly and nobody has closed the connection.
    var isUsable: Bool { channel.isActive && canBeUsedAgain.withLockedValue { $0 } }

    func close() { channel.close(mode: .all, promise: nil) }

    /// Sends a request and hands over its answer piece by piece, each when the one before has been taken. When the task
    /// is cancelled the connection is closed, which is what cancels a request in the stateless era.
    /// - Throws: `MCPError` for an answer that is no HTTP/1.1; what `receive` throws; errors of the connection.
    func perform(
        _ request: [UInt8], _ receive: @escaping @Sendable (HTTPResponseParser.Event) async throws -> Void
    ) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { done in
                let exchange = Exchange(request: request, receive: receive, done: done)
                if case .enqueued = exchanges.yield(exchange) { return }
                done.resume(throwing: ChannelError.ioOnClosedChannel)
            }
        } onCancel: {
            channel.close(mode: .all, promise: nil)
        }
    }

    private static func serve(
        _ channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>, _ exchanges: AsyncStream<Exchange>,
        _ canBeUsedAgain: NIOLockedValueBox<Bool>
    ) async {
        // What goes wrong was told to whoever waited for the exchange; the closing itself has nobody to tell.
        try? await channel.executeThenClose { inbound, outbound in
            // Streams have no end: each message in them is bounded where it is read.
            var parser = HTTPResponseParser(limits: HTTPLimits(bodyBytes: .max / 4))
            var bytes = inbound.makeAsyncIterator()
            for await exchange in exchanges {
                do {
                    try await outbound.write(ByteBuffer(bytes: exchange.request))
                    var keepsAlive = false
                    var hasEnded = false
                    while !hasEnded {
                        let chunk = try await bytes.next()
                        let events = try chunk.map { try parser.feed(Array($0.readableBytesView)) } ?? parser.finish()
                        if chunk == nil, events.isEmpty {
                            throw MCPError(.unexpectedEnd, "the connection ended before an answer came")
                        }
                        for event in events {
                            if case .head(let head) = event { keepsAlive = head.keepsAlive }
                            if case .end = event { hasEnded = true }
                            try await exchange.receive(event)
                        }
                        if chunk == nil { keepsAlive = false }
                    }
                    keepsAlive = keepsAlive && parser.isIdle
                    if !keepsAlive { canBeUsedAgain.withLockedValue { $0 = false } }
                    exchange.done.resume()
                    if !keepsAlive { return }
                } catch {
                    canBeUsedAgain.withLockedValue { $0 = false }
                    exchange.done.resume(throwing: error)
                    return
                }
            }
        }
    }
}

/// Closes a connection on which nothing has come for long while something was awaited: the other end may be gone
/// without a word. Spokes send a comment on quiet streams every 15 s.
final class SilenceHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    static let limit = TimeAmount.minutes(6)

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent {
            context.close(mode: .all, promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }
}
