import Foundation
import Logging
import MCP
import Model
import NIOConcurrencyHelpers
import NIOCore
import Trust

/// A server that speaks on its standard streams: one process per caller, and one per session of the handshake era, so that
/// nothing that one caller left in a process is seen by another.
final class StdioUpstream: Sendable {
    private struct Key: Hashable, Sendable {
        var caller: String
        /// `Caller.account`: what processes and starts are counted by.
        var account: String
        /// Nil for the process of a caller's stateless calls.
        var session: String?
        /// What the callers of such a process can be asked: it was told so when it started.
        var capabilities: AskedCapabilities = []
    }

    private struct State: Sendable {
        var processes: [Key: StdioProcess] = [:]
        var isStopped = false
        var pace = StartPace()
    }

    private let server: String
    private let command: StdioCommand
    private let now: @Sendable () -> Instant
    private let logger: Logger
    private let onListChange: @Sendable () -> Void
    private let state = NIOLockedValueBox(State())

    init(
        _ server: String, _ command: StdioCommand, now: @escaping @Sendable () -> Instant, logger: Logger,
        onListChange: @escaping @Sendable () -> Void
    ) {
        self.server = server
        self.command = command
        self.now = now
        self.logger = logger
        self.onListChange = onListChange
    }

    /// Sends a call to the process it belongs to, which is started when there is none. Events arrive on `loop`.
    func send(
        _ call: UpstreamCall, caller: String, on loop: any EventLoop, _ receive: @escaping (UpstreamEvent) -> Void
    ) -> UpstreamFlow {
        let answerAtOnce = { (event: UpstreamEvent) -> UpstreamFlow in
            call.place?.release()
            receive(event)
            return .none
        }
        let account = call.caller?.account ?? caller
        let key: Key
        var starts = true
        if call.version.era == .stateless {
            key = Key(
                caller: caller, account: account, session: nil,
                capabilities: AskedCapabilities(declaredIn: call.message))
        } else if case .message(.initialize, _, _) = call.content {
            guard let random = try? Hex.encode(randomBytes(16)) else {
                return answerAtOnce(.failed(SpokeError("busy", "no randomness")))
            }
            key = Key(caller: caller, account: account, session: random)
        } else {
            guard let session = call.session else { return answerAtOnce(.refused(status: 400)) }
            key = Key(caller: caller, account: account, session: session)
            starts = false
        }
        if case .endSession = call.content {
            take(key)?.stop()
            return answerAtOnce(.accepted)
        }
        guard let process = process(for: key, starts: starts) else {
            return answerAtOnce(
                starts
                    ? .failed(SpokeError("busy", "too many processes of this server run, or start, or fail"))
                    : .refused(status: 404))
        }
        return process.send(call, session: key.session, on: loop, receive)
    }

    private func process(for key: Key, starts: Bool) -> StdioProcess? {
        let moment = now()
        let (found, evicted) = state.withLockedValue { state -> (StdioProcess?, StdioProcess?) in
            if let running = state.processes[key], !running.hasEnded {
                running.touch(moment)
                return (running, nil)
            }
            guard starts, !state.isStopped, state.pace.allows(command.limits.starts, caller: key.account, now: moment)
            else { return (nil, nil) }
            state.processes = state.processes.filter { !$0.value.hasEnded }
            var evicted: StdioProcess?
            let own = state.processes.filter { $0.key.account == key.account }
            if own.count >= command.limits.processesPerCaller || state.processes.count >= command.limits.processes {
                let candidates = own.count >= command.limits.processesPerCaller ? own : state.processes
                guard let oldest = candidates.filter({ $0.value.isIdle }).min(by: { $0.value.used < $1.value.used })
                else {
                    return (nil, nil)
                }
                evicted = state.processes.removeValue(forKey: oldest.key)
            }
            let process = StdioProcess(
                server, command, speaksFor: key.session == nil ? .stateless : .handshake,
                capabilities: key.capabilities, at: moment, logger: logger,
                onListChange: onListChange,
                onEnd: { [weak self] wasGood in
                    guard let self else { return }
                    self.state.withLockedValue { $0.pace.ended(caller: key.account, wasGood: wasGood, now: self.now()) }
                })
            state.pace.started(caller: key.account, now: moment)
            state.processes[key] = process
            process.start()
            return (process, evicted)
        }
        evicted?.stop()
        return found
    }

    private func take(_ key: Key) -> StdioProcess? { state.withLockedValue { $0.processes.removeValue(forKey: key) } }

    private func take(_ isOver: (Key, StdioProcess) -> Bool) -> [StdioProcess] {
        state.withLockedValue { state in
            let over = state.processes.filter { isOver($0.key, $0.value) }
            for key in over.keys { state.processes[key] = nil }
            return Array(over.values)
        }
    }

    /// Ends the process of a session.
    func end(session: String) { for process in take({ key, _ in key.session == session }) { process.stop() } }

    /// Ends every process of callers who may not connect any more.
    func endAll(of callers: Set<String>) {
        for process in take({ key, _ in callers.contains(key.caller) }) { process.stop() }
    }

    func endAll() { for process in take({ _, _ in true }) { process.stop() } }

    /// Ends processes that nobody used for long.
    func sweep() {
        let moment = now()
        for process in take({ _, process in
            process.hasEnded || process.isIdle && moment - process.used >= command.limits.idle
        }) {
            process.stop()
        }
    }

    /// Ends every process and waits for it.
    func stop() async {
        state.withLockedValue { $0.isStopped = true }
        let all = take { _, _ in true }
        for process in all { process.stop() }
        for process in all { await process.ended() }
    }
}
