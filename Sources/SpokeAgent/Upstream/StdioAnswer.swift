import MCP
import Model
import NIOConcurrencyHelpers
import NIOCore

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
        process.ask(.initialize(process.capabilities), version: .newestHandshake) { answer in
            guard case .result(_, let result)? = answer, ProtocolVersion(negotiatedIn: result) != nil else {
                return process.stop()
            }
            process.tell(.initialized)
            process.open(.overHandshake(result))
        }
    }
}

/// A request that a process has not answered yet.
enum StdioPending: Sendable {
    case call(StdioAnswer, bridge: EraBridge, token: JSON?)
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

    /// - Parameter time: until the answer is late; nil for no such time.
    func setTime(_ time: Milliseconds?, _ late: @escaping @Sendable () -> Void) {
        loop.execute { [receive, loop] in
            guard receive.value.receive != nil else { return }
            receive.value.timer?.cancel()
            receive.value.timer = time.map { loop.scheduleTask(in: .milliseconds($0.count), late) }
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
