import Model
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Transport

/// Counts of what was decided, since this process began.
package final class DecisionCounts: Sendable {
    private struct Key: Hashable, Comparable, Sendable {
        var server: String
        var verdict: String
        var reason: String

        static func < (left: Key, right: Key) -> Bool {
            (left.server, left.verdict, left.reason) < (right.server, right.verdict, right.reason)
        }
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

    func write(_ page: inout PrometheusText) {
        page.begin("nave_spoke_decisions_total", .counter, "Decisions by verdict, and denials by reason.")
        let counts = counts.withLockedValue(\.self)
        for (key, count) in counts.sorted(by: { $0.key < $1.key }) {
            page.sample(
                "nave_spoke_decisions_total",
                [("server", key.server), ("verdict", key.verdict), ("reason", key.reason)], "\(count)")
        }
    }
}

/// `GET /metrics` on a loopback port, in Prometheus's text format. It tells how the spoke stands, never who called what. Beside it,
/// `GET /jwks.json`: the keys that servers of this host check `IdentitySigner`'s tokens with.
struct MetricsPage: Sendable {
    let services: Services
    let keySet: [UInt8]

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

    /// Docs/Metrics.md lists every name.
    var text: String {
        var page = PrometheusText()
        services.counts.write(&page)
        services.calls.write(&page)
        services.limited.write(&page)
        services.tokens.write(&page)
        page.gauge("nave_spoke_streams_open", "Streams that are open.", Int64(services.streams.count))
        bundle(&page)
        journal(&page)
        page.begin("nave_spoke_server_up", .gauge, "Whether a server of this spoke answers.")
        for status in services.upstreams.status(services.snapshots.current) {
            page.sample("nave_spoke_server_up", [("server", status.name)], status.state == .up ? "1" : "0")
        }
        return page.text
    }

    private func bundle(_ page: inout PrometheusText) {
        let snapshot = services.snapshots.current
        let delivery = snapshot?.delivery
        page.begin("nave_spoke_bundle_revision", .gauge, "Ledger index of the newest change in force here.")
        if let delivery { page.sample("nave_spoke_bundle_revision", "\(delivery.bundle.revision)") }
        page.begin("nave_spoke_bundle_age_seconds", .gauge, "Since the bundle came into force in this process.")
        if let since = services.snapshots.since {
            page.sample("nave_spoke_bundle_age_seconds", PrometheusText.seconds((services.now() - since).count))
        }
        page.begin("nave_spoke_lease_age_seconds", .gauge, "Since the hub last said that it is in force.")
        if let delivery {
            page.sample(
                "nave_spoke_lease_age_seconds", PrometheusText.seconds((services.now() - delivery.leaseIssued).count))
        }
    }

    private func journal(_ page: inout PrometheusText) {
        let figures = services.journal.figures
        page.gauge("nave_spoke_journal_waiting", "Lines that wait to be written.", services.journal.waiting)
        page.gauge("nave_spoke_journal_bytes", "Size of all segments.", figures.bytes)
        page.gauge("nave_spoke_journal_unreported", "Decisions that the hub does not hold yet.", figures.unreported)
        page.begin("nave_spoke_journal_lines_total", .counter, "Lines of the journal, since it began.")
        page.sample("nave_spoke_journal_lines_total", "\(figures.line)")
        page.begin("nave_spoke_journal_lost_lines_total", .counter, "Denials and outcomes that found no room.")
        page.sample("nave_spoke_journal_lost_lines_total", "\(figures.lost)")
        page.begin("nave_spoke_journal_trouble", .gauge, "1 while the journal is full, or goes to the second place.")
        for state in [JournalTrouble.State.full, .spilling] {
            page.sample(
                "nave_spoke_journal_trouble", [("state", state.rawValue)], figures.trouble?.state == state ? "1" : "0")
        }
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
        let (status, type, body) =
            if head.starts(with: "GET /metrics ".utf8) {
                ("200 OK", "text/plain; version=0.0.4", page.text)
            } else if head.starts(with: "GET /jwks.json ".utf8) {
                ("200 OK", "application/jwk-set+json", String(decoding: page.keySet, as: UTF8.self))
            } else {
                ("404 Not Found", "text/plain", "not found\n")
            }
        let answer =
            "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\n"
            + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n" + body
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(channel.allocator.buffer(string: answer)))
            .whenComplete { _ in channel.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
