import Model
import Trust

/// When a leaf is to be renewed, as a pure function: a holder that asks early is in nobody's way, and one that fails has five
/// of seven days to try again.
package struct RenewalTime: Hashable, Sendable {
    /// Of seven days.
    package static let standardAge = Milliseconds.days(2)
    private static let firstPause = Milliseconds.seconds(5)
    private static let longestPause = Milliseconds.hours(1)

    /// How old a leaf gets before it is renewed.
    package var age: Milliseconds

    package init(age: Milliseconds = standardAge) { self.age = age }

    /// Up to an eighth later than the age, by chance, so that what was issued together does not come back together. A leaf
    /// that lives shorter than seven days is renewed after two sevenths of its life.
    /// - Parameter random: 64 random bits, drawn once for a leaf.
    package func due(notBefore: Instant, notAfter: Instant, random: UInt64) -> Instant {
        let issued = notBefore + CertificateAuthority.backdating
        let age = min(self.age.count, max(0, (notAfter - issued).count) / 7 * 2)
        return issued + Milliseconds(age + Self.part(of: age / 8, random))
    }

    /// For programs that end soon and draw nothing: whether the leaf is past its age.
    package func isDue(_ leaf: Certificate, now: Instant) -> Bool {
        now >= due(notBefore: leaf.notBefore, notAfter: leaf.notAfter, random: 0)
    }

    /// How long to wait after a failure: twice as long each time up to an hour, half of it by chance.
    package static func pause(failures: Int, random: UInt64) -> Milliseconds {
        let whole = min(longestPause.count, firstPause.count << Int64(min(max(failures, 1) - 1, 20)))
        return Milliseconds(whole / 2 + part(of: whole / 2, random))
    }

    /// 0…`whole`, evenly by the upper half of the random bits.
    private static func part(of whole: Int64, _ random: UInt64) -> Int64 {
        Int64((UInt64(max(0, whole)).multipliedFullWidth(by: random)).high)
    }
}
