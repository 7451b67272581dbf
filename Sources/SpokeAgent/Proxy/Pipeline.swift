import MCP
import Model
import Trust

/// What the pipeline counts and looks up; shared by all event loops.
package struct Tables: Sendable {
    package var attempts = AttemptLimit()
    package var rates = RateLimiter()
    package var concurrency = Concurrency()
    /// Of streams, whichever server they are of.
    package var streams = Concurrency()
    package var sessions = SessionTable()
    package var tasks = TaskTable()
    package var views = ServerViews()
    package var sealed: SealedState
    package var limits: ListenerLimits

    /// - Throws: `no-randomness`.
    package init(limits: ListenerLimits = ListenerLimits()) throws(TrustError) {
        sealed = SealedState(try SealingKey())
        self.limits = limits
    }
}

/// A message that was read, and what it belongs to.
struct Understood {
    /// Only what was understood of it, without the client's capabilities but for those that servers may use.
    var message: MCPMessage
    var action: MCPAction
    var version: ProtocolVersion
    var session: Session?
}

/// Judges one request: the whole order of it stands here, from top to bottom. What is forwarded holds a `Permit`, and only
/// `decide` makes one; whatever is not forwarded is answered here, and the last word is no.
package func judge(_ exchange: Exchange, under snapshot: Snapshot?, _ tables: Tables, now: Instant) -> Step {
    let refusals = Refusals(exchange, snapshot, tables.attempts, now)
    do throws(Refusal) {
        return try judged(exchange, snapshot, tables, refusals, now)
    } catch { return error.step }
}

struct Refusal: Error { var step: Step }

private func judged(
    _ exchange: Exchange, _ snapshot: Snapshot?, _ tables: Tables, _ refusals: Refusals, _ now: Instant
) throws(Refusal) -> Step {
    // Who it is, where it goes, and whether they may go there at all.
    guard let snapshot else { return refusals.plain(.noBundle, "no bundle has come yet") }
    let reached = try reach(exchange, snapshot, tables, refusals, now)
    let server = reached.server
    let facts = reached.facts
    let view = reached.view

    // What it says, read once and strictly.
    if let problem = HeaderRules.problem(exchange.head, tables.limits) { return refusals.badHeaders(problem) }
    // The listener for tokens has a name of its own, which its gate asks for.
    if case .certificate = exchange.credential, !tables.limits.serves(host: exchange.head.headers["Host"] ?? "") {
        return refusals.plain(.foreignHost)
    }
    guard exchange.body.count <= server.policy.requestBody.count else { return refusals.plain(.tooLarge) }
    switch reached.endpoint.kind {
    case .mcp: break
    case .events: return try judgeLegacyStream(exchange, reached, tables, refusals)
    case .messages(let stream):
        guard exchange.head.method == "POST" else { return refusals.methodNotAllowed("POST") }
        return .post(stream: stream)
    }
    switch exchange.head.method {
    case "POST": break
    case "GET": return try judgeStream(exchange, reached, tables, refusals)
    case "DELETE": return try judgeEndOfSession(exchange, reached, tables, refusals)
    default: return refusals.methodNotAllowed()
    }
    if Batch.isArray(exchange.body) { return try judgeBatch(exchange, reached, tables, refusals) }
    let understood = try read(exchange, reached, tables, refusals)
    var message = understood.message
    var action = understood.action
    let era = understood.version.era
    switch Disposition(action, serverRequests: reached.serverRequests) {
    case .serve: break
    case .swallow: return .answer(Answer(status: 202))
    case .refuse: return refusals.unsupported(action, message.id, era)
    }

    // Whether it is allowed. A name that this upstream does not have is no name to decide on.
    var permit = reached.permit
    var tool: Catalog.Tool?
    var remark: String?
    if let aim = action.aim {
        guard let catalog = view.catalog else {
            return refusals.plain(.catalogUnknown, view.detail, aim: aim, id: message.id)
        }
        var facts = facts
        if case .completion(let template) = aim, catalog.resourceTemplates[template] == nil {
            return refusals.unknownName(
                Denial(.notInCatalog), aim, Capability(.resource, template), understood, view)
        }
        if case .use(let capability) = aim {
            if capability.kind == .tool { tool = catalog.tool(capability.name) }
            guard tool != nil || catalog.offers(capability) else {
                return refusals.unknownName(Denial(.notInCatalog), aim, capability, understood, view)
            }
            facts = reached.facts(of: capability, in: understood.version)
            refusals.note(facts)
        }
        facts.arguments = action.decidedArguments
        switch decide(Request(caller: reached.caller, aim: aim, facts: facts), under: server.ruleset) {
        case .allow(let allowed): permit = allowed
        case .deny(let denial): return refusals.unknownName(denial, aim, aim.capability, understood, view)
        }
    }
    if case .callTool(let name, let arguments, _) = action {
        if era == .stateless, let tool {
            do throws(MCPError) {
                try EraRules.checkParameters(exchange.head.headers, arguments: arguments, mirrored: tool.mirrored)
            } catch { return refusals.malformed(error, id: message.id, era: .stateless) }
        }
        remark = try checkArguments(name, arguments, server.policy, message.id, era, permit.aim, refusals)
    }
    let resumes = try bind(&message, &action, &permit, understood, reached, tables, refusals)

    // Whether it is too much.
    let policy = permit.limits.reduce(server.policy) { $0.bounded(by: $1.limits) }
    guard exchange.body.count <= policy.requestBody.count else {
        return refusals.plain(.tooLarge, aim: permit.aim, id: message.id)
    }
    let isStream = if case .listen = action { true } else { false }
    let ticket = try admit(
        reached, permit, message.id, isStream: isStream, isUpkeep: action.isUpkeep || resumes != nil, tables,
        refusals)

    // The caller of this function writes `record` and forwards only once that is done.
    return .forward(
        permit,
        reached.forwarding(
            .message(action, message), exchange, version: understood.version, session: understood.session,
            mirrored: tool?.mirrored, policy: policy, ticket: ticket, record: refusals.record(permit, detail: remark),
            resumes: resumes))
}

extension MCPAction {
    /// A client's answer to what a server asked, or its cancellation: both belong to a call that has its place.
    fileprivate var isUpkeep: Bool {
        switch self {
        case .response, .cancelled: true
        default: false
        }
    }
}
