import NIOConcurrencyHelpers

/// The streams that callers hold open. What changes for them is told here and looked at on each one's event loop.
package final class OpenStreams: Sendable {
    private struct State: Sendable {
        var next = 0
        var hooks: [Int: @Sendable () -> Void] = [:]
    }

    private let state = NIOLockedValueBox(State())

    package init() {}

    package var count: Int { state.withLockedValue(\.hooks.count) }

    /// - Parameter recheck: hops to the stream's event loop by itself.
    package func add(_ recheck: @escaping @Sendable () -> Void) -> Int {
        state.withLockedValue { state in
            state.next += 1
            state.hooks[state.next] = recheck
            return state.next
        }
    }

    package func remove(_ number: Int) { state.withLockedValue { $0.hooks[number] = nil } }

    /// Policy, trust or a server's catalog is not what it was.
    package func recheck() {
        for hook in state.withLockedValue({ Array($0.hooks.values) }) { hook() }
    }
}
