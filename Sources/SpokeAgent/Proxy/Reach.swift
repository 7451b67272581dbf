import MCP
import Model
import Trust

/// A caller at a server that they may reach.
struct Reached {
    var endpoint: Endpoint
    var caller: Caller
    var server: Snapshot.PlacedServer
    var view: ServerView
    var facts: Facts
    var permit: Permit

    /// The server's short name.
    var name: String { endpoint.server }

    var serverRequests: [ServerRequestKind] { server.policy.serverRequests ?? [] }

    func lists(in version: ProtocolVersion) -> ListView {
        ListView(caller: caller, facts: facts, ruleset: server.ruleset, view: view, version: version)
    }

    /// What is known of a call of that tool, prompt or resource, its arguments aside.
    func facts(of capability: Capability, in version: ProtocolVersion) -> Facts {
        var facts = facts
        guard capability.kind == .tool else { return facts }
        facts.readOnly = view.catalog?.tool(capability.name)?.readOnlyHint
        if server.ruleset.pinning != nil {
            facts.definitions = view.definitions.digests(of: capability.name, in: version)
        }
        return facts
    }

    /// - Parameter policy: the server's, with what rules bound besides; nil for the server's alone.
    func forwarding(
        _ content: Forwarding.Content, _ exchange: Exchange, version: ProtocolVersion, session: Session?,
        mirrored: MirroredParameters? = nil, policy: EffectivePolicy? = nil, ticket: Concurrency.Ticket,
        record: DecisionRecord,
        resumes: String? = nil
    ) -> Forwarding {
        Forwarding(
            content: content, server: name, caller: caller.key, owner: caller, version: version, session: session,
            mirrored: mirrored,
            headers: exchange.forwardedHeaders(removing: server.policy.removedRequestHeaders),
            policy: policy ?? server.policy, filter: lists(in: version), ticket: ticket, record: record,
            acceptsStream: HeaderRules.acceptsStream(exchange.head.headers), resumes: resumes)
    }
}

/// Who it is, and whether they may be here and go there. Asked for every request, and again, quietly, while a stream is open.
func reach(
    _ exchange: Exchange, _ snapshot: Snapshot, _ tables: Tables, _ refusals: Refusals, _ now: Instant
) throws(Refusal) -> Reached {
    switch exchange.credential {
    case .certificate(let peer):
        do throws(TrustError) {
            try snapshot.verifier.recheck(peer, now: now)
        } catch { throw Refusal(step: refusals.nothingHere(.identityRevoked, error.code)) }
    case .token(let token):
        guard now < token.expires else {
            throw Refusal(step: refusals.nothingHere(.identityRevoked, "token-expired"))
        }
    }
    let caller = exchange.caller
    if !refusals.isQuiet, let wait = tables.attempts.attempt(caller: caller.account, now: now) {
        throw Refusal(step: refusals.plain(.attempts, wait: wait))
    }
    // A person's, a robot's, a spoke's or the hub's certificate is nobody's that rules are written for: taken for a
    // workload, `anyone` would allow it, and a deny of the person would not match.
    if case .certificate(let peer) = exchange.credential, !snapshot.isClient(peer.id) {
        throw Refusal(step: refusals.nothingHere(.notAClient, peer.id.kind))
    }
    // A server that is not placed here and one that the caller may not reach look the same.
    guard let endpoint = Endpoint(exchange.head.target), let server = snapshot.servers[endpoint.server],
        let view = tables.views[endpoint.server]
    else { throw Refusal(step: refusals.nothingHere(.unknownServer, nil)) }
    refusals.name(server)
    let facts = Facts(
        now: now, address: exchange.address,
        freshness: server.policy.stale.freshness(issued: snapshot.delivery.leaseIssued, now: now))
    if facts.freshness == .expired {
        // Who could not reach it in better times does not learn now that it is there.
        var fresh = facts
        fresh.freshness = .fresh
        if case .deny(let denial) = decide(Request(caller: caller, aim: .reach, facts: fresh), under: server.ruleset) {
            throw Refusal(step: refusals.nothingHere(denial))
        }
        refusals.freshness = .expired
        throw Refusal(step: refusals.plain(.stale, "no lease in time"))
    }
    refusals.freshness = facts.freshness
    switch decide(Request(caller: caller, aim: .reach, facts: facts), under: server.ruleset) {
    case .allow(let permit):
        return Reached(
            endpoint: endpoint, caller: caller, server: server, view: view, facts: facts, permit: permit)
    case .deny(let denial): throw Refusal(step: refusals.nothingHere(denial))
    }
}

/// What the message says, in the version that headers and body name together.
func read(
    _ exchange: Exchange, _ reached: Reached, _ tables: Tables, _ refusals: Refusals
) throws(Refusal) -> Understood {
    var era: Era?
    var message: MCPMessage?
    let parsed: MCPMessage
    let id: String?
    let session: Session?
    let version: ProtocolVersion
    let action: MCPAction
    do throws(MCPError) {
        parsed = try MCPMessage(
            parsing: exchange.body, maximumBytes: Int(reached.server.policy.requestBody.count))
        message = parsed
        id = try exchange.head.headers.only("Mcp-Session-Id")
        // `initialize` begins a session, whatever other one it names.
        session =
            parsed.method == "initialize"
            ? nil
            : id.flatMap {
                tables.sessions.find($0, caller: reached.caller.key, server: reached.name, now: reached.facts.now)
            }
        version = try EraRules.version(of: parsed, headers: exchange.head.headers, negotiated: session?.version)
        era = version.era
        action = try MCPAction(parsed, version: version)
    } catch {
        throw Refusal(
            step: refusals.malformed(
                error, id: message?.id, era: era ?? HeaderRules.era(exchange.head), message: message))
    }
    // A session of another caller does not exist.
    if version.era == .handshake, id != nil, session == nil, !action.isInitialize {
        throw Refusal(step: refusals.plain(.foreignSession, id: parsed.id))
    }
    guard let kept = parsed.understood(as: action) else {
        throw Refusal(step: refusals.unsupported(action, parsed.id, version.era))
    }
    return Understood(
        message: CapabilityStripping.strip(kept, keeping: reached.serverRequests), action: action, version: version,
        session: version.era == .handshake ? session : nil)
}
