import Model
import NIOConcurrencyHelpers

/// Forwarded calls by server and kind of capability, and TLS handshakes, since this process began.
package final class CallFigures: Sendable {
    /// Upper bounds of the buckets, milliseconds.
    package static let bounds: [Int64] = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000]
    /// Beyond it a combination that is new is not counted apart; servers, kinds and codes are few by themselves.
    private static let maximumKeys = 1000

    private struct Call: Hashable, Comparable, Sendable {
        var server: String
        var kind: String

        var labels: [(String, String)] { [("server", server), ("kind", kind)] }
        static func < (left: Call, right: Call) -> Bool { (left.server, left.kind) < (right.server, right.kind) }
    }

    private struct Failure: Hashable, Sendable {
        var call: Call
        var code: String
    }

    private struct Durations: Sendable {
        var buckets = [Int64](repeating: 0, count: CallFigures.bounds.count + 1)
        var sum: Int64 = 0
        var count: Int64 = 0
    }

    private struct State: Sendable {
        var durations: [Call: Durations] = [:]
        var failures: [Failure: Int64] = [:]
        var handshakes: [String: Int64] = [:]
    }

    private let state = NIOLockedValueBox(State())

    package init() {}

    /// A forwarded call came to its end.
    /// - Parameters:
    ///   - aim: as in the journal; its kind is what counts.
    ///   - result: `ok` or a code, as in the journal.
    package func ended(server: String, aim: String, result: String, took: Milliseconds) {
        let call = Call(server: server, kind: Self.kind(of: aim))
        let index = Self.bounds.firstIndex { took.count <= $0 } ?? Self.bounds.count
        state.withLockedValue { state in
            guard state.durations[call] != nil || state.durations.count < Self.maximumKeys else { return }
            state.durations[call, default: Durations()].buckets[index] += 1
            state.durations[call]?.sum += max(took.count, 0)
            state.durations[call]?.count += 1
            guard result != "ok" else { return }
            let failure = Failure(call: call, code: result)
            if state.failures[failure] != nil || state.failures.count < Self.maximumKeys {
                state.failures[failure, default: 0] += 1
            }
        }
    }

    /// - Parameter result: `ok`, or the code of why the peer was turned away.
    package func handshake(_ result: String) {
        state.withLockedValue { state in
            if state.handshakes[result] != nil || state.handshakes.count < Self.maximumKeys {
                state.handshakes[result, default: 0] += 1
            }
        }
    }

    /// `tool`, `resource`, `prompt`, `completion`, `task`, or `reach` for the upkeep of a conversation.
    private static func kind(of aim: String) -> String { String(aim.prefix { $0 != ":" }) }

    func write(_ page: inout PrometheusText) {
        let state = state.withLockedValue(\.self)
        let name = "nave_spoke_request_duration_seconds"
        page.begin(name, .histogram, "Forwarded calls, from the decision to the last byte of the answer.")
        for (call, durations) in state.durations.sorted(by: { $0.key < $1.key }) {
            var count: Int64 = 0
            for (index, bucket) in durations.buckets.enumerated() {
                count += bucket
                let bound = index < Self.bounds.count ? PrometheusText.seconds(Self.bounds[index]) : "+Inf"
                page.sample("\(name)_bucket", call.labels + [("le", bound)], "\(count)")
            }
            page.sample("\(name)_sum", call.labels, PrometheusText.seconds(durations.sum))
            page.sample("\(name)_count", call.labels, "\(durations.count)")
        }
        page.begin("nave_spoke_requests_total", .counter, "Forwarded calls that came to an end.")
        for (call, durations) in state.durations.sorted(by: { $0.key < $1.key }) {
            page.sample("nave_spoke_requests_total", call.labels, "\(durations.count)")
        }
        page.begin(
            "nave_spoke_request_errors_total", .counter, "Those of them that got no answer of the server, by code.")
        let failures = state.failures.sorted { ($0.key.call, $0.key.code) < ($1.key.call, $1.key.code) }
        for (failure, count) in failures {
            page.sample("nave_spoke_request_errors_total", failure.call.labels + [("code", failure.code)], "\(count)")
        }
        page.begin(
            "nave_spoke_tls_handshakes_total", .counter, "Handshakes of callers: ok, or why they were turned away.")
        for (result, count) in state.handshakes.sorted(by: { $0.key < $1.key }) {
            page.sample("nave_spoke_tls_handshakes_total", [("result", result)], "\(count)")
        }
    }
}
