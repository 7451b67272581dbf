import MCP
import Model
import NIOCore

/// The messages of one batch, one after the other, and their answers as one body.
final class BatchRun {
    private var waiting: ArraySlice<Exchange>
    private let services: Services
    private let loop: any EventLoop
    private let done: (Answer) -> Void
    private var current: RequestHandler?
    private var answers: [[UInt8]] = []

    init(_ elements: [Exchange], _ services: Services, on loop: any EventLoop, done: @escaping (Answer) -> Void) {
        waiting = elements[...]
        self.services = services
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
        let handler = RequestHandler(element, services, on: loop) { [weak self] output, _ in
            guard let self, case .whole(let answer) = output else { return }
            if !answer.body.isEmpty { answers.append(answer.body) }
            // Not from here: the messages would stand on the stack one above the other.
            let bound = NIOLoopBound(self, eventLoop: loop)
            loop.execute { bound.value.begin() }
        }
        current = handler
        handler.begin()
    }

    func cancel() {
        waiting = []
        current?.cancel()
    }
}
