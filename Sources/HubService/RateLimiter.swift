import Model
import NIOConcurrencyHelpers

/// One token bucket: `requests` come back evenly over `per`.
struct TokenBucket: Hashable, Sendable {
    /// A request costs `per` milliseconds of these, and `requests` of them come back each millisecond: exact in integers.
    private var tokens: Int64
    private var updated: Instant

    init(full rate: Route.Rate, now: Instant) {
        tokens = Self.capacity(rate)
        updated = now
    }

    private static func capacity(_ rate: Route.Rate) -> Int64 { Int64(rate.requests) * rate.per.count }

    /// - Returns: Nil when taken, else how long until a token is there.
    mutating func take(_ rate: Route.Rate, now: Instant) -> Milliseconds? {
        refill(rate, now: now)
        guard tokens < rate.per.count else {
            tokens -= rate.per.count
            return nil
        }
        let requests = Int64(rate.requests)
        return Milliseconds((rate.per.count - tokens + requests - 1) / requests)
    }

    func isFull(_ rate: Route.Rate, now: Instant) -> Bool {
        var copy = self
        copy.refill(rate, now: now)
        return copy.tokens == Self.capacity(rate)
    }

    private mutating func refill(_ rate: Route.Rate, now: Instant) {
        // A clock that steps back gives nothing, and nothing twice when it catches up.
        let elapsed = min(max(0, (now - updated).count), rate.per.count)
        tokens = min(Self.capacity(rate), tokens + elapsed * Int64(rate.requests))
        updated = max(updated, now)
    }
}

/// Keeps every caller to the rates of the table.
package final class RateLimiter: Sendable {
    /// Beyond that many buckets the full ones go, and if none is full, all: memory has a bound, and who floods the table
    /// gains one fresh bucket by it.
    static let maximumBuckets = 50_000

    private struct Key: Hashable {
        var route: RouteName
        var caller: String
    }

    private let buckets = NIOLockedValueBox<[Key: TokenBucket]>([:])

    package init() {}

    /// - Parameter caller: A SPIFFE ID, or on the front listener an address.
    /// - Throws: `too-many-requests`.
    package func admit(_ route: Route, caller: String, now: Instant) throws(HubError) {
        let wait = buckets.withLockedValue { buckets -> Milliseconds? in
            if buckets.count >= Self.maximumBuckets {
                buckets = buckets.filter { !$0.value.isFull(Routes.row($0.key.route).rate, now: now) }
                if buckets.count >= Self.maximumBuckets { buckets = [:] }
            }
            let key = Key(route: route.name, caller: caller)
            return buckets[key, default: TokenBucket(full: route.rate, now: now)].take(route.rate, now: now)
        }
        guard let wait else { return }
        throw HubError(
            .tooMany, "too-many-requests", "more than \(route.rate.requests) requests in \(route.rate.per)",
            hint: "try again in \((wait.count + 999) / 1000) s")
    }
}
