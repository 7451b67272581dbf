/// What to do when no newer lease has come for long. Freshness is one number: the lease's signed `issued`.
package struct Staleness: Hashable, Sendable, Codable {
    package enum Mode: String, Codable, Hashable, Sendable, CaseIterable { case readOnly, deny }

    package var after: Milliseconds
    package var then: Mode
    /// With `readOnly`: when that ends too. Nil with `deny`.
    package var until: Milliseconds?

    package init(after: Milliseconds, then: Mode, until: Milliseconds? = nil) {
        self.after = after
        self.then = then
        self.until = until
    }

    /// What holds where no file says otherwise.
    package static let standard = Staleness(after: .hours(24), then: .deny)

    package func freshness(issued: Instant, now: Instant) -> Freshness {
        let age = now - issued
        // A clock that went back must not make a lease fresh for ever.
        if age < .minutes(-5) { return .expired }
        if age <= after { return .fresh }
        if then == .readOnly, let until, age <= until { return .readOnly }
        return .expired
    }

    /// The stricter of two layers in each part.
    package func tightened(by other: Staleness) -> Staleness {
        let mode: Mode = then == .deny || other.then == .deny ? .deny : .readOnly
        let ends = [until, other.until].compactMap(\.self).min()
        return Staleness(after: min(after, other.after), then: mode, until: mode == .deny ? nil : ends)
    }
}

package enum Freshness: String, Hashable, Sendable, Codable {
    case fresh, readOnly, expired
}
