import MCP
import Model
import Trust

/// What the pipeline counts and looks up; shared by all event loops.
package struct Tables: Sendable {
    package var attempts = AttemptLimit()
    package var rates = RateLimiter()
    package var concurrency = Concurrency()
    package var sessions = SessionTable()
    package var views = ServerViews()

    package init() {}
}

/// A message that was read, and what it belongs to.
struct Understood {
    /// Only what was understood of it, without the client's capabilities.
    var message: MCPMessage
    var action: MCPAction
    var version: ProtocolVersion
    var session: Session?
}

/// Judges one request: the whole order of it stands here, from top to bottom. What is forwarded holds a `Permit`, and only
/// `decide` makes one; whatever is not forwarded is answered here, and the last word is no.
package func judge(_ exchange: Exchange, under snapshot: Snapshot?, _ tables: Tables, now: Instant) -> Step {
    let refusals = Refusals(exchange, snapshot, tables.attempts, now)

    // Who it is, and whether they may still be here.
    guard let snapshot else { return refusals.plain(.noBundle, "no bundle has come yet") }
    do throws(TrustError) {
        try snapshot.verifier.recheck(exchange.peer, now: now)
    } catch { return refusals.nothingHere(.identityRevoked, error.code) }
    let caller = exchange.caller
    if let wait = tables.attempts.attempt(caller: caller.key, now: now) { return refusals.plain(.attempts, wait: wait) }
    // A person's, a robot's, a spoke's or the hub's certificate is nobody's that rules are written for: taken for a
    // workload, `anyone` would allow it, and a deny of the person would not match.
    guard snapshot.isClient(exchange.peer.id) else {
        return refusals.nothingHere(.notAClient, exchange.peer.id.kind)
    }

    // Where it goes. A server that is not placed here and one that the caller may not reach look the same.
    guard let name = Endpoint.server(exchange.head.target), let server = snapshot.servers[name],
        let view = tables.views[name]
    else { return refusals.nothingHere(.unknownServer, nil) }
    refusals.name(server)
    let facts = Facts(
        now: now, address: exchange.address,
        freshness: server.policy.stale.freshness(issued: snapshot.delivery.leaseIssued, now: now))
    if facts.freshness == .expired {
        // Who could not reach it in better times does not learn now that it is there.
        var fresh = facts
        fresh.freshness = .fresh
        if case .deny(let denial) = decide(Request(caller: caller, aim: .reach, facts: fresh), under: server.ruleset) {
            return refusals.nothingHere(denial)
        }
        refusals.freshness = .expired
        return refusals.plain(.stale, "no lease in time")
    }
    refusals.freshness = facts.freshness
    let reach: Permit
    switch decide(Request(caller: caller, aim: .reach, facts: facts), under: server.ruleset) {
    case .allow(let permit): reach = permit
    case .deny(let denial): return refusals.nothingHere(denial)
    }

    // What it says, read once and strictly.
    if let problem = HeaderRules.problem(exchange.head) { return refusals.badHeaders(problem) }
    guard exchange.body.count <= server.policy.requestBody.count else { return refusals.plain(.tooLarge) }
    if exchange.head.method == "DELETE" {
        return judgeEndOfSession(exchange, reach, server, facts, view, refusals, tables)
    }
    guard exchange.head.method == "POST" else { return refusals.methodNotAllowed() }
    var era: Era?
    var message: MCPMessage?
    let understood: Understood
    do throws(MCPError) {
        let parsed = try MCPMessage(parsing: exchange.body, maximumBytes: Int(server.policy.requestBody.count))
        message = parsed
        let id = try exchange.head.headers.only("Mcp-Session-Id")
        // `initialize` begins a session, whatever other one it names.
        let session =
            parsed.method == "initialize"
            ? nil : id.flatMap { tables.sessions.find($0, caller: caller.key, server: name, now: now) }
        let version = try EraRules.version(of: parsed, headers: exchange.head.headers, negotiated: session?.version)
        era = version.era
        let action = try MCPAction(parsed, version: version)
        // A session of another caller does not exist.
        if version.era == .handshake, id != nil, session == nil, !action.isInitialize {
            return refusals.plain(.foreignSession, id: parsed.id)
        }
        guard let kept = parsed.understood(as: action) else {
            return refusals.unsupported(action, parsed.id, version.era)
        }
        understood = Understood(
            message: CapabilityStripping.strip(kept), action: action, version: version,
            session: version.era == .handshake ? session : nil)
    } catch {
        return refusals.malformed(error, id: message?.id, era: era ?? HeaderRules.era(exchange.head), message: message)
    }
    let action = understood.action
    switch Disposition(action) {
    case .serve: break
    case .swallow: return .answer(Answer(status: 202))
    case .refuse: return refusals.unsupported(action, understood.message.id, understood.version.era)
    }

    // Whether it is allowed. A name that this upstream does not have is no name to decide on.
    var permit = reach
    var definition: JSON?
    if let aim = action.aim {
        guard let catalog = view.catalog else {
            return refusals.plain(.catalogUnknown, view.detail, aim: aim, id: understood.message.id)
        }
        var facts = facts
        if case .completion(let template) = aim, catalog.resourceTemplates[template] == nil {
            return refusals.unknownName(
                Denial(.notInCatalog), aim, Capability(.resource, template), understood, view)
        }
        if case .use(let capability) = aim {
            guard catalog.offers(capability) else {
                return refusals.unknownName(Denial(.notInCatalog), aim, capability, understood, view)
            }
            let tool = capability.kind == .tool ? catalog.tool(capability.name) : nil
            facts.readOnly = tool?.readOnlyHint
            facts.definition = tool?.digest(under: server.ruleset)
            refusals.readOnly = tool?.readOnlyHint
            definition = tool?.definition
        }
        facts.arguments = action.decidedArguments
        switch decide(Request(caller: caller, aim: aim, facts: facts), under: server.ruleset) {
        case .allow(let allowed): permit = allowed
        case .deny(let denial): return refusals.unknownName(denial, aim, aim.capability, understood, view)
        }
    }
    if understood.version.era == .stateless, case .callTool(_, let arguments) = action, let definition {
        do throws(MCPError) {
            try EraRules.checkParameters(exchange.head.headers, arguments: arguments, definition: definition)
        } catch { return refusals.malformed(error, id: understood.message.id, era: .stateless) }
    }

    // Whether it is too much.
    let policy = permit.limits.reduce(server.policy) { $0.bounded(by: $1.limits) }
    guard exchange.body.count <= policy.requestBody.count else {
        return refusals.plain(.tooLarge, aim: permit.aim, id: understood.message.id)
    }
    let ticket: Concurrency.Ticket
    do throws(Refusal) {
        ticket = try admit(caller, server, permit, understood.message.id, refusals, tables, now)
    } catch { return error.step }

    // The caller of this function writes `record` and forwards only once that is done.
    return .forward(
        permit,
        Forwarding(
            content: .message(action, understood.message), server: name, caller: caller.key,
            version: understood.version,
            session: understood.session, definition: definition,
            headers: exchange.forwardedHeaders(removing: server.policy.removedRequestHeaders),
            policy: policy,
            filter: ListView(caller: caller, facts: facts, ruleset: server.ruleset, catalog: view.catalog),
            ticket: ticket, record: refusals.record(permit),
            acceptsStream: HeaderRules.acceptsStream(exchange.head.headers)))
}

