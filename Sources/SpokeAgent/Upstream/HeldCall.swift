import MCP
import Model
import NIOCore

/// One call of a stateless caller to a server that only knows the handshake era. When that server asks its client something in
/// mid-call, the caller is answered with the question (2026-07-28, basic/patterns/mrtr) and the call waits; the caller's next
/// request brings the answer, and whatever the server says from then on.
///
/// Its state lives on the event loop that the call was sent from; the next request may come on another one.
final class HeldCall: Sendable {
    /// Of what the server says while nobody is there to hear it: further questions, and the answer.
    private static let maximumWaitingBytes = 256 << 10
    private static let maximumQuestions = 16

    private struct Question {
        var id: RequestID
        var method: String
        var params: JSONObject?
        /// Of `params` in bytes.
        var size: Int
    }

    private final class State {
        var flow = UpstreamFlow.none
        /// Nil while the caller is waited for.
        var receive: ((UpstreamEvent) -> Void)?
        /// The request that is to be answered now.
        var message: MCPMessage?
        /// Where the call is found while it waits.
        var key: String?
        var timer: Scheduled<Void>?
        /// Under the keys that the caller knows them by.
        var asked: [String: Question] = [:]
        /// Came while the caller was waited for.
        var more: [Question] = []
        var last: UpstreamEvent?
        /// Whether the server has said its last.
        var isOver = false
        var waitingBytes = 0
        var questions = 0
    }

    let caller: String
    /// `Caller.account`: what it is counted by.
    let account: String
    /// Short name.
    let server: String
    private let capabilities: AskedCapabilities
    private let progressToken: JSON?
    private let calls: HeldCalls
    /// Called when a question was refused for want of a place to wait.
    private let refused: @Sendable () -> Void
    private let loop: any EventLoop
    private let state: NIOLoopBound<State>

    /// To be made on `loop`.
    init(
        _ call: UpstreamCall, caller: String, server: String, _ calls: HeldCalls, on loop: any EventLoop,
        refused: @escaping @Sendable () -> Void
    ) {
        self.caller = caller
        account = call.caller?.account ?? caller
        self.server = server
        capabilities = call.askedCapabilities
        progressToken = call.message?.meta?["progressToken"]
        self.calls = calls
        self.refused = refused
        self.loop = loop
        let state = State()
        state.message = call.message
        self.state = NIOLoopBound(state, eventLoop: loop)
    }

    /// Sends the call. On `loop`.
    func begin(
        _ receive: @escaping (UpstreamEvent) -> Void, send: (@escaping (UpstreamEvent) -> Void) -> UpstreamFlow
    ) -> UpstreamFlow {
        state.value.receive = receive
        state.value.flow = send { self.take($0) }
        let state = state.value
        return UpstreamFlow(
            cancel: { self.cancel($0) }, setReading: { state.flow.setReading($0) }, setTime: { state.flow.setTime($0) },
            reply: { state.flow.reply($0) })
    }

    // MARK: what the server says

    private func take(_ event: UpstreamEvent) {
        let state = state.value
        if case .request(let id, let method, let params, _) = event {
            let size = params.map { JSON.object($0).bytes.count } ?? 0
            return asked(Question(id: id, method: method, params: params, size: size))
        }
        if event.isLast { state.isOver = true }
        guard let receive = state.receive else {
            // Nobody hears of progress; the answer is kept for who comes back.
            guard event.isLast else { return }
            state.last =
                Self.size(event) <= Self.maximumWaitingBytes - state.waitingBytes
                ? event : .failed(SpokeError.answerTooLarge(Self.maximumWaitingBytes))
            return
        }
        if event.isLast { state.receive = nil }
        receive(worded(event, for: state.message))
    }

    private func asked(_ question: Question) {
        let state = state.value
        guard let kind = ServerRequestKind(method: question.method), capabilities.allow(kind, question.params),
            state.asked.count + state.more.count < Self.maximumQuestions,
            question.size <= Self.maximumWaitingBytes - state.waitingBytes
        else { return refuse(question) }
        state.waitingBytes += question.size
        state.more.append(question)
        if state.receive != nil { hold() }
    }

    private func refuse(_ question: Question) {
        state.value.flow.reply(ServerMessage.refusal(of: question.id, method: question.method))
    }

