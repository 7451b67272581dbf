import NIOConcurrencyHelpers

/// How often each of this host's limits turned somebody away, since this process began.
package final class LimitCounts: Sendable {
    private let counts = NIOLockedValueBox<[String: Int64]>([:])

    package init() {}

    /// - Parameter limit: one of a few words of ours.
    package func count(_ limit: String) { counts.withLockedValue { $0[limit, default: 0] += 1 } }

    func write(_ page: inout PrometheusText) {
        page.begin("nave_spoke_limited_total", .counter, "What a limit of this listener kept out.")
        for (limit, count) in counts.withLockedValue(\.self).sorted(by: { $0.key < $1.key }) {
            page.sample("nave_spoke_limited_total", [("limit", limit)], "\(count)")
        }
    }
}
