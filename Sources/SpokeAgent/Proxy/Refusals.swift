import MCP
import Model

/// Every way in which one request is refused: the caller learns as little as it takes to act on, the journal the reason.
final class Refusals {
    private let exchange: Exchange
    private let snapshot: Snapshot?
    private let attempts: AttemptLimit
    private let now: Instant
    /// Whether nobody attempted anything, so that nothing counts: an open stream is looked at.
    let isQuiet: Bool
    private var server: Snapshot.PlacedServer?
    /// What `decide` was told besides what every line holds, so that a line can be replayed.
    var freshness = Freshness.fresh
    private var readOnly: Bool?
    private var definition: String?

    init(
        _ exchange: Exchange, _ snapshot: Snapshot?, _ attempts: AttemptLimit, _ now: Instant, isQuiet: Bool = false
    ) {
        self.isQuiet = isQuiet
        self.exchange = exchange
        self.snapshot = snapshot
        self.attempts = attempts
        self.now = now
    }

    /// From here on it is known what the request is for.
    func name(_ server: Snapshot.PlacedServer) { self.server = server }

    /// What is known of the tool that is called.
    func note(_ facts: Facts) {
        readOnly = facts.readOnly
        definition = facts.definitions.isEmpty ? nil : facts.definitions.joined(separator: "+")
    }

    // MARK: the answers

    /// For an unknown server and for one that the caller may not reach, alike.
    func nothingHere(_ denial: Denial) -> Step { nothingHere(denial.reason, denial.detail, rule: denial.rule) }

    func nothingHere(_ reason: DenyReason, _ detail: String?, rule: String? = nil) -> Step {
        let body = JSONRPCErrors.body(id: nil, code: JSONRPCErrors.invalidRequest, message: "Not Found")
        return answer(404, body, denied(reason, .reach, detail, rule: rule))
    }

    /// By the row of the reason.
    func plain(
        _ reason: DenyReason, _ detail: String? = nil, aim: Aim = .reach, id: RequestID? = nil,
        wait: Milliseconds? = nil
    ) -> Step {
        guard var answer = Answer(refusing: reason, id: id, wait: wait) else { return nothingHere(reason, detail) }
        answer.denied = denied(reason, aim, detail)
        return .answer(answer)
    }

    func badHeaders(_ problem: (status: Int, message: String)) -> Step {
        let body = JSONRPCErrors.body(id: nil, code: JSONRPCErrors.invalidRequest, message: problem.message)
        return answer(problem.status, body, denied(.malformed, .reach, problem.message))
    }

    func methodNotAllowed(_ allowed: String = "GET, POST, DELETE") -> Step {
        let body = JSONRPCErrors.body(id: nil, code: JSONRPCErrors.invalidRequest, message: "Method Not Allowed")
        return answer(405, body, nil, [Answer.Field("Allow", allowed)])
    }

    /// - Parameters:
    ///   - reason: of the row `by error`.
    ///   - aim: what it was for, where that is known.
    func malformed(
        _ error: MCPError, id: RequestID?, era: Era?, message: MCPMessage? = nil, reason: DenyReason = .malformed,
        aim: Aim = .reach
    ) -> Step {
        let requested = message?.meta?[EraRules.versionKey]?.string
        let (status, message) = JSONRPCErrors.answer(error, id: id, era: era, requested: requested)
        return .answer(
            Answer(status: status, message, denied: denied(reason, aim, "\(error.code): \(error.message)")))
    }

    func unsupported(_ action: MCPAction, _ id: RequestID?, _ era: Era) -> Step {
        let record = denied(.unsupported, .reach, "\(action)".prefix(80).description)
        guard id != nil else { return .answer(Answer(status: 202, denied: record)) }
        let (status, message) = JSONRPCErrors.answer(MCPError(.methodNotFound, "Method not found"), id: id, era: era)
        return .answer(Answer(status: status, message, denied: record))
    }

    /// What this upstream answers for a name that it does not have.
    func unknownName(
        _ denial: Denial, _ aim: Aim, _ capability: Capability?,
        _ understood: Understood, _ view: ServerView
    ) -> Step {
        let record = denied(denial.reason, aim, denial.detail, rule: denial.rule)
        guard let capability, let id = understood.message.id else {
            return .answer(Answer(status: 202, denied: record))
        }
        let unknown = view.unknownAnswer(capability.kind, understood.version.era)
        let (status, message) = unknown.answer(name: capability.name, id: id)
        return .answer(Answer(status: status, message, denied: record))
    }

    // MARK: the journal

    private func answer(
        _ status: Int, _ body: [UInt8], _ record: DecisionRecord?, _ headers: [Answer.Field] = []
    ) -> Step {
        let headers = [Answer.Field("Content-Type", "application/json")] + headers
        return .answer(Answer(status: status, headers: headers, body: body, denied: record))
    }

    private func denied(_ reason: DenyReason, _ aim: Aim, _ detail: String?, rule: String? = nil) -> DecisionRecord {
        if reason != .attempts, !isQuiet { attempts.deny(caller: exchange.caller.account, now: now) }
        return DecisionRecord(
            number: 0, at: now, caller: exchange.caller.key, address: exchange.address?.description,
            server: serverName, aim: aim.description, verdict: .deny, reason: reason.rawValue, rule: rule,
            detail: detail.map { String($0.prefix(300)) }, revision: snapshot?.revision,
            bundle: snapshot?.delivery.digest, freshness: freshness == .fresh ? nil : freshness, readOnly: readOnly,
            definition: definition, trace: exchange.trace?.trace)
    }

    /// The line that has to be with the kernel before the call goes anywhere.
    /// - Parameter detail: what is worth a look though the call goes on.
    func record(_ permit: Permit, detail: String? = nil) -> DecisionRecord {
        var record = DecisionRecord(
            number: 0, at: now, caller: exchange.caller.key, address: exchange.address?.description,
            server: permit.server, aim: permit.aim.description, verdict: .allow,
            rule: permit.ruleText, principal: permit.principalText, detail: detail,
            revision: permit.revision, bundle: snapshot?.delivery.digest,
            freshness: freshness == .fresh ? nil : freshness, readOnly: readOnly, definition: definition,
            trace: exchange.trace?.trace)
        guard let denial = permit.wouldDeny else { return record }
        record.verdict = .wouldDeny
        record.reason = denial.reason.rawValue
        record.rule = denial.rule
        record.principal = nil
        record.detail = denial.detail.map { String($0.prefix(300)) }
        return record
    }

    private var serverName: String {
        server?.name ?? String((Endpoint.server(exchange.head.target) ?? exchange.head.path).prefix(100))
    }
}
