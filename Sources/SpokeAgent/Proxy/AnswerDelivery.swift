import Logging
import MCP
import Model
import Trust

/// Makes the client's answer of an upstream's events: filters lists, keeps sessions, and notes what came of the call.
/// One a forwarded message, on the connection's event loop.
final class AnswerDelivery {
    /// What goes to the client.
    enum Output {
        case nothing
        /// The head of an event stream and its first event.
        case begin([Answer.Field], [UInt8])
        case more([UInt8])
        case last([UInt8])
        case whole(Answer)
    }

    let forwarding: Forwarding
    var flow = UpstreamFlow.none
    private(set) var isOver = false
    private let number: Int64
    private let services: Services
    private var isStreaming = false
    private let began: Instant

    init(number: Int64, _ forwarding: Forwarding, _ services: Services) {
        self.number = number
        self.forwarding = forwarding
        self.services = services
        began = services.now()
    }

    /// To be called exactly once; `take` does so with the last event.
    func end(status: Int, _ result: String) {
        guard !isOver else { return }
        isOver = true
        services.tables.concurrency.leave(forwarding.ticket)
        let now = services.now()
        services.calls.ended(
            server: forwarding.record.server, aim: forwarding.record.aim, result: result, took: now - began)
        services.journal.outcome(
            JournalLine.Outcome(outcome: number, at: now, status: Int64(status), result: result))
    }

    func take(_ event: UpstreamEvent) -> Output {
        switch event {
        case .notification(let message): return passesOn(message) ? stream(SSEWriter.bytes(message)) : .nothing
        case .keepAlive(let event): return stream(SSEWriter.bytes(event))
        case .response(let response): return answer(response)
        case .accepted:
            let status = if case .endSession = forwarding.content { 200 } else { 202 }
            end(status: status, "ok")
            return .whole(Answer(status: status))
        case .refused(let status): return refused(status)
        case .failed(let error): return failed(error)
        }
    }

    /// What concerns one call, or says no more than that a list changed.
    private func passesOn(_ message: MCPMessage) -> Bool {
        ["notifications/progress", "notifications/message"].contains(message.method)
            || ListChange.isTold(by: message.method)
    }

    private func stream(_ bytes: [UInt8]) -> Output {
        guard forwarding.acceptsStream, forwarding.messageID != nil else { return .nothing }
        if isStreaming { return .more(bytes) }
        isStreaming = true
        return .begin(
            [Answer.Field("Content-Type", "text/event-stream"), Answer.Field("X-Accel-Buffering", "no")], bytes)
    }

    private func answer(_ response: UpstreamResponse) -> Output {
        var message = response.message
        var headers: [Answer.Field] = []
        if case .result(let id, let result) = message, case .message(let action, _) = forwarding.content {
            do throws(MCPError) {
                message = .result(
                    id: id,
                    try PassedResult.of(
                        result, of: action, era: forwarding.version.era, through: forwarding.filter))
            } catch { return failed(SpokeError("bad-upstream", error.message)) }
            if action.isInitialize {
                do throws(SpokeError) {
                    if let session = try begin(response.session, result) {
                        headers.append(Answer.Field("Mcp-Session-Id", session))
                    }
                } catch { return failed(error) }
            }
        } else if response.status == 404, let session = forwarding.session {
            services.tables.sessions.remove(session.id)
        }
        end(status: response.status, "ok")
        guard isStreaming else { return .whole(Answer(status: response.status, message, headers: headers)) }
        return .last(SSEWriter.bytes(message))
    }

    /// Gives the client a session id of our own for the upstream's.
    private func begin(_ upstream: String?, _ result: JSON) throws(SpokeError) -> String? {
        guard let version = result["protocolVersion"]?.string.flatMap(ProtocolVersion.init), version.era == .handshake
        else {
            throw SpokeError("bad-upstream", "the server answered `initialize` with a version that is not served")
        }
        guard let upstream else { return nil }
        guard let id = try? Hex.encode(randomBytes(32)) else { throw SpokeError("busy", "no randomness") }
        let session = Session(
            id: id, caller: forwarding.caller, server: forwarding.server, version: version, upstream: upstream,
            used: services.now())
        let limit = forwarding.policy.sessions
        services.upstreams.end(services.tables.sessions.add(session, limit: limit), callers: [])
        return id
    }

    private func refused(_ status: Int) -> Output {
        if case .endSession = forwarding.content {
            // Some servers do not end sessions; ours is over all the same.
            end(status: 200, "ok")
            return .whole(Answer(status: 200))
        }
        if status == 404, let session = forwarding.session {
            services.tables.sessions.remove(session.id)
            return error(404, JSONRPCErrors.invalidRequest, "Session not found", "session-gone")
        }
        // What an upstream demands of its client (a login, another path) is between this host's owner and that server.
        guard [400, 406, 413, 415, 429].contains(status) else {
            return error(502, JSONRPCErrors.internalError, "Bad Gateway", "refused-\(status)")
        }
        return error(status, JSONRPCErrors.invalidRequest, "The server refused the request", "refused-\(status)")
    }

    private func failed(_ failure: SpokeError) -> Output {
        services.logger.debug(
            "call failed",
            metadata: ["server": "\(forwarding.server)", "code": "\(failure.code)", "decision": "\(number)"])
        return switch failure.code {
        case "upstream-timeout": error(504, JSONRPCErrors.internalError, "Gateway Timeout", failure.code)
        case "busy": error(503, JSONRPCErrors.internalError, "Service Unavailable", failure.code)
        default: error(502, JSONRPCErrors.internalError, "Bad Gateway", failure.code)
        }
    }

    private func error(_ status: Int, _ code: Int64, _ text: String, _ result: String) -> Output {
        end(status: status, result)
        let message = MCPMessage.failure(id: forwarding.messageID, JSONRPCError(code: code, message: text))
        return isStreaming ? .last(SSEWriter.bytes(message)) : .whole(Answer(status: status, message))
    }
}
