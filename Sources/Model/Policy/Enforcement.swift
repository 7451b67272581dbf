/// A server whose rules are tried out: what they deny is decided and recorded as `wouldDeny`, and let through.
///
/// Identity, networks, callers' zones, staleness, sizes and rates hold all the same, and so do the organization's denials, the
/// host's ceiling and what was revoked. It ends by itself into enforcing.
package struct Enforcement: Hashable, Sendable, Codable {
    package enum Mode: String, Codable, Hashable, Sendable, CaseIterable { case observe }

    /// How far off the end may be.
    package static let longest = Milliseconds.days(90)

    package var mode: Mode
    package var until: Instant
    /// Free text; nil in a bundle.
    package var reason: String?

    package init(mode: Mode, until: Instant, reason: String? = nil) {
        self.mode = mode
        self.until = until
        self.reason = reason
    }

    /// Without the free text.
    var bare: Enforcement { Enforcement(mode: mode, until: until) }

    /// Nil for a restricted server, which is never only observed, whatever the files or the hub say.
    func observedUntil(_ classification: Classification) -> Instant? { classification == .restricted ? nil : until }
}
