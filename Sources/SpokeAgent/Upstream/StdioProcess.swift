import Foundation
import Logging
import MCP
import Model
import NIOConcurrencyHelpers
import NIOCore
import Subprocess
import SystemPackage

/// One process of a stdio server, in a process group of its own. Requests get ids of ours, so that whatever ids and
/// progress tokens callers choose never meet.
final class StdioProcess: Sendable {
    private static let lineLimit = 16 << 20
    private static let maximumPending = 256

    private struct State {
        var phase = Phase.starting(waiting: [])
        var nextID: Int64 = 1
        var pending: [Int64: StdioPending] = [:]
        var used: Instant
        var task: Task<Void, Never>?
    }

    private enum Phase {
        /// Calls that wait until the server's era is known.
        case starting(waiting: [@Sendable () -> Void])
        case open(StdioBridge)
        case ended
    }

    private let server: String
    private let command: StdioCommand
    private let era: Era
    private let logger: Logger
    private let state: NIOLockedValueBox<State>
    private let outgoing: AsyncStream<[UInt8]>
    private let writer: AsyncStream<[UInt8]>.Continuation

    /// - Parameter era: of the clients that the process serves; a session of the handshake era passes through as it is.
    init(_ server: String, _ command: StdioCommand, speaksFor era: Era, at now: Instant, logger: Logger) {
        self.server = server
        self.command = command
        self.era = era
        self.logger = logger
        state = NIOLockedValueBox(State(used: now))
        (outgoing, writer) = AsyncStream.makeStream()
    }

    var hasEnded: Bool { state.withLockedValue { if case .ended = $0.phase { true } else { false } } }
    var isIdle: Bool { state.withLockedValue { $0.pending.isEmpty } }
    var used: Instant { state.withLockedValue(\.used) }

    func touch(_ now: Instant) { state.withLockedValue { $0.used = max($0.used, now) } }

    func start() {
        let task = Task { await run() }
        state.withLockedValue { $0.task = task }
        if era == .handshake { open(.passThrough) } else { StdioStart(process: self).begin() }
    }

    func stop() {
        writer.finish()
        state.withLockedValue { $0.task }?.cancel()
    }

    func ended() async { await state.withLockedValue { $0.task }?.value }

    // MARK: calls

    func send(
        _ call: UpstreamCall, session: String?, on loop: any EventLoop, _ receive: @escaping (UpstreamEvent) -> Void
    ) -> UpstreamFlow {
        let answer = StdioAnswer(call, session: session, loop: loop, receive: receive)
        let waits = state.withLockedValue { state -> Bool in
            guard case .starting(var waiting) = state.phase else { return false }
            guard waiting.count < Self.maximumPending else { return false }
            waiting.append { [weak self] in self?.deliver(answer) }
            state.phase = .starting(waiting: waiting)
            return true
        }
        if !waits { deliver(answer) }
        return UpstreamFlow(cancel: { [weak self] in self?.cancel(answer) }, setReading: { _ in })
    }

    private func deliver(_ answer: StdioAnswer) {
        enum Outcome { case send([UInt8]), finish(UpstreamEvent) }
        let outcome = state.withLockedValue { state -> Outcome in
            guard case .open(let bridge) = state.phase else {
                return .finish(.failed(SpokeError("upstream-closed", "the process has ended")))
            }
            guard let message = answer.call.message else { return .finish(.accepted) }
            if case .message(.discover, _, _) = answer.call.content, let known = bridge.discovery(answering: message) {
                return .finish(.response(UpstreamResponse(status: 200, message: known, session: nil)))
            }
            guard message.isRequest else {
                guard let line = notificationLine(message, answer.call, state) else { return .finish(.accepted) }
                writer.yield(line)
                return .finish(.accepted)
            }
            guard state.pending.count < Self.maximumPending else {
                return .finish(.failed(SpokeError("busy", "too many calls are under way in this process")))
            }
            let id = state.nextID
            state.nextID += 1
            let (outbound, token) = bridge.outbound(message, id: id)
            state.pending[id] = .call(answer, bridge: bridge, token: token)
            answer.number.withLockedValue { $0 = id }
            return .send(LineWriter.bytes(outbound))
        }
        switch outcome {
        case .finish(let event): answer.emit(event)
        case .send(let line):
            writer.yield(line)
            answer.schedule { [weak self] in
                self?.give(
                    up: answer,
                    .failed(SpokeError("upstream-timeout", "no answer within \(answer.call.requestTimeout)")))
            }
        }
    }

    /// A cancellation names a request by the client's id; the process knows it by ours.
    private func notificationLine(_ message: MCPMessage, _ call: UpstreamCall, _ state: State) -> [UInt8]? {
        guard case .message(.cancelled(let id), _, _) = call.content else { return LineWriter.bytes(message) }
        let found = state.pending.first { entry in
            if case .call(let answer, _, _) = entry.value { answer.call.message?.id == id } else { false }
        }
        return found.map { LineWriter.bytes(Self.cancellation(of: $0.key)) }
    }

    private func cancel(_ answer: StdioAnswer) {
        answer.forget()
        give(up: answer, nil)
    }

    private func give(up answer: StdioAnswer, _ event: UpstreamEvent?) {
        let number = answer.number.withLockedValue(\.self)
        let wasPending = state.withLockedValue { state in
            number.flatMap { state.pending.removeValue(forKey: $0) } != nil
        }
        guard wasPending, let number else { return }
        writer.yield(LineWriter.bytes(Self.cancellation(of: number)))
        if let event { answer.emit(event) }
    }

