import Model
import NIOConcurrencyHelpers

/// A task that a server began for a caller.
package struct BoundTask: Hashable, Sendable {
    /// `Caller.key`.
    package var caller: String
    /// `Caller.account`: what it is counted by.
    package let account: String
    /// The name of the tool whose call it is: whoever may not call it any more has nothing to ask of the task.
    package var tool: String
    /// What the server asked of the client in the task's name, by key.
    package var asked: [String: ServerRequestKind] = [:]
    package var used: Instant

    /// - Parameter account: nil where it is the caller's key.
    package init(caller: String, account: String? = nil, tool: String, used: Instant) {
        self.caller = caller
        self.account = account ?? caller
        self.tool = tool
        self.used = used
    }
}

/// Tasks by server and id. A task belongs to who began it; to anybody else it does not exist. Pure.
package struct BoundTasks: Sendable {
    package static let idle = Milliseconds.hours(24)
    package static let maximumPerCaller = 256
    package static let maximum = 20_000

    private struct Key: Hashable, Sendable {
        var server: String
        var id: String
    }

    private var tasks: [Key: BoundTask] = [:]
    private var counts: [String: Int] = [:]

    package init() {}

    package var count: Int { tasks.count }

    package mutating func find(_ id: String, server: String, caller: String, now: Instant) -> BoundTask? {
        let key = Key(server: server, id: id)
        guard var task = tasks[key], task.caller == caller, now - task.used < Self.idle else { return nil }
        task.used = max(task.used, now)
        tasks[key] = task
        return task
    }

    /// - Returns: false when the caller has too many, or the id is another caller's: a server that gives one id twice
    ///   cannot keep them apart.
    package mutating func add(_ id: String, server: String, _ task: BoundTask) -> Bool {
        let key = Key(server: server, id: id)
        if let held = tasks[key] { return held.caller == task.caller }
        if counts[task.account, default: 0] >= Self.maximumPerCaller || tasks.count >= Self.maximum {
            sweep(now: task.used)
        }
        guard counts[task.account, default: 0] < Self.maximumPerCaller, tasks.count < Self.maximum else { return false }
        tasks[key] = task
        counts[task.account, default: 0] += 1
        return true
    }

    package mutating func asks(_ kinds: [String: ServerRequestKind], id: String, server: String) {
        tasks[Key(server: server, id: id)]?.asked = kinds
    }

    package mutating func sweep(now: Instant) {
        for (key, task) in tasks where now - task.used >= Self.idle {
            tasks[key] = nil
            let left = counts[task.account, default: 1] - 1
            counts[task.account] = left > 0 ? left : nil
        }
    }
}

/// The tasks of this spoke's servers, shared by all event loops.
package final class TaskTable: Sendable {
    private let box = NIOLockedValueBox(BoundTasks())

    package init() {}

    package func find(_ id: String, server: String, caller: String, now: Instant) -> BoundTask? {
        box.withLockedValue { $0.find(id, server: server, caller: caller, now: now) }
    }

    package func add(_ id: String, server: String, _ task: BoundTask) -> Bool {
        box.withLockedValue { $0.add(id, server: server, task) }
    }

    package func asks(_ kinds: [String: ServerRequestKind], id: String, server: String) {
        box.withLockedValue { $0.asks(kinds, id: id, server: server) }
    }

    package func sweep(now: Instant) { box.withLockedValue { $0.sweep(now: now) } }
}
