import Model
import NIOConcurrencyHelpers

/// How many calls of each caller (`Caller.account`) are under way at each server, in shards by caller.
package final class Concurrency: Sendable {
    fileprivate struct Key: Hashable, Sendable {
        var caller: String
        var server: String
    }

    /// One call under way, until it is released; what is released once more stays as it is.
    package final class Ticket: Sendable {
        /// All of one caller.
        fileprivate let keys: [Key]
        private let counts: Concurrency
        private let isHeld = NIOLockedValueBox(true)

        fileprivate init(keys: [Key], counts: Concurrency) {
            self.keys = keys
            self.counts = counts
        }

        /// Takes the place again after it was given back, whatever the count is now: what had it goes on.
        func retake() {
            let wasHeld = isHeld.withLockedValue { isHeld in
                defer { isHeld = true }
                return isHeld
            }
            if !wasHeld { counts.reenter(self) }
        }

        package func release() {
            let wasHeld = isHeld.withLockedValue { isHeld in
                defer { isHeld = false }
                return isHeld
            }
            if wasHeld { counts.leave(self) }
        }
    }

    private let shards: [NIOLockedValueBox<[Key: Int]>]

    package init() {
        shards = (0..<16).map { _ in NIOLockedValueBox([:]) }
    }

    /// - Returns: nil when the caller has as many under way as it may.
    package func enter(caller: String, server: String, limit: Int) -> Ticket? {
        enter(caller: caller, [(server: server, limit: limit)])
    }

    /// Enters several counts at once, a server's and those of rules, or none of them.
    package func enter(caller: String, _ places: [(server: String, limit: Int)]) -> Ticket? {
        let keys = places.map { Key(caller: caller, server: $0.server) }
        return shards[shard(of: caller, shards.count)].withLockedValue { counts in
            guard zip(keys, places).allSatisfy({ (counts[$0] ?? 0) < $1.limit }) else { return nil }
            for key in keys { counts[key, default: 0] += 1 }
            return Ticket(keys: keys, counts: self)
        }
    }

    private func reenter(_ ticket: Ticket) {
        guard let caller = ticket.keys.first?.caller else { return }
        shards[shard(of: caller, shards.count)].withLockedValue { counts in
            for key in ticket.keys { counts[key, default: 0] += 1 }
        }
    }

    private func leave(_ ticket: Ticket) {
        guard let caller = ticket.keys.first?.caller else { return }
        shards[shard(of: caller, shards.count)].withLockedValue { counts in
            for key in ticket.keys {
                let count = (counts[key] ?? 1) - 1
                counts[key] = count > 0 ? count : nil
            }
        }
    }
}