    /// Answers the caller with what the server asks, and waits.
    private func hold() {
        let state = state.value
        guard let receive = state.receive, let id = state.message?.id else { return }
        guard let key = calls.add(self) else {
            refused()
            for question in state.asked.values + state.more { refuse(question) }
            state.asked = [:]
            state.more = []
            state.waitingBytes = 0
            return
        }
        for question in state.more {
            state.questions += 1
            state.asked["q\(state.questions)"] = question
        }
        state.more = []
        state.key = key
        state.receive = nil
        state.flow.setTime(nil)
        state.flow.setReading(true)
        state.timer = loop.assumeIsolated().scheduleTask(in: .milliseconds(calls.patience.count)) { [self] in
            // Somebody has just taken it: then the answer is on its way.
            if calls.remove(key) { abandoned() }
        }
        let requests = state.asked.sorted { $0.key < $1.key }.map { key, question -> (String, JSON) in
            var request = JSONObject([("method", .string(question.method))])
            request["params"] = .object(question.params ?? JSONObject())
            return (key, .object(request))
        }
        let result = JSONObject([
            ("resultType", "input_required"), ("inputRequests", .object(JSONObject(requests))),
        ])
        var response = UpstreamResponse(status: 200, message: .result(id: id, .object(result)))
        response.held = key
        receive(.response(response))
    }

    // MARK: what the caller does

    /// Goes on with the answers of a further request of the same call, which came on `other`.
    func resume(_ call: UpstreamCall, on other: any EventLoop, _ receive: @escaping (UpstreamEvent) -> Void)
        -> UpstreamFlow
    {
        let hears = NIOLoopBound(receive, eventLoop: other)
        let message = call.message
        let time = call.requestTimeout
        loop.execute { [self] in
            resumed(message, time) { event in other.execute { hears.value(event) } }
        }
        return UpstreamFlow(
            cancel: { departure in self.loop.execute { self.cancel(departure) } },
            setReading: { reading in self.loop.execute { self.state.value.flow.setReading(reading) } },
            setTime: { time in self.loop.execute { self.state.value.flow.setTime(time) } },
            reply: { message in self.loop.execute { self.state.value.flow.reply(message) } })
    }

    private func resumed(_ message: MCPMessage?, _ time: Milliseconds, _ receive: @escaping (UpstreamEvent) -> Void) {
        let state = state.value
        state.timer?.cancel()
        state.timer = nil
        state.key = nil
        state.message = message
        state.receive = receive
        state.flow.setReading(true)
        let answers = message?.params?["inputResponses"]?.object
        for (key, question) in state.asked {
            guard let answer = answers?[key] else { continue }
            state.flow.reply(.result(id: question.id, answer))
            state.asked[key] = nil
            state.waitingBytes -= question.size
        }
        if let last = state.last {
            state.last = nil
            return take(last)
        }
        state.flow.setTime(time)
        // What is not answered is asked again, with what came since.
        if !state.asked.isEmpty || !state.more.isEmpty { hold() }
    }

    private func cancel(_ departure: Departure) {
        let state = state.value
        // Who left before the question was heard does not know the word that the call is found by.
        if let key = state.key, calls.remove(key) { state.timer?.cancel() }
        state.key = nil
        state.receive = nil
        guard !state.isOver else { return }
        state.isOver = true
        state.flow.cancel(departure)
    }

    /// Nobody will come back. From any loop, once it is not to be found any more.
    func abandon() { loop.execute { self.abandoned() } }

    private func abandoned() {
        state.value.timer?.cancel()
        state.value.timer = nil
        cancel(.cutOff("unanswered"))
    }

    // MARK: words

    /// Under the id and the progress token of the request that it answers now.
    private func worded(_ event: UpstreamEvent, for message: MCPMessage?) -> UpstreamEvent {
        switch event {
        case .response(var response):
            if let id = message?.id { response.message = response.message.renumbered(id) }
            return .response(response)
        case .notification(var notification, let event):
            if let progressToken, notification.params?["progressToken"] == progressToken {
                notification.params?["progressToken"] = message?.meta?["progressToken"] ?? progressToken
            }
            return .notification(notification, event: event)
        default: return event
        }
    }

    private static func size(_ event: UpstreamEvent) -> Int {
        if case .response(let response) = event { response.message.bytes.count } else { 0 }
    }
}
