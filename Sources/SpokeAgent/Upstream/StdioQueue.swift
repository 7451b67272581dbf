import NIOConcurrencyHelpers

/// The lines that wait for a process to read them, bounded in bytes: a process that does not read, or a caller that writes
/// faster than it reads, must not fill this host's memory.
package final class StdioQueue: Sendable {
    /// A single line may be longer when nothing else waits: what one message may be is the policy's to say.
    package static let limit = 4 << 20

    /// For the one task that writes them. Each is to be told to `written` then.
    package let lines: AsyncStream<[UInt8]>
    private let continuation: AsyncStream<[UInt8]>.Continuation
    private let waiting = NIOLockedValueBox(0)

    package init() { (lines, continuation) = AsyncStream.makeStream() }

    package var bytes: Int { waiting.withLockedValue(\.self) }

    /// - Returns: false when too much waits already; the line is dropped then.
    package func offer(_ line: [UInt8]) -> Bool {
        guard reserve(line.count) else { return false }
        continuation.yield(line)
        return true
    }

    /// Counted, never refused: for the few lines of a start.
    package func add(_ line: [UInt8]) {
        waiting.withLockedValue { $0 += line.count }
        continuation.yield(line)
    }

    package func written(_ line: [UInt8]) { release(line.count) }

    /// Counts bytes that wait elsewhere for their turn to be offered.
    package func reserve(_ count: Int) -> Bool {
        waiting.withLockedValue { waiting in
            guard waiting == 0 || waiting + count <= Self.limit else { return false }
            waiting += count
            return true
        }
    }

    package func release(_ count: Int) { waiting.withLockedValue { $0 -= count } }

    package func finish() { continuation.finish() }
}
