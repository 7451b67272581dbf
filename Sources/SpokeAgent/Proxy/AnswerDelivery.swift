import Logging
import MCP
import Model
import Trust

/// Makes the client's answer of an upstream's events: filters lists, keeps sessions and tasks, seals what the client is to
/// carry, and notes what came of the call. One a forwarded message, on the connection's event loop.
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
    /// The caller's view now; a stream's changes while it is open.
    var lists: ListView
    var serverRequests: [ServerRequestKind]
    private(set) var isOver = false
    private(set) var isStreaming = false
    private let number: Int64
    private let services: Services
    private let began: Instant
    /// What the server asked while it worked on this call; nobody waits for an answer once the call is over.
    private var questions: [RequestID] = []

    init(number: Int64, _ forwarding: Forwarding, _ services: Services) {
        self.number = number
        self.forwarding = forwarding
        self.services = services
        began = services.now()
        lists = forwarding.filter
        serverRequests = forwarding.policy.serverRequests ?? []
    }

    /// To be called exactly once; `take` does so with the last event.
    func end(status: Int, _ result: String) {
        guard !isOver else { return }
        isOver = true
        if let session = forwarding.session {
            for question in questions { _ = services.tables.sessions.answer(question, in: session.id) }
        }
        let now = services.now()
        services.calls.ended(
            server: forwarding.record.server, aim: forwarding.record.aim, result: result, took: now - began)
        services.journal.outcome(
            JournalLine.Outcome(outcome: number, at: now, status: Int64(status), result: result))
    }

    func take(_ event: UpstreamEvent) -> Output {
        switch event {
        case .opened: return stream([])
        case .notification(let message, let event):
            return passesOn(message) ? stream(message, event) : .nothing
        case .request(let id, let method, let params, let event): return asked(id, method, params, event)
        case .keepAlive(var event):
            event.id = event.id.flatMap(ownID)
            if event.id == nil { event.data = nil }
            return stream(SSEWriter.bytes(event))
        case .response(let response): return answer(response)
        case .ended:
            // Who cannot come back for the answer had better know that there is none.
            let mayComeBack = isStreaming && forwarding.session != nil && forwarding.version >= .v20251125
            guard forwarding.isStream || mayComeBack else {
                return failed(SpokeError("upstream-closed", "the stream ended without an answer"))
            }
            end(status: 200, "ok")
            return isStreaming ? .last([]) : .whole(Answer(status: 202))
        case .accepted:
            let status = if case .endSession = forwarding.content { 200 } else { 202 }
            end(status: status, "ok")
            return .whole(Answer(status: status))
        case .refused(let status): return refused(status)
        case .failed(let error): return failed(error)
        }
    }

    /// Says on a stream that lists are not what they were.
    func changed(_ kinds: Set<CapabilityKind>) -> [UInt8] {
        var bytes: [UInt8] = []
        for (kind, method) in ListChange.methods where kinds.contains(kind) && listening?.wants(kind) ?? true {
            var params: JSONObject?
            if listening != nil, let id = forwarding.messageID {
                params = JSONObject([("_meta", .object(JSONObject([(EraBridge.subscriptionKey, id.json)])))])
            }
            bytes += SSEWriter.bytes(.notification(method: method, params: params))
        }
        return bytes
    }

    private var listening: MCPAction.Listening? {
        if case .message(.listen(let listening), _) = forwarding.content { listening } else { nil }
    }

    /// What concerns the call, or something that the caller may see.
    private func passesOn(_ message: MCPMessage) -> Bool {
        switch message.method {
        case "notifications/progress", "notifications/message": return true
        case "notifications/subscriptions/acknowledged": return listening != nil
        case "notifications/elicitation/complete": return serverRequests.contains(.elicitation)
        case "notifications/resources/updated":
            guard forwarding.isStream, let uri = message.params?["uri"]?.string,
                (try? ResourceURI.validate(uri)) != nil
            else { return false }
            return lists.shows(uri, .resources)
        case "notifications/tasks", "notifications/tasks/status":
            guard forwarding.isStream, let id = message.params?["taskId"]?.string else { return false }
            return isOwn(task: id) && (message.params?["inputRequests"]).map { _ in asks(message.params, id) } ?? true
        // On a stream the spoke says so itself, once it knows what the caller sees changed.
        default: return !forwarding.isStream && ListChange.isTold(by: message.method)
        }
    }

    private func isOwn(task id: String) -> Bool {
        lists.shows(task: id, of: forwarding.caller, server: forwarding.server, services.tables, now: services.now())
    }

    /// Whether a task asks only for what is allowed; what it asks is then noted.
    private func asks(_ task: JSONObject?, _ id: String) -> Bool {
        guard let task, let input = try? InputRequired(task, allowing: serverRequests) else { return false }
        services.tables.tasks.asks(input.kinds, id: id, server: forwarding.server)
        return true
    }

    /// A request of the server goes to the client where policy says so, and where the client can answer.
    private func asked(_ id: RequestID, _ method: String, _ params: JSONObject?, _ event: String?) -> Output {
        let isPossible = forwarding.acceptsStream && (forwarding.isStream || forwarding.messageID != nil)
        guard let session = forwarding.session, isPossible, let kind = ServerRequestKind(method: method),
            serverRequests.contains(kind), kind.problem(params) == nil,
            services.tables.sessions.ask(id, kind, in: session.id)
        else {
            flow.reply(ServerMessage.refusal(of: id, method: method))
            return .nothing
        }
        if !forwarding.isStream { questions.append(id) }
        return stream(.request(id: id, method: method, params: params), event)
    }

    private func ownID(_ upstream: String) -> String? {
        guard let session = forwarding.session else { return nil }
        return services.tables.sealed.eventID(upstream, of: forwarding.messageID, forwarding.action, in: session)
    }

    private func stream(_ message: MCPMessage, _ event: String?) -> Output {
        stream(SSEWriter.bytes(message, id: event.flatMap(ownID)))
    }

    private func stream(_ bytes: [UInt8]) -> Output {
        guard forwarding.isStream || (forwarding.acceptsStream && forwarding.messageID != nil) else { return .nothing }
        // The answer's head bears the session's id, which comes with the answer; there is nothing to tell before.
        if forwarding.action?.isInitialize == true { return .nothing }
        if isStreaming { return .more(bytes) }
        isStreaming = true
        return .begin(
            [Answer.Field("Content-Type", "text/event-stream"), Answer.Field("X-Accel-Buffering", "no")], bytes)
    }

    private func answer(_ response: UpstreamResponse) -> Output {
        var message = response.message
        var headers: [Answer.Field] = []
        if case .result(let id, let result) = message, let action = forwarding.action {
            if case .list(.tools, _) = action, lists.isPinned { note(result["tools"]?.array ?? []) }
            do throws(MCPError) {
                let passed = try PassedResult.of(
                    result, of: action, era: forwarding.version.era, through: lists, allowing: serverRequests)
                message = .result(id: id, try bound(passed, action, held: response.held))
            } catch {
                if let held = response.held { services.held.abandon(held) }
                return failed(SpokeError("bad-upstream", error.message))
            }
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
        return .last(SSEWriter.bytes(message, id: response.event.flatMap(ownID)))
    }

    /// A definition that differs from what is known counts from here on, for this very list and for every call after it.
    private func note(_ tools: [JSON]) {
        let server = forwarding.server
        guard let noted = services.tables.views.note(tools, of: server, in: forwarding.version) else { return }
        lists.definitions = noted.definitions
        if noted.isNews { services.upstreams.noticed(server) }
    }

    /// What the result gives the caller to come back with, bound to the caller.
    private func bound(
        _ passed: (kind: ServerResult.Kind, result: JSON), _ action: MCPAction, held: String?
    ) throws(MCPError) -> JSON {
        guard case .object(var object) = passed.result else { return passed.result }
        let now = services.now()
        switch passed.kind {
        case .inputRequired(let input):
            let state: String
            do throws(TrustError) {
                state = try services.tables.sealed.requestState(
                    input, held: held, of: action, caller: forwarding.caller, server: forwarding.server, now: now)
            } catch { throw MCPError(.badUpstream, error.message) }
            object["requestState"] = .string(state)
        case .task(let id):
            guard case .callTool(let tool, _, _) = action,
                services.tables.tasks.add(
                    id, server: forwarding.server,
                    BoundTask(
                        caller: forwarding.caller, account: forwarding.owner.account, tool: tool, used: now))
            else { throw MCPError(.badUpstream, "the server's task cannot be the caller's") }
        case .complete:
            switch action {
            case .task(.get, let id) where object["inputRequests"] != nil:
                services.tables.tasks.asks(
                    try InputRequired(object, allowing: serverRequests).kinds, id: id, server: forwarding.server)
            case .listTasks:
                let tasks = object["tasks"]?.array ?? []
                object["tasks"] = .array(tasks.filter { $0["taskId"]?.string.map(isOwn(task:)) ?? false })
            default: break
            }
        }
        return .object(object)
    }

    /// Gives the client a session id of our own for the upstream's.
    private func begin(_ upstream: String?, _ result: JSON) throws(SpokeError) -> String? {
        guard let version = ProtocolVersion(negotiatedIn: result) else {
            throw SpokeError("bad-upstream", "the server answered `initialize` with a version that is not served")
        }
        guard let upstream else { return nil }
        guard let id = try? Hex.encode(randomBytes(32)) else { throw SpokeError("busy", "no randomness") }
        let session = Session(
            id: id, caller: forwarding.caller, owner: forwarding.owner, server: forwarding.server, version: version,
            upstream: upstream, used: services.now())
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
        // A server need not have a stream of its own (2025-11-25, basic/transports).
        if status == 405, case .stream = forwarding.content {
            return error(405, JSONRPCErrors.invalidRequest, "Method Not Allowed", "refused-405")
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
        guard !isStreaming || forwarding.messageID != nil else { return .last([]) }
        let message = MCPMessage.failure(id: forwarding.messageID, JSONRPCError(code: code, message: text))
        return isStreaming ? .last(SSEWriter.bytes(message)) : .whole(Answer(status: status, message))
    }
}

extension MCPAction.Listening {
    fileprivate func wants(_ kind: CapabilityKind) -> Bool {
        switch kind {
        case .tool: toolsListChanged
        case .prompt: promptsListChanged
        case .resource: resourcesListChanged
        }
    }
}
