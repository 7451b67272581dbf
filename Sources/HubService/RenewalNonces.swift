import Model
import NIOConcurrencyHelpers
import Trust

/// Nonces that holders of expired certificates sign: each good once, for five minutes, in memory only, so that a restart of
/// the hub makes them void.
final class RenewalNonces: Sendable {
    static let validity = Milliseconds.minutes(5)
    /// Who asks for more makes the oldest void.
    static let maximumOpen = 4096

    private struct State {
        /// Oldest first.
        var order: [(nonce: String, expires: Instant)] = []
        var open: Set<String> = []
    }

    private let state = NIOLockedValueBox(State())

    func make(now: Instant) throws -> RenewalNonce {
        let made = RenewalNonce(nonce: Base64.encodeURL(try randomBytes(32)), expires: now + Self.validity)
        state.withLockedValue { state in
            let surplus = state.order.count - Self.maximumOpen + 1
            let ended = state.order.prefix { $0.expires <= now }.count
            for gone in state.order.prefix(max(surplus, ended, 0)) { state.open.remove(gone.nonce) }
            state.order.removeFirst(min(state.order.count, max(surplus, ended, 0)))
            state.order.append((made.nonce, made.expires))
            state.open.insert(made.nonce)
        }
        return made
    }

    /// - Returns: whether the nonce was open; it is not any more.
    func spend(_ nonce: String, now: Instant) -> Bool {
        state.withLockedValue { state in
            guard state.open.remove(nonce) != nil,
                let index = state.order.firstIndex(where: { $0.nonce == nonce })
            else { return false }
            return now < state.order.remove(at: index).expires
        }
    }
}
