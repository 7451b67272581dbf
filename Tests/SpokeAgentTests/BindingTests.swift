import MCP
import Model
@testable import SpokeAgent
import TestSupport
import Testing
import Trust

/// What a caller was given belongs to that caller: each row has another one try it.
@Suite("what is bound to a caller")
struct BindingTests {
    private static let other = "spiffe://analytics.corp.example/client/stranger"
    private let fixture: SpokeFixture
    private let tables: Tables
    private let now = SpokeFixture.now

    init() throws {
        fixture = try SpokeFixture()
        tables = try SpokeFixture.tables()
    }

    private func snapshot(_ policy: Policy = Policy(), rules: [String] = ["*"]) throws -> Snapshot {
        try fixture.snapshot(
            try fixture.bundle(rules: [try SpokeFixture.rule("all", rules, to: ["zone:analytics"])], policy: policy))
    }

    private static let asks = Policy(serverRequests: [.elicitation])

    private func retry(_ state: String?, _ responses: JSON?, arguments: JSON = [:], by caller: String? = nil) throws
        -> Exchange
    {
        var params = JSONObject([("name", "read_entry"), ("arguments", arguments)])
        params["requestState"] = state.map(JSON.string)
        params["inputResponses"] = responses
        return try SpokeFixture.exchange(
            "tools/call", params, name: "read_entry", peer: try caller.map { try SpokeFixture.peer($0) })
    }

    @Test("a repeated call brings its state back: the caller's own, for this call, in time, with what was asked")
    func requestState() throws {
        let snapshot = try snapshot(Self.asks)
        let call = MCPAction.callTool(name: "read_entry", arguments: JSONObject([("account", "4711")]))
        let input = try InputRequired(
            JSONObject([
                ("requestState", "theirs"), ("inputRequests", ["k": ["method": "elicitation/create"]]),
            ]), allowing: [.elicitation])
        let state = try tables.sealed.requestState(
            input, of: call, caller: SpokeFixture.bot, server: "ledger", now: now)
        #expect(!state.contains("theirs"))
        let good: JSON = ["k": ["action": "accept"]]
        let arguments: JSON = ["account": "4711"]
        let accepted = judge(try retry(state, good, arguments: arguments), under: snapshot, tables, now: now)
        guard case .message(_, let message)? = accepted.forwarding?.content else {
            Issue.record("\(accepted)")
            return
        }
        #expect(message.params?["requestState"]?.string == "theirs")
        #expect(message.params?["inputResponses"] == good)

        let refused: [(Exchange, Snapshot, Instant)] = [
            (try retry(state, good, arguments: ["account": "4712"]), snapshot, now),
            (try retry(state, good, arguments: arguments, by: Self.other), snapshot, now),
            (try retry(state, good, arguments: arguments), snapshot, now + SealedState.lifetime),
            (try retry(state, ["other": ["action": "accept"]], arguments: arguments), snapshot, now),
            (try retry(state + "A", good, arguments: arguments), snapshot, now),
            (try retry("theirs", good, arguments: arguments), snapshot, now),
            (try retry(nil, good, arguments: arguments), snapshot, now),
            // What policy does not let servers ask any more is not answered any more.
            (try retry(state, good, arguments: arguments), try self.snapshot(), now),
        ]
        for (exchange, snapshot, moment) in refused {
            let answer = try #require(judge(exchange, under: snapshot, tables, now: moment).answer)
            #expect(answer.status == 400)
            #expect(answer.denied?.reason == DenyReason.foreignState.rawValue)
        }
        // And the call itself is decided anew.
        let revoked = try self.snapshot(Self.asks, rules: ["tool:write_entry"])
        let denied = judge(try retry(state, good, arguments: arguments), under: revoked, tables, now: now).answer
        #expect(denied?.denied?.reason == DenyReason.noRule.rawValue)
    }

