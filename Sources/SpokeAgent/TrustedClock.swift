import Model

/// What time it is for everything that ends: never before the newest signed time that was seen, plus what has passed since by a
/// clock that nobody sets. Pure.
///
/// A host whose clock went back so does not accept again what had ended. Only signed times are kept, and a lease more than
/// five minutes ahead of the host is refused before it counts (`DeliveryVerifier`), so that neither a hub with a wrong year nor
/// a host's own wrong clock, once corrected, leaves anything behind.
package struct TrustedClock: Hashable, Sendable {
    /// The newest signed time seen.
    package private(set) var seen: Instant?
    /// The earliest that it can be, and when that was found by the host's uptime.
    private var floor: Instant?
    private var floorAt = Milliseconds(0)

    package init() {}

    /// - Parameters:
    ///   - host: The host's clock.
    ///   - uptime: Since the host started; never goes back.
    package func now(host: Instant, uptime: Milliseconds) -> Instant {
        guard let floor else { return host }
        return max(host, floor + Milliseconds(max(0, uptime.count - floorAt.count)))
    }

    /// A time whose signature was verified.
    /// - Returns: whether it is the newest, to be kept durably.
    package mutating func saw(_ signed: Instant, uptime: Milliseconds) -> Bool {
        if let seen, signed <= seen { return false }
        floor = max(signed, now(host: signed, uptime: uptime))
        floorAt = uptime
        seen = signed
        return true
    }
}
