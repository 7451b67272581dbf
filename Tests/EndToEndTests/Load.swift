import Model
import Synchronization
import TestSupport

/// The bot calls without a pause, each time with the certificate that its context holds at that moment, until it is told to end.
final class Load: Sendable {
    private struct Counts {
        var allowed = 0
        var refused: [String] = []
        var isDone = false
    }

    private let counts = Mutex(Counts())
    private let calls = Mutex<Task<Void, any Error>?>(nil)

    init(_ wheel: Wheel) {
        let (body, headers) = Wheel.modernCall("read_entry", ["account": "4711"])
        let task = Task { [self] in
            while !counts.withLock({ $0.isDone }) {
                let answer = try await wheel.curl("/ledger/mcp", as: "bot", body: body, headers: headers)
                counts.withLock { counts in
                    if answer.status == 200, answer.body.contains("1200") {
                        counts.allowed += 1
                    } else {
                        counts.refused.append("\(answer.status) \(answer.body)\(answer.errors)")
                    }
                }
            }
        }
        calls.withLock { $0 = task }
    }

    var allowed: Int { counts.withLock { $0.allowed } }
    var refused: [String] { counts.withLock { $0.refused } }

    /// To be deferred: a test that throws would leave its callers, and with them its wheel, to all that come after.
    func end() { counts.withLock { $0.isDone = true } }

    /// Ends, and waits for the call that is under way.
    func finish() async throws {
        end()
        try await calls.withLock { $0 }?.value
    }
}