    @Test("a task is its caller's, and only as long as its tool may be called")
    func tasks() throws {
        let snapshot = try snapshot()
        #expect(
            tables.tasks.add(
                "t-1", server: "ledger", BoundTask(caller: SpokeFixture.bot, tool: "read_entry", used: now)))
        let ask = { (id: String, method: String, caller: String?) in
            try SpokeFixture.exchange(
                method, JSONObject([("taskId", .string(id))]), name: id,
                peer: try caller.map { try SpokeFixture.peer($0) })
        }
        let own = judge(try ask("t-1", "tasks/get", nil), under: snapshot, tables, now: now)
        #expect(own.forwarding?.record.aim == "task:read_entry")
        var answers: Set<[UInt8]> = []
        for (exchange, snapshot, moment) in [
            (try ask("t-1", "tasks/get", Self.other), snapshot, now), (try ask("t-2", "tasks/get", nil), snapshot, now),
            (try ask("t-1", "tasks/get", nil), try self.snapshot(rules: ["tool:write_entry"]), now),
            (try ask("t-1", "tasks/cancel", Self.other), snapshot, now),
            (try ask("t-1", "tasks/get", nil), snapshot, now + BoundTasks.idle),
        ] {
            let answer = try #require(judge(exchange, under: snapshot, tables, now: moment).answer)
            #expect(answer.denied?.reason == DenyReason.foreignTask.rawValue)
            answers.insert(answer.body)
        }
        // Another's, none at all and one that may not be used any more are one answer.
        #expect(answers.count == 1)
        // A server that gives an id to a second caller cannot keep them apart.
        #expect(
            !tables.tasks.add("t-1", server: "ledger", BoundTask(caller: Self.other, tool: "read_entry", used: now)))
        #expect(
            tables.tasks.add("t-1", server: "vault", BoundTask(caller: Self.other, tool: "read_entry", used: now)))
    }

    private func session(_ id: String, of caller: String = SpokeFixture.bot, _ version: ProtocolVersion = .v20251125)
        -> Session
    {
        let session = Session(
            id: id, caller: caller, server: "ledger", version: version, upstream: "theirs-\(id)", used: now)
        _ = tables.sessions.add(session)
        return session
    }

    private func get(_ id: String?, event: String? = nil, by caller: String? = nil, version: String? = nil) throws
        -> Exchange
    {
        var headers = [("Accept", "text/event-stream")]
        if let id { headers.append(("Mcp-Session-Id", id)) }
        if let event { headers.append(("Last-Event-ID", event)) }
        if let version { headers.append(("MCP-Protocol-Version", version)) }
        return try SpokeFixture.raw(
            [], headers: headers, method: "GET", peer: try caller.map { try SpokeFixture.peer($0) }, type: nil)
    }

    @Test("a session's stream is its caller's; an event is taken up again where it was given, and decided on anew")
    func streams() throws {
        let snapshot = try snapshot()
        let mine = session("mine")
        let step = { (exchange: Exchange) in judge(exchange, under: snapshot, tables, now: now) }
        let opened = try #require(step(try get("mine")).forwarding)
        #expect(opened.isStream)
        #expect(opened.session?.upstream == "theirs-mine")
        opened.ticket.release()
        for exchange in [try get("mine", by: Self.other), try get("none")] {
            #expect(step(exchange).answer?.status == 404)
            #expect(step(exchange).answer?.denied?.reason == DenyReason.foreignSession.rawValue)
        }
        #expect(step(try get(nil)).answer?.status == 405)
        #expect(step(try get("mine", version: "2026-07-28")).answer?.status == 405)
        #expect(step(try get("mine", version: "2025-06-18")).answer?.status == 400)

        let call = MCPAction.callTool(name: "read_entry", arguments: JSONObject([("account", "4711")]))
        let event = try #require(tables.sealed.eventID("7", of: .integer(3), call, in: mine))
        let resumed = try #require(step(try get("mine", event: event)).forwarding)
        guard case .stream(let resumption?) = resumed.content else {
            Issue.record("\(resumed.content)")
            return
        }
        #expect(resumption.event == "7")
        #expect(resumption.request == .integer(3))
        #expect(resumed.record.aim == "tool:read_entry")
        _ = session("second")
        _ = session("theirs", of: Self.other)
        for exchange in [
            try get("second", event: event), try get("theirs", event: event, by: Self.other),
            try get("mine", event: "7"),
        ] {
            #expect(step(exchange).answer?.denied?.reason == DenyReason.foreignSession.rawValue)
        }
        let narrowed = try self.snapshot(rules: ["tool:write_entry"])
        #expect(
            judge(try get("mine", event: event), under: narrowed, tables, now: now).answer?.denied?.reason
                == DenyReason.foreignSession.rawValue)
    }

    @Test("what was let through is looked at anew: an open replay, and the tasks that a stream or a list tells of")
    func anew() throws {
        let snapshot = try snapshot()
        let mine = session("mine")
        let call = MCPAction.callTool(name: "read_entry", arguments: JSONObject())
        let event = try #require(tables.sealed.eventID("7", of: .integer(3), call, in: mine))
        let exchange = try get("mine", event: event)
        let replay = try #require(judge(exchange, under: snapshot, tables, now: now).forwarding)
        let own = try #require(judge(try get("mine"), under: snapshot, tables, now: now).forwarding)
        let task = BoundTask(caller: SpokeFixture.bot, tool: "read_entry", used: now)
        _ = tables.tasks.add("t-1", server: "ledger", task)
        for (rules, isAllowed) in [("*", true), ("tool:write_entry", false), ("tool:read_*", true)] {
            let later = try self.snapshot(rules: [rules])
            let refusals = Refusals(exchange, later, tables.attempts, now, isQuiet: true)
            let reached = try reach(exchange, later, tables, refusals, now)
            #expect(reached.mayGoOn(with: replay, refusals) == isAllowed)
            #expect(reached.mayGoOn(with: own, refusals))
            let shows = { (caller: String) in
                reached.lists(in: .v20251125).shows(task: "t-1", of: caller, server: "ledger", tables, now: now)
            }
            #expect(shows(SpokeFixture.bot) == isAllowed)
            #expect(!shows(Self.other))
        }
    }

    @Test("a caller has so many streams and no more")
    func streamLimit() throws {
        let snapshot = try snapshot()
        _ = session("mine")
        var open: [Forwarding] = []
        for _ in 0..<tables.limits.streamsPerCaller {
            open.append(try #require(judge(try get("mine"), under: snapshot, tables, now: now).forwarding))
        }
        let refused = judge(try get("mine"), under: snapshot, tables, now: now).answer
        #expect(refused?.status == 429)
        #expect(refused?.denied?.reason == DenyReason.streams.rawValue)
        open[0].ticket.release()
        #expect(judge(try get("mine"), under: snapshot, tables, now: now).forwarding != nil)
    }

    @Test("a client answers what it was asked, once; what policy has forbidden since is refused in its name")
    func responses() throws {
        _ = session("mine")
        let answer = { (id: Int64, result: String) in
            try SpokeFixture.raw(
                Array(#"{"jsonrpc":"2.0","id":\#(id),"result":\#(result)}"#.utf8),
                headers: [("Mcp-Session-Id", "mine"), ("MCP-Protocol-Version", "2025-11-25")])
        }
        let allowed = try snapshot(Self.asks)
        #expect(tables.sessions.ask(.integer(1), .elicitation, in: "mine"))
        #expect(!tables.sessions.ask(.integer(1), .elicitation, in: "mine"))
        let passed = judge(try answer(1, #"{"action":"accept"}"#), under: allowed, tables, now: now).forwarding
        guard case .message(.response(.integer(1)), .result(_, let result))? = passed?.content else {
            Issue.record("not passed")
            return
        }
        #expect(result["action"] == "accept")
        // What was judged twice before either was written down goes on once.
        let twin = try #require(judge(try answer(1, "{}"), under: allowed, tables, now: now).forwarding)
        #expect(passed?.claim(tables) == true)
        #expect(!twin.claim(tables))
        #expect(judge(try answer(1, "{}"), under: allowed, tables, now: now).answer?.status == 202)
        #expect(judge(try answer(2, "{}"), under: allowed, tables, now: now).answer?.status == 202)
        for (policy, body) in [(Policy(), "{}"), (Self.asks, "[]")] {
            #expect(tables.sessions.ask(.integer(1), .elicitation, in: "mine"))
            let step = judge(try answer(1, body), under: try snapshot(policy), tables, now: now)
            guard case .message(_, .failure)? = step.forwarding?.content else {
                Issue.record("\(step)")
                continue
            }
            #expect(step.forwarding?.claim(tables) == true)
        }
    }

    @Test("an answer that was refused on its way may be given again")
    func refusedResponse() throws {
        _ = session("mine")
        let answer = try SpokeFixture.raw(
            Array(#"{"jsonrpc":"2.0","id":1,"result":{}}"#.utf8),
            headers: [("Mcp-Session-Id", "mine"), ("MCP-Protocol-Version", "2025-11-25")])
        let rate = Limits.Rate(requests: 1, per: .seconds(10), burst: 1)
        let limited = try snapshot(Policy(limits: Limits(rate: rate), serverRequests: [.elicitation]))
        #expect(tables.sessions.ask(.integer(1), .elicitation, in: "mine"))
        let first = try #require(judge(answer, under: limited, tables, now: now).forwarding)
        let refused = judge(answer, under: limited, tables, now: now).answer
        #expect(refused?.denied?.reason == DenyReason.rate.rawValue)
        // The first one's line could not be written, so nothing of it went on.
        first.ticket.release()
        let again = judge(answer, under: limited, tables, now: now + .seconds(20)).forwarding
        #expect(again?.claim(tables) == true)
    }

    @Test("a batch is judged message by message, in its one version only")
    func batches() throws {
        let snapshot = try snapshot(rules: ["tool:read_*"])
        _ = session("old", .v20250326)
        _ = session("new")
        let body =
            #"[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_entry"}},"#
            + #"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"delete_entry"}}]"#
        let send = { (id: String, version: String?) in
            try SpokeFixture.raw(
                Array(body.utf8),
                headers: [("Mcp-Session-Id", id), ("Accept", "application/json, text/event-stream")]
                    + (version.map { [("MCP-Protocol-Version", $0)] } ?? []))
        }
        for version in [nil, "2025-03-26"] {
            guard case .batch(let elements) = judge(try send("old", version), under: snapshot, tables, now: now) else {
                Issue.record("no batch")
                continue
            }
            let steps = elements.map { judge($0, under: snapshot, tables, now: now) }
            #expect(steps[0].forwarding?.acceptsStream == false)
            #expect(steps[1].answer?.denied?.reason == DenyReason.noRule.rawValue)
        }
        for (id, version) in [("new", nil), ("new", "2025-11-25"), ("old", "2025-11-25")] as [(String, String?)] {
            #expect(judge(try send(id, version), under: snapshot, tables, now: now).answer?.status == 400)
        }
    }

    @Test("a listening is told of what its caller may read and began, and learns nothing of the rest")
    func listening() throws {
        let snapshot = try snapshot(rules: ["resource:ledger://reports/**", "tool:read_*"])
        _ = tables.tasks.add(
            "t-1", server: "ledger", BoundTask(caller: SpokeFixture.bot, tool: "read_entry", used: now))
        let exchange = try SpokeFixture.exchange(
            "subscriptions/listen",
            JSONObject([
                (
                    "notifications",
                    [
                        "toolsListChanged": true,
                        "resourceSubscriptions": ["ledger://reports/1", "ledger://secrets/1"],
                        "taskIds": ["t-1", "t-2"],
                    ]
                )
            ]))
        let forwarding = try #require(judge(exchange, under: snapshot, tables, now: now).forwarding)
        #expect(forwarding.isStream)
        guard case .message(_, let message) = forwarding.content else { return _ = Issue.record("no message goes on") }
        #expect(
            message.params?["notifications"] == [
                "toolsListChanged": true, "resourceSubscriptions": ["ledger://reports/1"], "taskIds": ["t-1"],
            ])
        // Whose tool may not be called any more has no tasks to hear of.
        let revoked = try self.snapshot(rules: ["resource:ledger://reports/**", "tool:write_*"])
        let after = try #require(judge(exchange, under: revoked, tables, now: now).forwarding)
        guard case .message(_, let narrowed) = after.content else { return _ = Issue.record("no message goes on") }
        #expect(narrowed.params?["notifications"]?["taskIds"] == nil)
    }

    @Test("arguments go where policy says; what a check only reports is in the line")
    func arguments() throws {
        let policy = Policy(
            egress: [Egress(arguments: ["url"], to: ["https://*.corp.example/**"])],
            checks: [
                ArgumentCheck(.shell, arguments: ["note"], then: .report),
                ArgumentCheck(.pathTraversal, arguments: ["path"], then: .refuse),
            ])
        let snapshot = try snapshot(policy)
        let step = { (arguments: JSON) throws -> Step in
            judge(try SpokeFixture.call("read_entry", arguments), under: snapshot, tables, now: now)
        }
        let quiet = try #require(try step(["url": "https://a.corp.example/", "path": "x", "note": "y"]).forwarding)
        #expect(quiet.record.detail == nil)
        let reported = try #require(try step(["note": "a;b"]).forwarding)
        #expect(reported.record.detail == "found: shell in `note`")
        for (arguments, reason) in [
            (["url": "https://evil.example/"] as JSON, DenyReason.egress), (["path": "../x"] as JSON, .argumentCheck),
        ] {
            let answer = try #require(try step(arguments).answer)
            #expect(answer.status == 400)
            #expect(answer.denied?.reason == reason.rawValue)
            #expect(answer.denied?.aim == "tool:read_entry")
        }
    }

    @Test("a host's own lists of names and origins")
    func hosts() throws {
        var limits = ListenerLimits()
        limits.hosts = ["fin-1.finance.corp.example"]
        limits.origins = ["https://console.corp.example"]
        var tables = tables
        tables.limits = limits
        let snapshot = try snapshot()
        let step = { (headers: [(String, String)]) in
            judge(try SpokeFixture.exchange("tools/list", headers: headers), under: snapshot, tables, now: now)
        }
        #expect(try step([]).forwarding != nil)
        #expect(try step([("Origin", "https://console.corp.example")]).forwarding != nil)
        #expect(try step([("Origin", "https://evil.example")]).answer?.status == 403)
        for (host, isServed) in [
            ("fin-1.finance.corp.example", true), ("FIN-1.finance.corp.example:9443", true), ("evil.example", false),
            ("127.0.0.1:9443", false), ("fin-1.finance.corp.example.evil.example", false),
        ] {
            #expect(limits.serves(host: host) == isServed)
        }
        tables.limits.hosts = ["other.corp.example"]
        let refused = judge(try SpokeFixture.exchange("tools/list"), under: snapshot, tables, now: now).answer
        #expect(refused?.status == 421)
        // The listener for tokens has a name of its own, which its gate asks for.
        let rules = [try SpokeFixture.rule("all", ["*"], to: ["anyone"])]
        let open = try fixture.snapshot(try fixture.bundle(rules: rules))
        var shown = try SpokeFixture.exchange("tools/list")
        let user = Caller.User(issuer: "https://login.corp.example", subject: "u-17")
        shown.credential = .token(AccessToken(user: user, expires: now + .hours(1)))
        #expect(judge(shown, under: open, tables, now: now).forwarding != nil)
    }
}
