import MCP
import Model
import NIOConcurrencyHelpers
import NIOCore

/// How calls are worded for a process, and its answers for the caller.
enum StdioBridge: Sendable {
    /// Both sides speak the same era.
    case passThrough
    /// A stateless caller before a server that wants a handshake, which was done; with what the server answered to it.
    case overHandshake(JSON)

    /// The message under our id, and the caller's own progress token when it gave one.
    func outbound(_ message: MCPMessage, id: Int64) -> (MCPMessage, token: JSON?) {
        var message = message.renumbered(.integer(id))
        guard var params = message.params, var meta = params["_meta"]?.object else { return (message, nil) }
        let token = meta["progressToken"]
        if token != nil { meta["progressToken"] = .number(JSONNumber(id)) }
        if case .overHandshake = self {
            meta = JSONObject(
                meta.pairs.filter { !$0.key.hasPrefix("io.modelcontextprotocol/") }.map { ($0.key, $0.value) })
        }
        params["_meta"] = meta.isEmpty ? nil : .object(meta)
        message.params = params
        return (message, token)
    }

    /// Where a notification says which listening it belongs to (2026-07-28, basic/transports/stdio).
    static let subscriptionKey = "io.modelcontextprotocol/subscriptionId"

    /// What a listening begins with, where the server does not know it: changes of lists, which the spoke notices itself.
    func acknowledgement(of message: MCPMessage) -> MCPMessage? {
        guard case .overHandshake = self, let id = message.id else { return nil }
        var wanted = message.params?["notifications"]?.object ?? JSONObject()
        wanted["resourceSubscriptions"] = nil
        wanted["taskIds"] = nil
        return .notification(
            method: "notifications/subscriptions/acknowledged",
            params: JSONObject([
                ("_meta", .object(JSONObject([(Self.subscriptionKey, id.json)]))), ("notifications", .object(wanted)),
            ]))
    }

    /// The answer to `server/discover`, where the server does not know that method.
    func discovery(answering message: MCPMessage) -> MCPMessage? {
        guard case .overHandshake(let initialized) = self, let id = message.id else { return nil }
        var result = JSONObject([
            ("resultType", "complete"), ("supportedVersions", [.string(ProtocolVersion.newest.rawValue)]),
            ("capabilities", initialized["capabilities"] ?? [:]), ("ttlMs", 0), ("cacheScope", "private"),
        ])
        result["instructions"] = initialized["instructions"]
        if let info = initialized["serverInfo"] {
            result["_meta"] = .object(JSONObject([("io.modelcontextprotocol/serverInfo", info)]))
        }
        return .result(id: id, .object(result))
    }

    /// The server's answer as the caller's era has it, and the HTTP status it goes under.
    func inbound(_ answer: MCPMessage, to call: UpstreamCall) -> (status: Int, message: MCPMessage)? {
        guard let id = call.message?.id else { return nil }
        switch answer.renumbered(id) {
        case .result(_, .object(var result)):
            if case .overHandshake = self {
                if result["resultType"] == nil { result["resultType"] = "complete" }
                if case .message(.readResource, _, _) = call.content {
                    result["ttlMs"] = 0
                    result["cacheScope"] = "private"
                }
            }
            return (200, .result(id: id, .object(result)))
        case .failure(_, var error):
            guard call.version.era == .stateless else { return (200, .failure(id: id, error)) }
            // What the handshake era said for a resource that is not there.
            if case .overHandshake = self, error.code == -32002 { error.code = JSONRPCErrors.invalidParams }
            let status =
                switch error.code {
                case JSONRPCErrors.methodNotFound: 404
                case JSONRPCErrors.invalidParams, JSONRPCErrors.invalidRequest, -32022 ... -32020: 400
                default: 200
                }
            return (status, .failure(id: id, error))
        default: return nil
        }
    }
}

/// Finds out how a process of stateless callers speaks: it is asked, and where it does not know the question, hands are
/// shaken in the callers' place.
struct StdioStart: Sendable {
    /// Some servers answer nothing before a handshake.
    private static let patience = Duration.seconds(10)

    let process: StdioProcess

    func begin() {
        let hasMoved = NIOLockedValueBox(false)
        let isFirst: @Sendable () -> Bool = {
            hasMoved.withLockedValue { moved in
                defer { moved = true }
                return !moved
            }
        }
        let moveOn: @Sendable () -> Void = { if isFirst() { shakeHands() } }
        process.ask(.discover, version: .newest) { answer in
            guard case .result(_, let result)? = answer,
                result["supportedVersions"]?.array?.contains(.string(ProtocolVersion.newest.rawValue)) == true
            else { return moveOn() }
            if isFirst() { process.open(.passThrough) }
        }
        Task {
            try? await Task.sleep(for: Self.patience)
            moveOn()
        }
    }

