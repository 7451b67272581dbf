import Model
import NIOConcurrencyHelpers

/// The token buckets of one caller at one server, one a layer that states a rate. Pure: time comes in.
package struct TokenBuckets: Hashable, Sendable {
    private struct Bucket: Hashable, Sendable {
        var rate: Limits.Rate
        /// In thousandths of a token, so that nothing is lost to rounding.
        var millitokens: Int64
        var at: Instant

        var capacity: Int64 { Int64(rate.capacity) * 1000 }

        mutating func refill(_ now: Instant) {
            // A clock that steps back gives nothing and takes nothing.
            let elapsed = max(0, (now - at).count)
            guard elapsed > 0 || now < at else { return }
            // Any rate, any pause: the product of both does not fit 64 bits.
            let earned = Int128(elapsed) * Int128(rate.requests) * 1000 / Int128(max(1, rate.per.count))
            let gained = Int64(min(earned, Int128(capacity)))
            guard gained > 0 || now < at else { return }
            millitokens = min(capacity, millitokens + gained)
            at = now
        }

        /// Until a whole token is there.
        var wait: Milliseconds {
            let missing = max(0, 1000 - millitokens)
            return Milliseconds(
                (missing * rate.per.count + Int64(rate.requests) * 1000 - 1) / (Int64(max(1, rate.requests)) * 1000))
        }
    }

    private var buckets: [Bucket] = []

    package init() {}

    /// Takes one token of every bucket, or of none.
    /// - Returns: nil when there was one in each; else how long until there will be.
    package mutating func take(_ rates: [Limits.Rate], now: Instant) -> Milliseconds? {
        if let wait = wait(rates, now: now) { return wait }
        for index in buckets.indices { buckets[index].millitokens -= 1000 }
        return nil
    }

    /// What `take` would say, without taking.
    package mutating func wait(_ rates: [Limits.Rate], now: Instant) -> Milliseconds? {
        adapt(to: rates, now)
        var longest: Milliseconds?
        for index in buckets.indices {
            buckets[index].refill(now)
            guard buckets[index].millitokens < 1000 else { continue }
            longest = max(longest ?? Milliseconds(1), buckets[index].wait)
        }
        return longest
    }

    /// A layer whose rate changed keeps what was spent, within the new capacity.
    private mutating func adapt(to rates: [Limits.Rate], _ now: Instant) {
        guard !buckets.lazy.map(\.rate).elementsEqual(rates) else { return }
        let held = buckets
        buckets = rates.enumerated().map { index, rate in
            var bucket = Bucket(rate: rate, millitokens: Int64(rate.capacity) * 1000, at: now)
            if held.indices.contains(index) {
                bucket.millitokens = min(bucket.millitokens, max(0, held[index].millitokens))
            }
            return bucket
        }
    }

    /// Whether forgetting it changes nothing.
    package func isFull(_ now: Instant) -> Bool {
        var copy = self
        for index in copy.buckets.indices { copy.buckets[index].refill(now) }
        return copy.buckets.allSatisfy { $0.millitokens >= $0.capacity }
    }
}

/// The buckets of every caller (`Caller.account`) at every server, in shards by caller, shared by all event loops.
package final class RateLimiter: Sendable {
    private struct Key: Hashable, Sendable {
        var caller: String
        var server: String
    }

    private static let maximumKeysPerShard = 4096
    private let shards: [NIOLockedValueBox<[Key: TokenBuckets]>]

    package init() {
        shards = (0..<16).map { _ in NIOLockedValueBox([:]) }
    }

    /// - Returns: how long to wait when the rate is used up.
    package func take(caller: String, server: String, _ rates: [Limits.Rate], now: Instant) -> Milliseconds? {
        with(caller, server, rates, now) { $0.take(rates, now: now) }
    }

    /// What `take` would say, without taking.
    package func wait(caller: String, server: String, _ rates: [Limits.Rate], now: Instant) -> Milliseconds? {
        with(caller, server, rates, now) { $0.wait(rates, now: now) }
    }

    private func with(
        _ caller: String, _ server: String, _ rates: [Limits.Rate], _ now: Instant,
        _ body: (inout TokenBuckets) -> Milliseconds?
    ) -> Milliseconds? {
        guard !rates.isEmpty else { return nil }
        let key = Key(caller: caller, server: server)
        return shards[shard(of: caller, shards.count)].withLockedValue { buckets in
            if let index = buckets.index(forKey: key) { return body(&buckets.values[index]) }
            if buckets.count >= Self.maximumKeysPerShard {
                buckets = buckets.filter { !$0.value.isFull(now) }
                // A full table means as many callers, or addresses of strangers, busy at once.
                if buckets.count >= Self.maximumKeysPerShard { return .seconds(1) }
            }
            return body(&buckets[key, default: TokenBuckets()])
        }
    }
}

func shard(of caller: String, _ count: Int) -> Int { Int(UInt(bitPattern: caller.hashValue) % UInt(count)) }
