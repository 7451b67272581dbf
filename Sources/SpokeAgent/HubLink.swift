import NIOConcurrencyHelpers
import Transport

/// The hub client of the moment: exchanged when the spoke's certificate is renewed. Whoever needs the hub takes it anew for
/// each call.
final class HubLink: Sendable {
    private let box: NIOLockedValueBox<HubClient>

    init(_ first: HubClient) { box = NIOLockedValueBox(first) }

    var current: HubClient { box.withLockedValue { $0 } }

    /// - Returns: the one before, to be shut down.
    func swap(_ next: HubClient) -> HubClient {
        box.withLockedValue { held in
            defer { held = next }
            return held
        }
    }
}