    private func shakeHands() {
        process.ask(.initialize, version: .newestHandshake) { answer in
            guard case .result(_, let result)? = answer, result["protocolVersion"]?.string != nil else {
                return process.stop()
            }
            process.tell(.initialized)
            process.open(.overHandshake(result))
        }
    }
}

/// A request that a process has not answered yet.
enum StdioPending: Sendable {
    case call(StdioAnswer, bridge: StdioBridge, token: JSON?)
    case own(@Sendable (MCPMessage?) -> Void)
    /// Nobody waits for it any more, and the process may work on it all the same.
    case unwanted(StdioAnswer)

    /// - Parameter size: of the line that bore the message, in bytes.
    func complete(_ message: MCPMessage, size: Int) {
        switch self {
        case .own(let done): done(message)
        case .unwanted(let answer): answer.call.place?.release()
        case .call(let answer, let bridge, _):
            guard size <= answer.call.responseLimit else {
                return answer.emit(.failed(SpokeError.answerTooLarge(answer.call.responseLimit)))
            }
            guard let (status, message) = bridge.inbound(message, to: answer.call) else {
                return answer.emit(.failed(SpokeError("bad-upstream", "the answer holds no result")))
            }
            answer.emit(.response(UpstreamResponse(status: status, message: message, session: answer.session)))
        }
    }

    /// No answer will come.
    func fail(_ error: SpokeError) {
        switch self {
        case .own(let done): done(nil)
        case .unwanted(let answer): answer.call.place?.release()
        case .call(let answer, _, _): answer.emit(.failed(error))
        }
    }
}

/// Where the events of one call to a process go: to its event loop, from whatever thread.
final class StdioAnswer: Sendable {
    let call: UpstreamCall
    /// The session that the process is, for the answer that begins it.
    let session: String?
    /// Changed under the lock of its process.
    var stage: Stage {
        get { box.withLockedValue(\.self) }
        set { box.withLockedValue { $0 = newValue } }
    }
    private let box = NIOLockedValueBox(Stage.waiting)
    private let loop: any EventLoop
    private let receive: NIOLoopBound<Receiver>

    enum Stage: Hashable, Sendable {
        case waiting
        /// Under that id of ours.
        case sent(Int64)
        /// Cancelled or too late: not to be sent any more.
        case over

        var isWaiting: Bool { self == .waiting }
    }

    private final class Receiver {
        var receive: ((UpstreamEvent) -> Void)?
        var isReading = true
        var timer: Scheduled<Void>?

        init(_ receive: @escaping (UpstreamEvent) -> Void) { self.receive = receive }

        func finish() {
            receive = nil
            timer?.cancel()
            timer = nil
        }
    }

    /// To be called on `loop`.
    init(_ call: UpstreamCall, session: String?, loop: any EventLoop, receive: @escaping (UpstreamEvent) -> Void) {
        self.call = call
        self.session = session
        self.loop = loop
        self.receive = NIOLoopBound(Receiver(receive), eventLoop: loop)
    }

    /// - Parameter keepingPlace: whether the process works on the call after its last event.
    func emit(_ event: UpstreamEvent, keepingPlace: Bool = false) {
        if event.isLast, !keepingPlace { call.place?.release() }
        loop.execute { [receive] in
            let receiver = receive.value
            guard let receive = receiver.receive else { return }
            // A pipe that others use too cannot be held back for one client: who does not read misses progress.
            let canBeMissed = if case .notification = event { true } else { false }
            guard receiver.isReading || !canBeMissed else { return }
            if event.isLast { receiver.finish() }
            receive(event)
        }
    }

    func schedule(_ late: @escaping @Sendable () -> Void) {
        let limit = TimeAmount.milliseconds(call.requestTimeout.count)
        loop.execute { [receive, loop] in
            guard receive.value.receive != nil else { return }
            receive.value.timer = loop.scheduleTask(in: limit, late)
        }
    }

    /// After as long again as the call was given.
    func scheduleOnceMore(_ over: @escaping @Sendable () -> Void) {
        loop.scheduleTask(in: .milliseconds(call.requestTimeout.count), over)
    }

    /// On the loop.
    func setReading(_ reading: Bool) { receive.value.isReading = reading }

    /// On the loop: no event is wanted any more.
    func forget() { receive.value.finish() }
}