    private static func cancellation(of id: Int64) -> MCPMessage {
        .notification(
            method: "notifications/cancelled", params: JSONObject([("requestId", .number(JSONNumber(id)))]))
    }

    // MARK: the start

    /// One question of the start itself.
    func ask(_ question: OwnQuestion, version: ProtocolVersion, _ done: @escaping @Sendable (MCPMessage?) -> Void) {
        let line = state.withLockedValue { state -> [UInt8]? in
            guard case .starting = state.phase else { return nil }
            let id = state.nextID
            state.nextID += 1
            state.pending[id] = .own(done)
            return LineWriter.bytes(question.message(id: id, version: version))
        }
        if let line { writer.yield(line) } else { done(nil) }
    }

    func tell(_ question: OwnQuestion) {
        writer.yield(LineWriter.bytes(question.message(id: 0, version: .newestHandshake)))
    }

    func open(_ bridge: StdioBridge) {
        let waiting = state.withLockedValue { state -> [@Sendable () -> Void] in
            guard case .starting(let waiting) = state.phase else { return [] }
            state.phase = .open(bridge)
            return waiting
        }
        for call in waiting { call() }
    }

    // MARK: the process

    private func run() async {
        do {
            var environment: [Environment.Key: String] = [:]
            let own = ProcessInfo.processInfo.environment
            for name in ["PATH", "HOME"] { environment[Environment.Key(stringLiteral: name)] = own[name] }
            for variable in command.environment {
                environment[Environment.Key(stringLiteral: variable.name)] = try variable.resolve(
                    credentials: own["CREDENTIALS_DIRECTORY"])
            }
            var options = PlatformOptions()
            options.processGroupID = 0
            options.teardownSequence = [
                .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(2)),
                .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1)),
            ]
            let executable: Executable =
                command.program.contains("/") ? .path(FilePath(command.program)) : .name(command.program)
            _ = try await Subprocess.run(
                executable, arguments: Arguments(command.arguments), environment: .custom(environment),
                platformOptions: options, input: .inputWriter, output: .sequence, error: .sequence
            ) { [self] execution in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { [self] in
                        for await line in outgoing { _ = try await execution.standardInputWriter.write(line) }
                        try await execution.standardInputWriter.finish()
                    }
                    group.addTask { [self] in await logErrors(execution.standardError) }
                    var lines = LineParser(lineLimit: Self.lineLimit)
                    for try await buffer in execution.standardOutput {
                        for line in try lines.feed(buffer.withUnsafeBytes(Array.init)) { take(line) }
                    }
                    // What the server left running in its group goes with it.
                    try? execution.send(signal: .terminate, toProcessGroup: true)
                    group.cancelAll()
                }
            }
        } catch {
            if !Task.isCancelled {
                logger.warning(
                    "stdio server failed", metadata: ["server": "\(server)", "detail": "\("\(error)".prefix(300))"])
            }
        }
        finish()
    }

    /// At debug, and bounded: what a server writes there may be anything.
    private func logErrors(_ output: SubprocessOutputSequence) async {
        var logged = 0
        var iterator = output.makeAsyncIterator()
        while let buffer = try? await iterator.next() {
            guard logged < 64 << 10 else { continue }
            let text = String(decoding: buffer.withUnsafeBytes { Array($0.prefix(2000)) }, as: UTF8.self)
            logged += text.utf8.count
            logger.debug("stdio server says", metadata: ["server": "\(server)", "text": "\(text)"])
        }
    }

    private func take(_ line: [UInt8]) {
        switch ServerMessage(parsing: line, maximumBytes: Self.lineLimit) {
        case .response(let id, let message):
            guard case .integer(let number) = id,
                let pending = state.withLockedValue({ $0.pending.removeValue(forKey: number) })
            else { return }
            pending.complete(message)
        case .request(let id, let method): writer.yield(LineWriter.bytes(ServerMessage.refusal(of: id, method: method)))
        case .notification(let method, let params): notify(method, params)
        case .invalid(let error):
            logger.debug("stdio server sent no message", metadata: ["server": "\(server)", "code": "\(error.code)"])
        }
    }

    /// Progress goes to the call whose token it bears; a log line to the one call under way. All else concerns no call.
    private func notify(_ method: String, _ params: JSONObject?) {
        let target = state.withLockedValue { state -> (StdioAnswer, JSON?)? in
            let calls = state.pending.compactMap { entry -> (Int64, StdioAnswer, JSON?)? in
                if case .call(let answer, _, let token) = entry.value { (entry.key, answer, token) } else { nil }
            }
            switch method {
            case "notifications/progress":
                let number = params?["progressToken"]?.integer
                return calls.first { $0.0 == number && $0.2 != nil }.map { ($0.1, $0.2) }
            case "notifications/message": return calls.count == 1 ? (calls[0].1, nil) : nil
            default: return nil
            }
        }
        guard let (answer, token) = target else { return }
        var params = params
        if let token { params?["progressToken"] = token }
        answer.emit(.notification(.notification(method: method, params: params)))
    }

    private func finish() {
        writer.finish()
        let (pending, waiting) = state.withLockedValue { state -> ([StdioPending], [@Sendable () -> Void]) in
            defer {
                state.phase = .ended
                state.pending = [:]
            }
            if case .starting(let waiting) = state.phase { return (Array(state.pending.values), waiting) }
            return (Array(state.pending.values), [])
        }
        for entry in pending { entry.complete(nil) }
        for call in waiting { call() }
    }
}