private struct Refusal: Error { var step: Step }

/// Takes one call of the caller's rates, then one place among its calls under way: the server's, and those of the rules that
/// speak about the call.
private func admit(
    _ caller: Caller, _ server: Snapshot.PlacedServer, _ permit: Permit, _ id: RequestID?, _ refusals: Refusals,
    _ tables: Tables, _ now: Instant
) throws(Refusal) -> Concurrency.Ticket {
    let scopes = permit.limits.map { (name: "\(server.name) \($0.scope)", limits: $0.limits) }
    let rates =
        [(name: server.name, rates: server.policy.rates)]
        + scopes.compactMap { scope in scope.limits.rate.map { (name: scope.name, rates: [$0]) } }
    // Looked at first, so that what one bucket refuses costs nothing in the others.
    let waits = rates.compactMap { tables.rates.wait(caller: caller.key, server: $0.name, $0.rates, now: now) }
    let taken =
        waits.isEmpty
        ? rates.compactMap { tables.rates.take(caller: caller.key, server: $0.name, $0.rates, now: now) } : waits
    if let wait = taken.max() {
        throw Refusal(step: refusals.plain(.rate, aim: permit.aim, id: id, wait: wait))
    }
    let places =
        [(server: server.name, limit: server.policy.concurrency)]
        + scopes.compactMap { scope in scope.limits.concurrency.map { (server: scope.name, limit: $0) } }
    guard let ticket = tables.concurrency.enter(caller: caller.key, places) else {
        throw Refusal(step: refusals.plain(.concurrency, aim: permit.aim, id: id))
    }
    return ticket
}

/// `DELETE` ends a session of the handshake era; whoever may reach the server may end a session of their own.
private func judgeEndOfSession(
    _ exchange: Exchange, _ permit: Permit, _ server: Snapshot.PlacedServer, _ facts: Facts, _ view: ServerView,
    _ refusals: Refusals, _ tables: Tables
) -> Step {
    guard let id = exchange.head.headers["Mcp-Session-Id"] else { return refusals.methodNotAllowed() }
    let caller = exchange.caller
    let name = Endpoint.server(exchange.head.target) ?? ""
    guard let session = tables.sessions.find(id, caller: caller.key, server: name, now: facts.now) else {
        return refusals.plain(.foreignSession)
    }
    let ticket: Concurrency.Ticket
    do throws(Refusal) {
        ticket = try admit(caller, server, permit, nil, refusals, tables, facts.now)
    } catch { return error.step }
    tables.sessions.remove(id)
    return .forward(
        permit,
        Forwarding(
            content: .endSession, server: name, caller: caller.key, version: session.version, session: session,
            definition: nil,
            headers: exchange.forwardedHeaders(removing: server.policy.removedRequestHeaders),
            policy: server.policy,
            filter: ListView(caller: caller, facts: facts, ruleset: server.ruleset, catalog: view.catalog),
            ticket: ticket, record: refusals.record(permit), acceptsStream: false))
}
