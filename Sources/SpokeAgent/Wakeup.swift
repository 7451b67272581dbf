import Model
import NIOConcurrencyHelpers

/// Lets one task sleep until a time has passed or somebody has news for it. A wake that comes early is kept.
final class Wakeup: Sendable {
    private struct State: Sendable {
        var isPending = false
        var sleeper: CheckedContinuation<Void, Never>?
    }

    private let state = NIOLockedValueBox(State())

    func wake() {
        let sleeper = state.withLockedValue { state -> CheckedContinuation<Void, Never>? in
            defer { state.sleeper = nil }
            if state.sleeper == nil { state.isPending = true }
            return state.sleeper
        }
        sleeper?.resume()
    }

    /// For one task at a time.
    func sleep(atMost limit: Milliseconds) async {
        let timer = Task {
            try? await Task.sleep(for: .milliseconds(limit.count))
            if !Task.isCancelled { wake() }
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isAwake = state.withLockedValue { state -> Bool in
                    defer { state.isPending = false }
                    if state.isPending || Task.isCancelled { return true }
                    state.sleeper = continuation
                    return false
                }
                if isAwake { continuation.resume() }
            }
        } onCancel: {
            wake()
        }
        timer.cancel()
    }
}
