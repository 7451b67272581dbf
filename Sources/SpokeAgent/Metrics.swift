import Model
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Transport

/// Counts of what was decided, since this process began.
package final class DecisionCounts: Sendable {
    private struct Key: Hashable, Sendable {
        var server: String
        var verdict: String
        var reason: String
    }

    /// A label value that only an upstream's or a caller's imagination bounds does not get a line of its own for ever.
    private static let maximumKeys = 1000
    private let counts = NIOLockedValueBox<[Key: Int64]>([:])

    package init() {}

    package func count(_ record: DecisionRecord) {
        let isKnown = record.server.contains("/")
        let key = Key(
            server: isKnown ? record.server : "", verdict: record.verdict.rawValue, reason: record.reason ?? "")
        counts.withLockedValue { counts in
            if counts[key] != nil || counts.count < Self.maximumKeys { counts[key, default: 0] += 1 }
        }
    }

    var lines: [String] {
        counts.withLockedValue { counts in
            counts.map { key, count in
                "nave_spoke_decisions_total{server=\"\(key.server)\",verdict=\"\(key.verdict)\",reason=\"\(key.reason)\"} \(count)"
            }
        }.sorted()
    }
}

/// `GET /metrics` on a loopback port, in Prometheus's text format. It tells how the spoke stands, never who called what.
struct MetricsPage: Sendable {
    let services: Services

    func start(_ address: HostPort, group: any EventLoopGroup) async throws -> any Channel {
        let page = self
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(MetricsConnection(page))
                }
            }
        do { return try await bootstrap.bind(host: address.host, port: address.port).get() } catch {
            throw SpokeError("cannot-listen", "cannot listen on `\(address)` for metrics: \(error)")
        }
    }

    var text: String {
        var lines = ["# TYPE nave_spoke_decisions_total counter"] + services.counts.lines
        if let delivery = services.snapshots.current?.delivery {
            lines += [
                "# TYPE nave_spoke_bundle_revision gauge", "nave_spoke_bundle_revision \(delivery.bundle.revision)",
                "# TYPE nave_spoke_lease_age_seconds gauge",
                "nave_spoke_lease_age_seconds \((services.now() - delivery.leaseIssued).count / 1000)",
            ]
        }
        lines.append("# TYPE nave_spoke_server_up gauge")
        for status in services.upstreams.status(services.snapshots.current) {
            lines.append("nave_spoke_server_up{server=\"\(status.name)\"} \(status.state == .up ? 1 : 0)")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

/// One scrape a connection.
private final class MetricsConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let limit = 8 << 10
    private let page: MetricsPage
    private var head: [UInt8] = []

    init(_ page: MetricsPage) { self.page = page }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        head += unwrapInboundIn(data).readableBytesView
        guard head.count <= Self.limit else { return context.close(promise: nil) }
        guard String(decoding: head.suffix(4), as: UTF8.self) == "\r\n\r\n" else { return }
        let isMetrics = head.starts(with: "GET /metrics ".utf8)
        let body = isMetrics ? page.text : "not found\n"
        let answer =
            "HTTP/1.1 \(isMetrics ? "200 OK" : "404 Not Found")\r\nContent-Type: text/plain; version=0.0.4\r\n"
            + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n" + body
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(channel.allocator.buffer(string: answer)))
            .whenComplete { _ in channel.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
