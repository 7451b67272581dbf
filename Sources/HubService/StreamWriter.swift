import Hummingbird
import HummingbirdCore
import Logging
import Model
import NIOCore
import ServiceLifecycle

/// Serves `GET /v1/spoke/stream`: the manifest, the newest delivery, then what is published, until the spoke or the hub goes.
struct StreamWriter: Sendable {
    let streams: SpokeStreams
    let publisher: Publisher
    /// Canonical JSON of the trust manifest's envelope, one line.
    let manifest: [UInt8]
    let log: Logger

    func response(for spoke: Member, _ request: HummingbirdCore.Request) -> Response {
        let body = ResponseBody { writer in
            let mailbox = streams.add(spoke: spoke.fullName)
            defer { streams.remove(mailbox) }
            log.info("stream opened", metadata: ["spoke": "\(spoke.fullName)"])
            // Without watching the inbound side a spoke that went would keep its stream for ever.
            try? await request.body.consumeWithCancellationOnInboundClose { _ in
                try await writer.write(Self.event("manifest", id: nil, data: manifest))
                // Also when the spoke has this revision: the lease is new.
                if let delivery = try await publisher.delivery(for: spoke.fullName) {
                    try await writer.write(Self.event("delivery", id: delivery.revision, data: delivery.json))
                }
                for await _ in mailbox.rings.cancelOnGracefulShutdown() {
                    for item in mailbox.take() { try await writer.write(Self.event(item)) }
                }
            }
            log.info("stream closed", metadata: ["spoke": "\(spoke.fullName)"])
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: SecurityHeaders.with("text/event-stream"), body: body)
    }

    private static func event(_ item: StreamMailbox.Item) -> ByteBuffer {
        switch item {
        case .delivery(let delivery): event("delivery", id: delivery.revision, data: delivery.json)
        case .ping: event("ping", id: nil, data: Array("{}".utf8))
        }
    }

    /// Canonical JSON has no line break, so one data line holds it.
    static func event(_ name: String, id: Int64?, data: [UInt8]) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(data.count + 64)
        buffer.writeString("event: \(name)\n")
        if let id { buffer.writeString("id: \(id)\n") }
        buffer.writeString("data: ")
        buffer.writeBytes(data)
        buffer.writeString("\n\n")
        return buffer
    }
}
