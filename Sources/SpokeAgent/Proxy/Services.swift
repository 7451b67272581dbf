import Logging
import MCP
import Model
import NIOConcurrencyHelpers

/// What every connection of the listener works with.
struct Services: Sendable {
    var snapshots: SnapshotBox
    var tables: Tables
    var journal: Journal
    var counts = DecisionCounts()
    var calls = CallFigures()
    var streams = OpenStreams()
    var legacy = LegacyStreams()
    /// Open connections by caller.
    var connections = Concurrency()
    var limited = LabelCounts(
        "nave_spoke_limited_total", by: "limit", "What a limit of this listener kept out.")
    var tokens = LabelCounts(
        "nave_spoke_tokens_total", by: "result", "Access tokens that were shown: ok, none, or why they were refused.")
    var upstreams: Upstreams
    /// Calls that wait for what their callers were asked.
    var held: HeldCalls
    /// The host's own, of `spoke.yaml`; nil where it has none.
    var ceiling: Ceiling?
    /// Set once, when the spoke ends: answers then close their connections.
    var isDraining: NIOLockedValueBox<Bool>
    var now: @Sendable () -> Instant
    var logger: Logger

    /// Nothing is forwarded on a denial, so nobody waits for its line.
    func deny(_ record: DecisionRecord) {
        counts.count(record)
        journal.deny(record)
    }
}
