import MCP
import Model
import NIOConcurrencyHelpers
import NIOCore

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
