import Hummingbird
import HummingbirdCore
import Logging
import Model
import NIOCore
import Transport
import Trust

/// Who is at the other end, while a connection of the mTLS listener is served.
enum Peer {
    @TaskLocal static var current: VerifiedPeer?
}

/// HTTP/1.1 behind mTLS: no byte reaches the HTTP parser before the peer is known, and every connection takes the TLS
/// generation of the moment.
struct MutualChannel: ServerChildChannel {
    struct Value: ServerChildChannelValue {
        let http: HTTP1Channel.Value
        let peer: EventLoopFuture<VerifiedPeer>
        var channel: any Channel { http.channel }
    }

    let http: HTTP1Channel
    let trust: HubTrust
    let now: @Sendable () -> Instant
    let log: Logger

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let peer: EventLoopFuture<VerifiedPeer>
        do {
            let trust = trust
            peer = try MutualTLS.addServer(
                to: channel, trust.listener.current, verifier: { trust.verifier }, now: now,
                connections: trust.connections)
        } catch { return channel.eventLoop.makeFailedFuture(error) }
        return http.setup(channel: channel, logger: logger).map { Value(http: $0, peer: peer) }
    }

    func handle(value: Value, logger: Logger) async {
        do {
            let peer = try await value.peer.get()
            await Peer.$current.withValue(peer) { await http.handle(value: value.http, logger: logger) }
        } catch {
            log.notice(
                "refused a peer",
                metadata: [
                    "address": "\(value.channel.remoteAddress?.ipAddress ?? "unknown")",
                    "code": "\((error as? TransportError)?.code ?? "handshake-failed")", "reason": "\(error)",
                ])
            // The HTTP side must be entered and left, or its inbound stream would never be read to its end.
            value.channel.close(mode: .all, promise: nil)
            try? await value.http.executeThenClose { _, _ in }
        }
    }
}

/// HTTP/1.1 behind TLS that never asks for a client certificate, with ten seconds for the handshake and a share of the
/// connections for each address.
struct FrontChannel: ServerChildChannel {
    let http: HTTP1Channel
    let trust: HubTrust
    let share: AddressShare

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        // A peer that has gone already has no address.
        if let address = channel.remoteAddress?.ipAddress.flatMap(IPAddress.init) {
            guard share.enter(address) else {
                // What is not set up nobody else closes.
                channel.close(promise: nil)
                return channel.eventLoop.makeFailedFuture(
                    HubError(.tooMany, "too-many-connections", "the address has its share of the connections"))
            }
            channel.closeFuture.whenComplete { [share] _ in share.leave(address) }
        }
        do {
            // It closes the channel itself; there is nobody yet to whom a failure says anything.
            _ = try MutualTLS.addTimedFront(to: channel, trust.front.current)
        } catch { return channel.eventLoop.makeFailedFuture(error) }
        return http.setup(channel: channel, logger: logger)
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async { await http.handle(value: value, logger: logger) }
}

/// What a request's context holds: the peer of its connection and the socket's address.
struct HubRequestContext: InitializableFromSource {
    let peer: VerifiedPeer?
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        peer = Peer.current
        channel = source.channel
    }

    var address: String { channel.remoteAddress?.ipAddress ?? "unknown" }
}
