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
    private static let maximumPending = 256

    private struct State {
        var phase = Phase.starting(waiting: [])
        var nextID: Int64 = 1
        var pending: [Int64: StdioPending] = [:]
        var used: Instant
        var task: Task<Void, Never>?
        /// The session's own stream, where its client opened one.
        var standalone: StdioAnswer?
        var hasAnswered = false
        var isStopped = false
        /// Bytes of a line: what the most generous of its calls may be answered with.
        var lineLimit = 1 << 20
        /// Why the process was given up, where that is to be told.
        var failure = SpokeError("upstream-closed", "the process ended before it answered")
    }

    private enum Phase {
        /// Calls that wait until the server's era is known.
        case starting(waiting: [@Sendable () -> Void])
        case open(EraBridge)
        case ended
    }

    private let server: String
    private let command: StdioCommand
    private let era: Era
    /// What its callers can be asked, where hands are shaken in their place.
    let capabilities: AskedCapabilities
    private let logger: Logger
    private let state: NIOLockedValueBox<State>
    private let queue = StdioQueue()
    private let onListChange: @Sendable () -> Void
    private let onEnd: @Sendable (_ wasGood: Bool) -> Void

    /// - Parameters:
    ///   - era: Of the clients that the process serves; a session of the handshake era passes through as it is.
    ///   - onListChange: Called when the server says that its lists are not what they were.
    ///   - onEnd: Called when the process is over; it was good when it answered anything or was stopped by us.
    init(
        _ server: String, _ command: StdioCommand, speaksFor era: Era, capabilities: AskedCapabilities = [],
        at now: Instant, logger: Logger,
        onListChange: @escaping @Sendable () -> Void, onEnd: @escaping @Sendable (_ wasGood: Bool) -> Void
    ) {
        self.server = server
        self.command = command
        self.era = era
        self.capabilities = capabilities
        self.logger = logger
        state = NIOLockedValueBox(State(used: now))
        self.onListChange = onListChange
        self.onEnd = onEnd
    }

    var hasEnded: Bool { state.withLockedValue { if case .ended = $0.phase { true } else { false } } }
    var isIdle: Bool { state.withLockedValue { $0.pending.isEmpty && $0.standalone == nil } }
    var used: Instant { state.withLockedValue(\.used) }

    func touch(_ now: Instant) { state.withLockedValue { $0.used = max($0.used, now) } }

    func start() {
        let task = Task { await run() }
        state.withLockedValue { $0.task = task }
        if era == .handshake { open(.passThrough) } else { StdioStart(process: self).begin() }
    }

    func stop() {
        queue.finish()
        state.withLockedValue { state in
            state.isStopped = true
            return state.task
        }?.cancel()
    }

    func ended() async { await state.withLockedValue { $0.task }?.value }

    // MARK: calls

    func send(
        _ call: UpstreamCall, session: String?, on loop: any EventLoop, _ receive: @escaping (UpstreamEvent) -> Void
    ) -> UpstreamFlow {
        let answer = StdioAnswer(call, session: session, loop: loop, receive: receive)
        let late: @Sendable () -> Void = { [weak self] in
            self?.give(up: answer, .failed(SpokeError("upstream-timeout", "no answer in time")))
        }
        answer.setTime(call.requestTimeout, late)
        switch hold(answer) {
        case .kept: break
        case .refused: answer.emit(Self.busy)
        case .notNeeded: if let event = deliver(answer) { answer.emit(event) }
        }
        return UpstreamFlow(
            cancel: { [weak self] _ in self?.cancel(answer) }, setReading: { answer.setReading($0) },
            setTime: { answer.setTime($0, late) },
            reply: { [weak self] message in _ = self?.queue.offer(LineWriter.bytes(message)) })
    }

    private enum Hold { case kept, refused, notNeeded }

    /// Keeps a call until the server's era is known.
    private func hold(_ answer: StdioAnswer) -> Hold {
        state.withLockedValue { state in
            guard case .starting(var waiting) = state.phase else { return .notNeeded }
            let size = answer.call.message?.bytes.count ?? 0
            guard waiting.count < Self.maximumPending, queue.reserve(size) else { return .refused }
            waiting.append { [weak self] in
                guard let self else { return }
                queue.release(size)
                if let event = deliver(answer) { answer.emit(event) }
            }
            state.phase = .starting(waiting: waiting)
            return .kept
        }
    }

    private static let busy = UpstreamEvent.failed(SpokeError("busy", "too much waits for this process"))

    /// - Returns: what there is to say at once.
    private func deliver(_ answer: StdioAnswer) -> UpstreamEvent? {
        state.withLockedValue { state in
            guard answer.stage.isWaiting else { return nil }
            state.lineLimit = max(state.lineLimit, answer.call.responseLimit)
            let bridge: EraBridge
            switch state.phase {
            case .starting: return nil
            case .open(let opened): bridge = opened
            case .ended: return .failed(SpokeError("upstream-closed", "the process has ended"))
            }
            if case .stream = answer.call.content {
                // The newest connection has the stream, as a client that lost one opens another.
                state.standalone?.emit(.ended)
                state.standalone = answer
                return .opened
            }
            guard let message = answer.call.message else { return .accepted }
            if case .message(.discover, _, _) = answer.call.content, let known = bridge.discovery(answering: message) {
                return .response(UpstreamResponse(status: 200, message: known, session: nil))
            }
            guard message.isRequest else {
                guard let line = notificationLine(message, answer.call, state) else { return .accepted }
                return queue.offer(line) ? .accepted : Self.busy
            }
            let id = state.nextID
            if case .message(.listen, _, _) = answer.call.content, let begun = bridge.acknowledgement(of: message) {
                guard state.pending.count < Self.maximumPending else { return Self.busy }
                state.nextID += 1
                state.pending[id] = .call(answer, bridge: bridge, token: nil)
                answer.stage = .sent(id)
                return .notification(begun)
            }
            let (outbound, token) = bridge.outbound(message, id: id)
            guard state.pending.count < Self.maximumPending, queue.offer(LineWriter.bytes(outbound)) else {
                return Self.busy
            }
            state.nextID += 1
            state.pending[id] = .call(answer, bridge: bridge, token: token)
            answer.stage = .sent(id)
            return nil
        }
    }

    /// A cancellation names a request by the client's id; the process knows it by ours.
    private func notificationLine(_ message: MCPMessage, _ call: UpstreamCall, _ state: State) -> [UInt8]? {
        guard case .message(.cancelled(let id), _, _) = call.content else {
            // Nothing in the `_meta` of a notification is for a server to act on.
            var message = message
            message.params?["_meta"] = nil
            return LineWriter.bytes(message)
        }
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
        let (number, wasOver) = state.withLockedValue { state -> (Int64?, Bool) in
            defer { answer.stage = .over }
            if state.standalone === answer { state.standalone = nil }
            guard case .sent(let number) = answer.stage else { return (nil, answer.stage == .over) }
            guard state.pending[number] != nil else { return (nil, false) }
            state.pending[number] = answer.call.isListening ? nil : .unwanted(answer)
            return (number, false)
        }
        if let number {
            // Where too much waits already, the process goes on in vain.
            _ = queue.offer(LineWriter.bytes(Self.cancellation(of: number)))
            answer.scheduleOnceMore { [weak self] in
                answer.call.place?.release()
                self?.state.withLockedValue { $0.pending[number] = nil }
            }
        }
        let keepsPlace = number != nil && !answer.call.isListening
        if !keepsPlace, !wasOver { answer.call.place?.release() }
        if let event, !wasOver { answer.emit(event, keepingPlace: keepsPlace) }
    }

    private static func cancellation(of id: Int64) -> MCPMessage {
        .notification(
            method: "notifications/cancelled", params: JSONObject([("requestId", .number(JSONNumber(id)))]))
    }

    // MARK: the start

    /// One question of the start itself.
    func ask(_ question: OwnQuestion, version: ProtocolVersion, _ done: @escaping @Sendable (MCPMessage?) -> Void) {
        let isAsked = state.withLockedValue { state -> Bool in
            guard case .starting = state.phase else { return false }
            let id = state.nextID
            state.nextID += 1
            state.pending[id] = .own(done)
            queue.add(LineWriter.bytes(question.message(id: id, version: version)))
            return true
        }
        if !isAsked { done(nil) }
    }

    func tell(_ question: OwnQuestion) {
        queue.add(LineWriter.bytes(question.message(id: 0, version: .newestHandshake)))
    }

    func open(_ bridge: EraBridge) {
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
            // Nothing of ours but what `spoke.yaml` names: what a server could read there, it could tell.
            var environment: [Environment.Key: String] = [:]
            let own = ProcessInfo.processInfo.environment
            let started = try StdioStartup(command, path: own["PATH"] ?? "")
            for variable in command.environment {
                environment[Environment.Key(stringLiteral: variable.name)] = try variable.resolve(
                    credentials: own["CREDENTIALS_DIRECTORY"])
            }
            var options = PlatformOptions()
            options.processGroupID = 0
            if let user = started.user {
                options.userID = user.id
                options.groupID = user.group
                options.supplementaryGroups = []
            }
            options.teardownSequence = [
                .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(2)),
                .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1)),
            ]
            _ = try await Subprocess.run(
                .path(FilePath(started.program)), arguments: Arguments(started.arguments),
                environment: .custom(environment),
                platformOptions: options, input: .inputWriter, output: .sequence, error: .sequence
            ) { [self] execution in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { [self] in
                        for await line in queue.lines {
                            _ = try await execution.standardInputWriter.write(line)
                            queue.written(line)
                        }
                        try await execution.standardInputWriter.finish()
                    }
                    group.addTask { [self] in await logErrors(execution.standardError) }
                    var lines = LineParser(lineLimit: 0)
                    for try await buffer in execution.standardOutput {
                        lines.limit = state.withLockedValue(\.lineLimit)
                        for line in try lines.feed(buffer.withUnsafeBytes(Array.init)) { take(line) }
                    }
                    // What the server left running in its group goes with it.
                    try? execution.send(signal: .terminate, toProcessGroup: true)
                    group.cancelAll()
                }
            }
        } catch {
            if (error as? MCPError)?.code == MCPError.Reason.lineTooLarge.rawValue {
                state.withLockedValue { $0.failure = .answerTooLarge($0.lineLimit) }
            }
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
        switch ServerMessage(parsing: line, maximumBytes: line.count) {
        case .response(let id, let message):
            guard case .integer(let number) = id,
                let pending = state.withLockedValue({ $0.pending.removeValue(forKey: number) })
            else { return }
            state.withLockedValue { $0.hasAnswered = true }
            pending.complete(message, size: line.count)
        case .request(let id, let method, let params): ask(id, method, params, size: line.count)
        case .notification(let method, let params): notify(method, params, size: line.count)
        case .invalid(let error):
            logger.debug("stdio server sent no message", metadata: ["server": "\(server)", "code": "\(error.code)"])
        }
    }

    /// A request of the server goes to the call that waits longest, of those that can bear one, or else to the session's own stream, to be judged there.
    private func ask(_ id: RequestID, _ method: String, _ params: JSONObject?, size: Int) {
        let target = state.withLockedValue { state -> StdioAnswer? in
            if era == .stateless, case .open(.passThrough) = state.phase { return nil }
            let oldest = state.pending.sorted { $0.key < $1.key }.lazy.compactMap { entry -> StdioAnswer? in
                guard case .call(let answer, _, _) = entry.value, !answer.call.isListening,
                    self.era == .handshake || !answer.call.askedCapabilities.isEmpty
                else { return nil }
                return answer
            }.first
            return oldest ?? state.standalone
        }
        guard let target, size <= target.call.responseLimit, ServerRequestKind(method: method) != nil else {
            _ = queue.offer(LineWriter.bytes(ServerMessage.refusal(of: id, method: method)))
            return
        }
        target.emit(.request(id, method: method, params: params))
    }

    /// What a listening is told goes to it, under the client's own id.
    private func notifyListening(_ method: String, _ params: JSONObject, size: Int) -> Bool {
        guard let id = params["_meta"]?[EraBridge.subscriptionKey]?.integer else { return false }
        let listening = state.withLockedValue { state -> StdioAnswer? in
            if case .call(let answer, _, _)? = state.pending[id] { answer } else { nil }
        }
        guard let listening, size <= listening.call.responseLimit, let own = listening.call.message?.id else {
            return true
        }
        var params = params
        var meta = params["_meta"]?.object ?? JSONObject()
        meta[EraBridge.subscriptionKey] = own.json
        params["_meta"] = .object(meta)
        listening.emit(.notification(.notification(method: method, params: params)))
        return true
    }

    /// Progress goes to the call whose token it bears; a log line to the one call under way. All else concerns no call, and
    /// goes to the session's own stream.
    private func notify(_ method: String, _ params: JSONObject?, size: Int) {
        if ListChange.isTold(by: method) { onListChange() }
        if let params, notifyListening(method, params, size: size) { return }
        if ListChange.isTold(by: method) { return }
        let target = state.withLockedValue { state -> (StdioAnswer, JSON?)? in
            let calls = state.pending.compactMap { entry -> (Int64, StdioAnswer, JSON?)? in
                if case .call(let answer, _, let token) = entry.value { (entry.key, answer, token) } else { nil }
            }
            switch method {
            case "notifications/progress":
                let number = params?["progressToken"]?.integer
                return calls.first { $0.0 == number && $0.2 != nil }.map { ($0.1, $0.2) }
            case "notifications/message":
                return calls.count == 1 ? (calls[0].1, nil) : state.standalone.map { ($0, nil) }
            default: return state.standalone.map { ($0, nil) }
            }
        }
        guard let (answer, token) = target, size <= answer.call.responseLimit else { return }
        var params = params
        if let token { params?["progressToken"] = token }
        answer.emit(.notification(.notification(method: method, params: params)))
    }

    private func finish() {
        queue.finish()
        onEnd(state.withLockedValue { $0.hasAnswered || $0.isStopped })
        let (pending, waiting) = state.withLockedValue { state -> ([StdioPending], [@Sendable () -> Void]) in
            defer {
                state.phase = .ended
                state.pending = [:]
                state.standalone?.emit(.ended)
                state.standalone = nil
            }
            if case .starting(let waiting) = state.phase { return (Array(state.pending.values), waiting) }
            return (Array(state.pending.values), [])
        }
        let failure = state.withLockedValue(\.failure)
        for entry in pending { entry.fail(failure) }
        for call in waiting { call() }
    }
}
