import MCP
import Model
import NIOCore

/// The messages of one batch, one after the other, and their answers as one body, which is no longer than one answer may be.
final class BatchRun {
    private var waiting: ArraySlice<Exchange>
    private let services: Services
    private let loop: any EventLoop
    private let done: (Answer) -> Void
    private var current: RequestHandler?
    private var answers: [[UInt8]] = []
    /// Bytes that are left for answers.
    private var left: Int64

    /// - Parameter answerLimit: bytes of all answers together.
    init(
        _ elements: [Exchange], _ services: Services, answerLimit: Int64, on loop: any EventLoop,
        done: @escaping (Answer) -> Void
    ) {
        waiting = elements[...]
        self.services = services
        left = answerLimit
        self.loop = loop
        self.done = done
    }

    func begin() {
        guard let element = waiting.popFirst() else {
            current = nil
            // Of notifications alone there is nothing to say (2025-03-26, basic/transports).
            guard !answers.isEmpty else { return done(Answer(status: 202)) }
            return done(
                Answer(
                    status: 200, headers: [Answer.Field("Content-Type", "application/json")], body: Batch.body(answers))
            )
        }
        guard left > 0 else {
            // A call whose answer has no room had better not be made.
            if let message = try? MCPMessage(parsing: element.body, maximumBytes: element.body.count),
                message.isRequest
            {
                let error = JSONRPCError(code: JSONRPCErrors.internalError, message: "The answers before leave no room")
                answers.append(MCPMessage.failure(id: message.id, error).bytes)
            }
            return next()
        }
        let handler = RequestHandler(element, services, on: loop, answerLimit: left) { [weak self] output, _ in
            guard let self, case .whole(let answer) = output else { return }
            if !answer.body.isEmpty {
                left -= Int64(answer.body.count)
                answers.append(answer.body)
            }
            next()
        }
        current = handler
        handler.begin()
    }

    /// Not from where the last one ended: the messages would stand on the stack one above the other.
    private func next() {
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.execute { bound.value.begin() }
    }

    func cancel(_ departure: Departure) {
        waiting = []
        current?.cancel(departure)
    }
}
