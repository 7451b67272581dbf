import MCP
import Model

/// Takes one call of the caller's rates, then one place among its calls under way: the server's, and those of the rules that
/// speak about the call; or a place among its streams.
func admit(
    _ reached: Reached, _ permit: Permit, _ id: RequestID?, isStream: Bool, isUpkeep: Bool = false, _ tables: Tables,
    _ refusals: Refusals
) throws(Refusal) -> Concurrency.Ticket {
    let caller = reached.caller.account
    let server = reached.server
    let now = reached.facts.now
    let scopes = permit.limits.map { (name: "\(server.name) \($0.scope)", limits: $0.limits) }
    let rates =
        [(name: server.name, rates: server.policy.rates)]
        + scopes.compactMap { scope in scope.limits.rate.map { (name: scope.name, rates: [$0]) } }
    // Looked at first, so that what one bucket refuses costs nothing in the others.
    let waits =
        rates.count == 1
        ? [] : rates.compactMap { tables.rates.wait(caller: caller, server: $0.name, $0.rates, now: now) }
    let taken =
        waits.isEmpty
        ? rates.compactMap { tables.rates.take(caller: caller, server: $0.name, $0.rates, now: now) } : waits
    if let wait = taken.max() {
        throw Refusal(step: refusals.plain(.rate, aim: permit.aim, id: id, wait: wait))
    }
    if isStream {
        guard let ticket = tables.streams.enter(caller: caller, server: "", limit: tables.limits.streamsPerCaller)
        else {
            throw Refusal(step: refusals.plain(.streams, aim: permit.aim, id: id))
        }
        return ticket
    }
    // What a call under way waits for must not wait for its place.
    let places =
        isUpkeep
        ? []
        : [(server: server.name, limit: server.policy.concurrency)]
            + scopes.compactMap { scope in scope.limits.concurrency.map { (server: scope.name, limit: $0) } }
    guard let ticket = tables.concurrency.enter(caller: caller, places) else {
        throw Refusal(step: refusals.plain(.concurrency, aim: permit.aim, id: id))
    }
    return ticket
}

/// The session that a request without a body belongs to. Nil where it names none.
private func session(
    _ exchange: Exchange, _ reached: Reached, _ tables: Tables, _ refusals: Refusals
) throws(Refusal) -> Session? {
    let named: String?
    do throws(MCPError) { named = try exchange.head.headers.only("Mcp-Session-Id") } catch {
        throw Refusal(step: refusals.malformed(error, id: nil, era: .handshake))
    }
    guard let named else { return nil }
    guard
        let found = tables.sessions.find(
            named, caller: reached.caller.key, server: reached.name, now: reached.facts.now)
    else { throw Refusal(step: refusals.plain(.foreignSession)) }
    let version = exchange.head.headers[EraRules.versionHeader]
    guard version == nil || version == found.version.rawValue else {
        throw Refusal(
            step: refusals.malformed(
                MCPError(.eraMismatch, "the session speaks \(found.version.rawValue)"), id: nil, era: .handshake))
    }
    return found
}

/// `DELETE` ends a session of the handshake era; whoever may reach the server may end a session of their own.
func judgeEndOfSession(
    _ exchange: Exchange, _ reached: Reached, _ tables: Tables, _ refusals: Refusals
) throws(Refusal) -> Step {
    guard let session = try session(exchange, reached, tables, refusals) else { return refusals.methodNotAllowed() }
    let ticket = try admit(reached, reached.permit, nil, isStream: false, tables, refusals)
    tables.sessions.remove(session.id)
    return .forward(
        reached.permit,
        reached.forwarding(
            .endSession, exchange, version: session.version, session: session, ticket: ticket,
            record: refusals.record(reached.permit)))
}

/// `GET` opens a session's own stream, or takes one up again behind an event. What the replayed answer answers is decided on
/// anew: what one could read an hour ago is no reason to read it now.
func judgeStream(
    _ exchange: Exchange, _ reached: Reached, _ tables: Tables, _ refusals: Refusals
) throws(Refusal) -> Step {
    // The stateless era has no such stream (2026-07-28, basic/transports/streamable-http), nor has who began no session.
    guard HeaderRules.era(exchange.head) != .stateless,
        let session = try session(exchange, reached, tables, refusals)
    else { return refusals.methodNotAllowed() }
    guard HeaderRules.acceptsStream(exchange.head.headers) else {
        return refusals.badHeaders((406, "the answer would be `text/event-stream`"))
    }
    var resumption: Resumption?
    var permit = reached.permit
    if let event = exchange.head.headers["Last-Event-ID"] {
        guard let found = tables.sealed.resumption(event, in: session) else {
            return refusals.plain(.foreignSession, "Last-Event-ID")
        }
        if let aim = found.action?.aim, case .use = aim {
            guard case .allow(let allowed) = reached.mayStill(aim, in: session.version, refusals) else {
                return refusals.plain(.foreignSession, "Last-Event-ID")
            }
            permit = allowed
        }
        resumption = found
    }
    let ticket = try admit(reached, permit, nil, isStream: true, tables, refusals)
    return .forward(
        permit,
        reached.forwarding(
            .stream(resumption), exchange, version: session.version, session: session,
            policy: permit.limits.reduce(reached.server.policy) { $0.bounded(by: $1.limits) }, ticket: ticket,
            record: refusals.record(permit)))
}

/// `GET` of `/SERVER/sse` opens the stream of a client of HTTP+SSE. Reaching the server is all that it takes: what comes on it is
/// decided with what the client posts.
func judgeLegacyStream(
    _ exchange: Exchange, _ reached: Reached, _ tables: Tables, _ refusals: Refusals
) throws(Refusal) -> Step {
    guard exchange.head.method == "GET" else { return refusals.methodNotAllowed("GET") }
    guard HeaderRules.acceptsStream(exchange.head.headers) else {
        return refusals.badHeaders((406, "the answer would be `text/event-stream`"))
    }
    let ticket = try admit(reached, reached.permit, nil, isStream: true, tables, refusals)
    return .forward(
        reached.permit,
        reached.forwarding(
            .legacyStream, exchange, version: .v20241105, session: nil, ticket: ticket,
            record: refusals.record(reached.permit)))
}

/// A batch of 2025-03-26 is as many requests as it holds messages; each is judged, counted and written down by itself.
func judgeBatch(
    _ exchange: Exchange, _ reached: Reached, _ tables: Tables, _ refusals: Refusals
) throws(Refusal) -> Step {
    let session = try session(exchange, reached, tables, refusals)
    let named = exchange.head.headers[EraRules.versionHeader].map(ProtocolVersion.init) ?? session?.version ?? .assumed
    let bodies: [[UInt8]]
    do throws(MCPError) {
        guard named == .v20250326 else { throw MCPError(.batch, "JSON-RPC batches are of 2025-03-26 only") }
        bodies = try Batch.elements(
            exchange.body, maximumBytes: Int(reached.server.policy.requestBody.count))
    } catch { return refusals.malformed(error, id: nil, era: HeaderRules.era(exchange.head)) }
    return .batch(
        bodies.map { body in
            var element = exchange
            element.body = body
            // One body answers all, so none of them is a stream.
            element.head.headers.set("Accept", "application/json")
            return element
        })
}
