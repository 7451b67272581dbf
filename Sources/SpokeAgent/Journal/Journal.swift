import Foundation
import Model
import NIOConcurrencyHelpers

/// The journal's one thread. Whoever asks for a line is told when it is with the kernel; lines that wait while a write
/// runs go with the next one.
package final class Journal: Sendable {
    /// Told the number of a decision once its line is with the kernel.
    package typealias Waiter = @Sendable (Result<Int64, SpokeError>) -> Void

    private enum Item: Sendable {
        case line(JournalLine, Waiter?)
        case denial(DecisionRecord)
        case unread(@Sendable (JournalReading) -> Void)
        case usage(after: Int64, upTo: Int64, @Sendable ([UsageCounter]) -> Void)
        case acknowledge(Int64, JournalReading.Place?, @Sendable (Result<Void, SpokeError>) -> Void)
        case head(@Sendable (JSON?) -> Void)
        case stop(@Sendable () -> Void)
    }

    /// What the next report tells.
    package struct Unreported: Sendable {
        package var sequence: Int64
        /// Behind the last of the decisions.
        package var place: JournalReading.Place?
        package var decisions: [DecisionRecord]
        package var usage: [UsageCounter]
        /// Whether more is waiting than was asked for.
        package var hasMore: Bool
    }

    private struct Queue: Sendable {
        var items: [Item] = []
        var isStopped = false
    }

    package let name: JournalFiles.Name
    private let standing = NIOLockedValueBox(JournalFigures())
    private let queue = NIOLockedValueBox(Queue())
    private let condition = NSCondition()

    /// More lines than this waiting means that the disk does not follow; further calls are denied.
    private static let maximumWaiting = 20_000

    /// - Parameters:
    ///   - files: used by the thread alone from now on.
    ///   - sync: when what was written is on disk.
    ///   - onFailure: told of what nobody waits for.
    package init(
        files: JournalFiles, sync: AuditSettings.JournalSync, now: @escaping @Sendable () -> Instant,
        onFailure: @escaping @Sendable (SpokeError) -> Void
    ) {
        name = files.name
        let thread = Thread { [self] in
            var worker = JournalWorker(files: files, sync: sync, now: now, onFailure: onFailure)
            while work(&worker) {}
        }
        thread.name = "nave-journal"
        thread.start()
    }

    /// Writes a decision; `done` is called on the journal's thread with its number once the line is with the kernel.
    package func record(_ record: DecisionRecord, _ done: @escaping Waiter) {
        if !post(.line(.decision(record), done)) {
            done(.failure(SpokeError("journal", "the journal does not follow, or has ended")))
        }
    }

    /// A denial: a line, or a count when the same came already. Nobody waits for it; nothing is forwarded on it.
    package func deny(_ record: DecisionRecord) { _ = post(.denial(record)) }

    package func outcome(_ outcome: JournalLine.Outcome) { _ = post(.line(.outcome(outcome), nil)) }

    /// What the hub was not told yet, up to a size. For one caller at a time, who also acknowledges.
    package func unreported(maximumBytes: Int) async throws -> Unreported {
        let reading = try await ask { .unread($0) }
        let (decisions, place) = try reading.decisions(maximumBytes: maximumBytes)
        let sequence = decisions.last?.number ?? reading.acknowledged
        // A counter that changed later still is told with a later report, so there are no more of them than decisions.
        let usage = try await ask { .usage(after: reading.acknowledged, upTo: sequence, $0) }
        return Unreported(
            sequence: sequence, place: place, decisions: decisions, usage: usage, hasMore: sequence < reading.last)
    }

    /// The hub holds every line up to `number`.
    /// - Parameter place: behind that line, when it is known.
    package func acknowledge(_ number: Int64, place: JournalReading.Place? = nil) async throws {
        try await ask { .acknowledge(number, place, $0) }.get()
    }

    /// The newest signed checkpoint of the journal, on disk with every line that it covers; nil when there is none, or no room
    /// for it.
    package func head() async throws -> JSON? { try await ask { .head($0) } }

    package var figures: JournalFigures { standing.withLockedValue(\.self) }

    /// Lines and questions that wait for the thread.
    package var waiting: Int { queue.withLockedValue { $0.items.count } }

    private func ask<Value: Sendable>(_ item: (@escaping @Sendable (Value) -> Void) -> Item) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let accepted = post(item { continuation.resume(returning: $0) }, always: true)
            if !accepted { continuation.resume(throwing: SpokeError("journal", "the journal has ended")) }
        }
    }

    /// Writes what waits, makes it durable, and ends.
    package func stop() async {
        await withCheckedContinuation { continuation in
            let accepted = post(.stop { continuation.resume() }, always: true)
            if !accepted { continuation.resume() }
        }
    }

    private func post(_ item: Item, always: Bool = false) -> Bool {
        let accepted = queue.withLockedValue { queue in
            guard !queue.isStopped, always || queue.items.count < Self.maximumWaiting else { return false }
            if case .stop = item { queue.isStopped = true }
            queue.items.append(item)
            return true
        }
        condition.lock()
        condition.signal()
        condition.unlock()
        return accepted
    }

    /// One round of the thread. Waits for work, a second at most, so that what was written gets synced.
    private func work(_ worker: inout JournalWorker) -> Bool {
        condition.lock()
        var items = take()
        if items.isEmpty {
            _ = condition.wait(until: Date(timeIntervalSinceNow: worker.needsSync ? 0.5 : 1))
            items = take()
        }
        condition.unlock()
        var entries: [(line: JournalLine, done: Waiter?)] = []
        var stopped: (@Sendable () -> Void)?
        var heads: [@Sendable (JSON?) -> Void] = []
        for item in items {
            switch item {
            case .line(let line, let done): entries.append((line, done))
            case .denial(let record): entries += worker.denied(record).map { (.decision($0), nil) }
            case .unread(let done): done(worker.unread)
            case .usage(let after, let upTo, let done): done(worker.usage(after: after, upTo: upTo))
            case .acknowledge(let number, let place, let done): done(worker.acknowledge(number, place))
            case .head(let done): heads.append(done)
            case .stop(let done): stopped = done
            }
        }
        worker.write(entries)
        if !heads.isEmpty {
            let head = worker.head()
            for done in heads { done(head) }
        }
        worker.tick(isLast: stopped != nil)
        let figures = worker.figures
        standing.withLockedValue { $0 = figures }
        guard let stopped else { return true }
        stopped()
        return false
    }

    private func take() -> [Item] {
        queue.withLockedValue { queue in
            defer { queue.items = [] }
            return queue.items
        }
    }
}
