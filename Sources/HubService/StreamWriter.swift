import Hummingbird
import HummingbirdCore
import Logging
import Model
import NIOCore
import ServiceLifecycle

/// Serves `GET /v1/spoke/stream`: the versions of the trust manifest that the spoke has not seen, the newest delivery, then what is published, until the spoke or the hub goes.
struct StreamWriter: Sendable {
    let streams: SpokeStreams
    let publisher: Publisher
    let checkpoints: CheckpointComparison
    let ledger: HubLedger
    let log: Logger

    /// - Parameters:
    ///   - version: Of the trust manifest that the spoke holds.
    ///   - note: The newest checkpoint that the spoke says it holds.
    func response(
        for spoke: Member, holding version: Int64?, and note: String?, _ request: HummingbirdCore.Request
    ) async -> Response {
        // Before the stream takes anything, so that every proof on it begins where the spoke stands.
        let seen = await checkpoints.compare(note, from: "spoke \(spoke.fullName)")
        await publisher.heard(spoke.fullName, holding: seen.size, isNew: true)
        let body = ResponseBody { writer in
            let mailbox = streams.add(spoke: spoke.fullName)
            defer { streams.remove(mailbox) }
            log.info("stream opened", metadata: ["spoke": "\(spoke.fullName)"])
            // Without watching the inbound side a spoke that went would keep its stream for ever.
            try? await request.body.consumeWithCancellationOnInboundClose { _ in
                // A version that is published between this and the delivery waits in the mailbox, with a delivery of its own.
                let unseen = try await publisher.manifests(after: version ?? 0)
                if let manifests = unseen { try await writer.write(try Self.event(.manifests(manifests))) }
                // A version that is published meanwhile waits in the mailbox, and may be among those just written.
                let written = unseen?.version ?? version ?? 0
                // Also when the spoke has this revision: the lease is new.
                if let delivery = await provable(spoke) {
                    try await writer.write(try Self.event(.delivery(delivery)))
                }
                // Also who was away when an authority was tainted.
                let tainted = ledger.snapshot.taintedIssuers
                if !tainted.isEmpty {
                    try await writer.write(try Self.event(.renew(RenewNotice(issuers: tainted))))
                }
                for await _ in mailbox.rings.cancelOnGracefulShutdown() {
                    for item in mailbox.take() {
                        if case .manifests(let manifests) = item, manifests.version <= written { continue }
                        try await writer.write(try Self.event(item))
                    }
                }
            }
            log.info("stream closed", metadata: ["spoke": "\(spoke.fullName)"])
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: SecurityHeaders.with("text/event-stream"), body: body)
    }

    /// What cannot be proved is not sent; the stream stays open for pings and for better times.
    private func provable(_ spoke: Member) async -> PublishedDelivery? {
        do { return try await publisher.delivery(for: spoke.fullName) } catch {
            log.error("a delivery is not sent", error: error, metadata: ["spoke": "\(spoke.fullName)"])
            return nil
        }
    }

    private static func event(_ item: StreamMailbox.Item) throws -> ByteBuffer {
        switch item {
        case .manifests(let manifests): event("manifest", id: nil, data: manifests.json)
        case .delivery(let delivery): event("delivery", id: delivery.revision, data: delivery.json)
        case .renew(let notice): event("renew", id: nil, data: try JSONCoding.canonical(notice))
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
