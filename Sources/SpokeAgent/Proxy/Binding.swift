import MCP
import Model

/// Holds a message to what its caller was given before: the state of a call that is repeated, tasks, a server's questions,
/// what a stream is to report. What belongs to somebody else does not exist.
///
/// - Returns: the call that waits for this repetition of it, if one does.
func bind(
    _ message: inout MCPMessage, _ action: inout MCPAction, _ permit: inout Permit, _ understood: Understood,
    _ reached: Reached, _ tables: Tables, _ refusals: Refusals
) throws(Refusal) -> String? {
    let era = understood.version.era
    switch action {
    case .callTool, .getPrompt, .readResource:
        return try unseal(&message, action, era, reached, tables, refusals, permit.aim)
    case .task(let operation, let id):
        guard
            let task = tables.tasks.find(
                id, server: reached.name, caller: reached.caller.key, now: reached.facts.now),
            case .allow(let allowed) = reached.mayStill(.task(task.tool), in: understood.version, refusals)
        else {
            throw Refusal(
                step: refusals.malformed(
                    MCPError(.invalidParams, "Task not found"), id: message.id, era: era, reason: .foreignTask))
        }
        permit = allowed
        if operation == .update {
            let asked = task.asked.filter { reached.serverRequests.contains($0.value) }
            guard InputRequired.answers(message.params?["inputResponses"]?.object ?? JSONObject(), to: asked) else {
                throw Refusal(
                    step: refusals.malformed(
                        MCPError(.invalidParams, "`inputResponses` answers what was not asked"), id: message.id,
                        era: era, reason: .foreignState, aim: permit.aim))
            }
        }
    case .response(let id):
        guard let session = understood.session, let kind = tables.sessions.asked(id, in: session.id) else {
            // Nobody asked: there is nobody to tell.
            throw Refusal(step: .answer(Answer(status: 202)))
        }
        if !reached.serverRequests.contains(kind) { message = ServerMessage.refusal(of: id, method: kind.method) }
        if case .result(_, let result) = message, result.object == nil {
            message = ServerMessage.refusal(of: id, method: kind.method)
        }
    case .listen(var listening):
        // What may not be read is not reported, and not told apart from what is not there.
        let lists = reached.lists(in: understood.version)
        listening.resources.removeAll { !lists.shows($0, .resources) }
        listening.tasks.removeAll { id in
            !lists.shows(
                task: id, of: reached.caller.key, server: reached.name, tables, now: reached.facts.now)
        }
        message.params?["notifications"] = listening.json
        action = .listen(listening)
    default: break
    }
    return nil
}

extension Forwarding {
    /// Takes the question that the message answers, once the answer's line is written: what was refused on the way, by a rate
    /// or for want of a journal, may be answered again, and of two answers one goes on.
    ///
    /// - Returns: false when somebody else's answer went on since, or the call that asked is over.
    package func claim(_ tables: Tables) -> Bool {
        guard case .message(.response(let id), _) = content, let session else { return true }
        return tables.sessions.answer(id, in: session.id) != nil
    }
}

/// What the client carried for the server is the server's own again, if it is this caller's and this call's.
private func unseal(
    _ message: inout MCPMessage, _ action: MCPAction, _ era: Era, _ reached: Reached, _ tables: Tables,
    _ refusals: Refusals, _ aim: Aim
) throws(Refusal) -> String? {
    guard let params = message.params else { return nil }
    let sealed = params["requestState"]?.string
    let responses = params["inputResponses"]?.object
    message.params?["requestState"] = nil
    guard era == .stateless else {
        message.params?["inputResponses"] = nil
        return nil
    }
    guard sealed != nil || responses != nil else { return nil }
    let retry = sealed.flatMap {
        tables.sealed.retry(
            $0, of: action, caller: reached.caller.key, server: reached.name, now: reached.facts.now)
    }
    guard let retry else {
        throw Refusal(
            step: refusals.malformed(
                .foreignState, id: message.id, era: era, reason: .foreignState, aim: aim))
    }
    let asked = retry.asked.filter { reached.serverRequests.contains($0.value) }
    guard InputRequired.answers(responses ?? JSONObject(), to: asked) else {
        throw Refusal(
            step: refusals.malformed(
                MCPError(.invalidParams, "`inputResponses` answers what was not asked"), id: message.id, era: era,
                reason: .foreignState, aim: aim))
    }
    message.params?["requestState"] = retry.upstream.map(JSON.string)
    return retry.held
}

extension MCPError {
    /// For the state of another caller or call, and for one that nothing waits for any more.
    static var foreignState: MCPError {
        MCPError(
            .invalidParams, "`requestState` is not of this call, or too old", hint: "call again without it")
    }
}

extension Reached {
    /// Whether what was begun may go on; its arguments, which were judged when it began, are left open.
    func mayStill(_ aim: Aim, in version: ProtocolVersion, _ refusals: Refusals) -> Decision {
        guard let capability = aim.subject, view.catalog?.offers(capability) ?? false else {
            return .deny(Denial(.notInCatalog))
        }
        var facts = facts(of: capability, in: version)
        facts.arguments = .unbound
        refusals.note(facts)
        return decide(Request(caller: caller, aim: aim, facts: facts), under: server.ruleset)
    }

    /// Whether an open stream may stay so: one that replays an answer, as long as that call would still be allowed.
    func mayGoOn(with forwarding: Forwarding, _ refusals: Refusals) -> Bool {
        guard case .stream(let resumption?) = forwarding.content, let aim = resumption.action?.aim, case .use = aim
        else {
            return true
        }
        return mayStill(aim, in: forwarding.version, refusals).isAllowed
    }
}

/// Holds a tool's arguments to `egress` and `checks`.
/// - Returns: what a check found that is only reported.
func checkArguments(
    _ tool: String, _ arguments: JSONObject, _ policy: EffectivePolicy, _ id: RequestID?, _ era: Era, _ aim: Aim,
    _ refusals: Refusals
) throws(Refusal) -> String? {
    if let violation = EgressRules.violation(policy.egress, tool: tool, arguments: arguments) {
        throw Refusal(
            step: refusals.malformed(
                MCPError(.invalidParams, violation), id: id, era: era, reason: .egress, aim: aim))
    }
    let findings = ArgumentChecks.findings(policy.checks, tool: tool, arguments: arguments)
    guard let first = findings.first else { return nil }
    guard first.then == .report else {
        throw Refusal(
            step: refusals.malformed(
                MCPError(.invalidParams, "refused by a check: \(first.text)"), id: id, era: era,
                reason: .argumentCheck, aim: aim))
    }
    return "found: " + findings.prefix(5).map(\.text).joined(separator: ", ")
}
