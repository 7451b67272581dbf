import Foundation
import MCP
import Model

/// Between a program that speaks MCP over standard input and output, and a server behind a spoke.
///
/// Requests run at once; `initialize`, notifications and answers go one after another, since what follows them relies
/// on them. Every request gets one answer, unless it was cancelled.
actor Relay {
    /// Requests under way; more are refused.
    static let maximumRequests = 128

    private struct Running {
        var task: Task<Void, Never>
        var isStateless: Bool
        /// A subscription has no end of its own.
        var isEndless: Bool
    }

    private let server: String
    private let connections: SpokeConnections
    private let output: StandardOutput
    private let terminal: Terminal
    private var conversation = Conversation()
    private var running: [RequestID: Running] = [:]
    /// What the server sends of its own accord, in the handshake era.
    private var listening: Task<Void, Never>?

    init(server: String, connections: SpokeConnections, output: StandardOutput, terminal: Terminal) {
        self.server = server
        self.connections = connections
        self.output = output
        self.terminal = terminal
    }

    /// Takes one line of input.
    func take(_ line: [UInt8]) async {
        let message: MCPMessage
        do {
            message = try MCPMessage(parsing: line, maximumBytes: StandardInput.maximumLineBytes)
        } catch {
            let refusal = JSONRPCErrors.answer(error, id: nil, era: nil).message
            await output.write(refusal)
            return
        }
        switch message {
        case .request(let id, "initialize", _):
            listening?.cancel()
            listening = nil
            await answer(message, id)
        case .request(let id, _, _): await start(message, id)
        case .notification("notifications/cancelled", let params):
            if let id = params?["requestId"].flatMap(RequestID.init), let request = running[id], request.isStateless {
                request.task.cancel()
            } else {
                await tell(message)
            }
        case .notification("notifications/initialized", _):
            await tell(message)
            if conversation.negotiated != nil, listening == nil { listening = Task { await listen() } }
        case .notification, .result, .failure: await tell(message)
        }
    }

    /// The input has ended: what is under way gets a little time, then the session is ended.
    func finish() async {
        let clock = ContinuousClock()
        let limit = clock.now + .seconds(30)
        listening?.cancel()
        for request in running.values where request.isEndless { request.task.cancel() }
        while !running.isEmpty, clock.now < limit { try? await clock.sleep(for: .milliseconds(20)) }
        for request in running.values { request.task.cancel() }
        if conversation.session != nil {
            let headers = conversation.sessionHeaders()
            // The session ends by itself, too; nobody is left to be told.
            try? await connections.perform(method: "DELETE", headers: headers, body: nil) { _ in }
        }
        await connections.close()
    }

    private func start(_ message: MCPMessage, _ id: RequestID) async {
        guard running[id] == nil else {
            let error = JSONRPCError(
                code: JSONRPCErrors.invalidRequest, message: "the request \(id) is under way already")
            await output.write(.failure(id: id, error))
            return
        }
        guard running.count < Self.maximumRequests else {
            let error = JSONRPCError(
                code: JSONRPCErrors.internalError, message: "\(Self.maximumRequests) requests are under way already")
            await output.write(.failure(id: id, error))
            return
        }
        let task = Task {
            await answer(message, id)
            running[id] = nil
        }
        running[id] = Running(
            task: task, isStateless: Conversation.isStateless(message),
            isEndless: message.method == "subscriptions/listen")
    }

    /// Sends a request and writes its answer, or what came instead.
    private func answer(_ message: MCPMessage, _ id: RequestID) async {
        let exchange = RelayedExchange(id: id) { [self] part, headers in
            await relay(part, answering: message, headers)
        }
        do {
            try await post(message, exchange)
            try await resume(exchange)
            let reader = await exchange.reader
            guard !reader.isAnswered else { return }
            if reader.status == 404, conversation.session != nil, !Conversation.isStateless(message) {
                conversation.sessionEnded()
            }
            await output.write(.failure(id: id, reader.refusal(server: server)))
        } catch {
            // Who cancelled a request awaits no answer to it.
            let wasAnswered = await exchange.reader.isAnswered
            guard !Task.isCancelled, !wasAnswered else { return }
            await output.write(.failure(id: id, failure(error)))
        }
    }

    /// Sends what gets no answer; a failure is talk.
    private func tell(_ message: MCPMessage) async {
        let exchange = RelayedExchange(id: nil) { [output] part, _ in await output.write(part) }
        do {
            try await post(message, exchange)
            let reader = await exchange.reader
            if !reader.isSuccess {
                terminal.say(
                    "nave connect: \(message.method ?? "an answer"): \(reader.refusal(server: server).message)")
            }
        } catch {
            terminal.say("nave connect: \(message.method ?? "an answer"): \(failure(error).message)")
        }
    }

    private func post(_ message: MCPMessage, _ exchange: RelayedExchange) async throws {
        let headers = conversation.headers(for: message)
        try await connections.perform(method: "POST", headers: headers, body: message.bytes) {
            try await exchange.take($0)
        }
    }

    /// Goes on with a stream that the server ended before it had answered (2025-11-25, basic/transports,
    /// "Resumability").
    private func resume(_ exchange: RelayedExchange) async throws {
        for _ in 0..<100 {
            let reader = await exchange.reader
            guard reader.isStream, !reader.isAnswered, conversation.negotiated != nil, let last = reader.lastEventID
            else { return }
            try await Task.sleep(for: .milliseconds(min(max(reader.retry ?? 1000, 100), 60_000)))
            let headers = conversation.sessionHeaders(accept: "text/event-stream", lastEventID: last)
            try await connections.perform(method: "GET", headers: headers, body: nil) { try await exchange.take($0) }
        }
    }

    private func relay(_ part: MCPMessage, answering request: MCPMessage, _ headers: HTTPHeaders) async {
        conversation.learn(from: part, to: request, headers)
        await output.write(part)
    }

    /// Keeps a GET stream open while the server has one; comes back when it breaks, more slowly each time.
    private func listen() async {
        var pause: Int64 = 1000
        var last: String?
        while !Task.isCancelled {
            let exchange = RelayedExchange(id: nil) { [output] part, _ in await output.write(part) }
            let headers = conversation.sessionHeaders(accept: "text/event-stream", lastEventID: last)
            try? await connections.perform(method: "GET", headers: headers, body: nil) { try await exchange.take($0) }
            let reader = await exchange.reader
            // 405: the server has none. Another refusal is for the next request to meet.
            if reader.status != 0, !reader.isStream { return }
            last = reader.lastEventID ?? last
            pause = reader.retry.map { max($0, 100) } ?? (reader.isStream ? 1000 : min(pause * 2, 60_000))
            try? await Task.sleep(for: .milliseconds(pause))
        }
    }

    private func failure(_ error: any Error) -> JSONRPCError {
        let message: String
        if let known = error as? any NaveError {
            message = known.hint.map { "\(known.message) (\($0))" } ?? known.message
        } else if String(describing: type(of: error)).contains("SSL") {
            // In TLS 1.3 a client learns with its first read that its certificate was refused.
            message =
                "the spoke of \(backticked(server)) ended the TLS connection "
                + "(this client's certificate may have expired or been revoked)"
        } else {
            message = "the connection to the spoke of \(backticked(server)) broke: \(error)"
        }
        return JSONRPCError(code: JSONRPCErrors.internalError, message: message)
    }
}

/// One answer while it comes in.
actor RelayedExchange {
    private(set) var reader: AnswerReader
    private let pass: @Sendable (MCPMessage, HTTPHeaders) async -> Void

    init(id: RequestID?, pass: @escaping @Sendable (MCPMessage, HTTPHeaders) async -> Void) {
        reader = AnswerReader(id: id)
        self.pass = pass
    }

    func take(_ event: HTTPResponseParser.Event) async throws {
        for message in try reader.take(event) { await pass(message, reader.headers) }
    }
}
