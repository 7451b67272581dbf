import Model
import NIOConcurrencyHelpers

/// What waits to be written on one open stream. A newer delivery takes the place of one not yet written: only the newest
/// counts.
package final class StreamMailbox: Sendable {
    package enum Item: Hashable, Sendable {
        case manifests(PublishedManifests)
        case delivery(PublishedDelivery)
        case renew(RenewNotice)
        case ping
    }

    private struct State {
        var manifests: [PublishedManifests] = []
        var delivery: PublishedDelivery?
        var renew: RenewNotice?
        var ping = false
    }

    /// Full name of the spoke.
    package let spoke: String
    private let state = NIOLockedValueBox(State())
    private let bell: AsyncStream<Void>
    private let rope: AsyncStream<Void>.Continuation

    init(spoke: String) {
        self.spoke = spoke
        (bell, rope) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Rings once for any number of items; ends when the stream is to end.
    package var rings: AsyncStream<Void> { bell }

    func put(_ item: Item) {
        state.withLockedValue { state in
            switch item {
            case .manifests(let manifests):
                state.manifests.append(manifests)
                // It was signed under the version before, and one under this version follows.
                state.delivery = nil
            case .delivery(let delivery):
                // Two publishers may race; the older result must not overtake.
                if let waiting = state.delivery, waiting.revision > delivery.revision { break }
                state.delivery = delivery
            case .renew(let notice): state.renew = notice
            case .ping: state.ping = true
            }
        }
        rope.yield()
    }

    func end() { rope.finish() }

    /// Everything that waits: versions of the trust manifest in order, then the delivery.
    package func take() -> [Item] {
        state.withLockedValue { state in
            let items: [Item] =
                state.manifests.map { .manifests($0) } + (state.delivery.map { [.delivery($0)] } ?? [])
                + (state.renew.map { [.renew($0)] } ?? []) + (state.ping ? [.ping] : [])
            state = State()
            return items
        }
    }
}

/// The streams that spokes hold open.
package final class SpokeStreams: Sendable {
    /// A spoke that reconnects may have an older stream for a moment; of more than that the oldest ends.
    static let maximumPerSpoke = 3

    private let open = NIOLockedValueBox<[String: [StreamMailbox]]>([:])

    package init() {}

    /// Full names of spokes with an open stream.
    package var connected: Set<String> { open.withLockedValue { Set($0.keys) } }

    package func add(spoke: String) -> StreamMailbox {
        let mailbox = StreamMailbox(spoke: spoke)
        let surplus = open.withLockedValue { open in
            open[spoke, default: []].append(mailbox)
            return (open[spoke]?.count ?? 0) > Self.maximumPerSpoke ? open[spoke]?.removeFirst() : nil
        }
        surplus?.end()
        return mailbox
    }

    package func remove(_ mailbox: StreamMailbox) {
        open.withLockedValue { open in
            open[mailbox.spoke]?.removeAll { $0 === mailbox }
            if open[mailbox.spoke]?.isEmpty ?? false { open[mailbox.spoke] = nil }
        }
        mailbox.end()
    }

    func put(_ item: StreamMailbox.Item, to spoke: String) {
        for mailbox in open.withLockedValue({ $0[spoke] ?? [] }) { mailbox.put(item) }
    }

    /// Tells every spoke that the hub is alive.
    package func pingAll() { putAll(.ping) }

    func putAll(_ item: StreamMailbox.Item) {
        for mailbox in open.withLockedValue({ $0.values.flatMap(\.self) }) { mailbox.put(item) }
    }
}
