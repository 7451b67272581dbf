import Logging
import Model
import ServiceLifecycle

/// Something that is done again and again until the hub stops. A failure is logged and tried again at the next turn.
struct Periodic: Service {
    let name: String
    let interval: Milliseconds
    let log: Logger
    let turn: @Sendable () async throws -> Void

    func run() async throws {
        // Cancelled while it sleeps is how it ends.
        try? await cancelWhenGracefulShutdown {
            while true {
                try await Task.sleep(for: .milliseconds(interval.count))
                do {
                    try await turn()
                } catch is CancellationError {
                    throw CancellationError()
                } catch {
                    log.error("a periodic task failed", error: error, metadata: ["task": "\(name)"])
                }
            }
        }
    }
}
