import Model

/// How often one caller (`Caller.account`) may try at all, so that nobody guesses names or wears down the host. Not policy: a
/// bound far above honest use that holds before anything is parsed, where policy's rates count what `decide` allowed.
package struct AttemptLimit: Sendable {
    package static let attempts = Limits.Rate(requests: 60_000, per: .seconds(60), burst: 2_000)
    package static let denials = Limits.Rate(requests: 600, per: .seconds(60), burst: 300)

    private static let ofAttempts = [attempts]
    private static let ofDenials = [denials]

    private let attempted = RateLimiter()
    private let denied = RateLimiter()

    package init() {}

    /// - Returns: how long to wait when the caller tried too often, or was denied too often.
    package func attempt(caller: String, now: Instant) -> Milliseconds? {
        attempted.take(caller: caller, server: "", Self.ofAttempts, now: now)
            ?? denied.wait(caller: caller, server: "", Self.ofDenials, now: now)
    }

    package func deny(caller: String, now: Instant) {
        _ = denied.take(caller: caller, server: "", Self.ofDenials, now: now)
    }
}
