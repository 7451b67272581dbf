import Model
import Testing

@Suite struct FreshnessTests {
    private static let issued = Instant(milliseconds: 1_795_248_000_000)
    private static let readOnly = Staleness(after: .hours(24), then: .readOnly, until: .hours(72))
    private static let deny = Staleness(after: .hours(24), then: .deny)

    /// How old the lease looks to the host, and what that means under both modes.
    @Test(
        arguments: [
            (Milliseconds(0), .fresh, .fresh), (.hours(24), .fresh, .fresh),
            (Milliseconds(86_400_001), .readOnly, .expired), (.hours(72), .readOnly, .expired),
            (Milliseconds(259_200_001), .expired, .expired),
            // A clock that went back: within the skew the lease is new, beyond it nothing is known of its age.
            (Milliseconds(-1), .fresh, .fresh), (.minutes(-5), .fresh, .fresh),
            (Milliseconds(-300_001), .expired, .expired), (.days(-400), .expired, .expired),
        ] as [(Milliseconds, Freshness, Freshness)])
    func byAge(age: Milliseconds, underReadOnly: Freshness, underDeny: Freshness) {
        let now = Self.issued + age
        #expect(Self.readOnly.freshness(issued: Self.issued, now: now) == underReadOnly)
        #expect(Self.deny.freshness(issued: Self.issued, now: now) == underDeny)
    }

    /// However the clock moves backwards, a bundle never becomes fresher than it was, but by a lease.
    @Test func goingBackBeyondTheSkewNeverMakesFresh() {
        for hours in 1...200 {
            let now = Self.issued - .hours(Int64(hours))
            #expect(Self.readOnly.freshness(issued: Self.issued, now: now) == .expired)
        }
    }
}
