import Model
import NIOConcurrencyHelpers

/// How many calls of each caller are under way at each server, in shards by caller.
package final class Concurrency: Sendable {
    fileprivate struct Key: Hashable, Sendable {
        var caller: String
        var server: String
    }

    /// One call under way; to be released exactly once.
    package struct Ticket: Sendable {
        fileprivate let key: Key
    }

    private let shards: [NIOLockedValueBox<[Key: Int]>]

    package init(shards count: Int = 16) {
        shards = (0..<max(1, count)).map { _ in NIOLockedValueBox([:]) }
    }

    /// - Returns: nil when the caller has as many under way as it may.
    package func enter(caller: String, server: String, limit: Int) -> Ticket? {
        let key = Key(caller: caller, server: server)
        return shards[shard(of: caller, shards.count)].withLockedValue { counts in
            let count = counts[key] ?? 0
            guard count < limit else { return nil }
            counts[key] = count + 1
            return Ticket(key: key)
        }
    }

    package func leave(_ ticket: Ticket) {
        shards[shard(of: ticket.key.caller, shards.count)].withLockedValue { counts in
            let count = (counts[ticket.key] ?? 1) - 1
            counts[ticket.key] = count > 0 ? count : nil
        }
    }
}
