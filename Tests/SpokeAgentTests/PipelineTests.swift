import MCP
import Model
import SpokeAgent
import TestSupport
import Testing
import Trust

@Suite("the pipeline")
struct PipelineTests {
    private let fixture: SpokeFixture
    private let snapshot: Snapshot
    private let tables: Tables
    private let now = SpokeFixture.now

    init() throws {
        fixture = try SpokeFixture()
        snapshot = try fixture.snapshot()
        tables = try SpokeFixture.tables()
    }

    private func step(_ exchange: Exchange) -> Step { judge(exchange, under: snapshot, tables, now: now) }

    private func refusal(_ step: Step) throws -> (status: Int, reason: String?) {
        let answer = try #require(step.answer)
        return (answer.status, answer.denied?.reason)
    }

    @Test("an allowed call is forwarded with a permit and a line, stripped to what was understood")
    func allowed() throws {
        let exchange = try SpokeFixture.exchange(
            "tools/call", JSONObject([("name", "read_entry"), ("arguments", ["account": "4711"]), ("extra", 1)]),
            name: "read_entry",
            headers: [("Authorization", "Bearer x"), ("X-Forwarded-For", "10.0.0.1"), ("Traceparent", "1")])
        guard case .forward(let permit, let forwarding) = step(exchange) else {
            Issue.record("not forwarded: \(step(exchange))")
            return
        }
        #expect(permit.aim == .use(Capability(.tool, "read_entry")))
        #expect(permit.rules == ["finance/read"])
        #expect(forwarding.record.rule == "finance/read")
        #expect(forwarding.record.verdict == .allow)
        #expect(forwarding.record.server == "finance/ledger")
        #expect(forwarding.record.aim == "tool:read_entry")
        guard case .message(_, let message) = forwarding.content else {
            Issue.record("no message")
            return
        }
        #expect(message.params?["extra"] == nil)
        #expect(message.params?["arguments"]?["account"]?.string == "4711")
        // Nothing upstream may ask the client for a sample.
        #expect(message.meta?["io.modelcontextprotocol/clientCapabilities"]?["sampling"] == nil)
        #expect(forwarding.headers["Authorization"] == nil)
        #expect(forwarding.headers["X-Forwarded-For"] == nil)
        #expect(forwarding.headers["Mcp-Name"] == nil)
        #expect(forwarding.headers["Traceparent"] == "1")
    }

    @Test("without a bundle nobody is served")
    func noBundle() throws {
        let (status, reason) = try refusal(judge(try SpokeFixture.call("read_entry"), under: nil, tables, now: now))
        #expect(status == 503)
        #expect(reason == DenyReason.noBundle.rawValue)
    }

    @Test("denied, unknown and misspelt names look alike but for the name")
    func alike() throws {
        var bodies: Set<String> = []
        for (name, reason) in [
            ("write_entry", DenyReason.noRule), ("delete_entry", .deniedByRule), ("read_nothing", .notInCatalog),
            ("READ_ENTRY", .notInCatalog),
        ] {
            let answer = try #require(step(try SpokeFixture.call(name)).answer)
            #expect(answer.status == 200)
            #expect(answer.denied?.reason == reason.rawValue)
            bodies.insert(String(decoding: answer.body, as: UTF8.self).replacing(name, with: "NAME"))
        }
        #expect(bodies.count == 1)
    }

    @Test(
        "an unknown server, one that is not reachable for the caller and one from outside the networks are one answer")
    func nothingHere() throws {
        let stranger = try SpokeFixture.peer("spiffe://analytics.corp.example/client/stranger")
        let exchanges = [
            (try SpokeFixture.exchange("tools/list", target: "/nothing/mcp"), DenyReason.unknownServer),
            (try SpokeFixture.exchange("tools/list", target: "/vault/mcp"), .noRule),
            (try SpokeFixture.exchange("tools/list", peer: stranger), .noRule),
            (try SpokeFixture.exchange("tools/list", address: "192.168.0.1"), .network),
            (try SpokeFixture.exchange("tools/list", address: nil), .network),
            (try SpokeFixture.exchange("tools/list", target: "/ledger/mcp/"), .unknownServer),
            (try SpokeFixture.exchange("tools/list", target: "/ledger/mcp?x=1"), .unknownServer),
            // Nobody learns from a parse error that a server is there.
            (try SpokeFixture.raw(Array("{".utf8), peer: stranger), .noRule),
        ]
        var answers: Set<Answer> = []
        for (exchange, reason) in exchanges {
            var answer = try #require(step(exchange).answer)
            #expect(answer.denied?.reason == reason.rawValue)
            answer.denied = nil
            answers.insert(answer)
        }
        #expect(answers.count == 1)
        #expect(answers.first?.status == 404)
    }

    @Test("who was revoked, whose domain left or whose certificate ended is refused on an open connection, too")
    func revoked() throws {
        let id = try SPIFFEID(SpokeFixture.bot)
        let revoked = try fixture.snapshot(
            try fixture.bundle(revokedIdentities: [IdentityRevocation(identity: id, issuedBefore: now)]))
        let old = try SpokeFixture.exchange("tools/list")
        #expect(try refusal(judge(old, under: revoked, tables, now: now)).reason == DenyReason.identityRevoked.rawValue)
        // A certificate that was issued later is another matter.
        let renewed = try SpokeFixture.exchange("tools/list", peer: try SpokeFixture.peer(notBefore: now + .hours(1)))
        #expect(judge(renewed, under: revoked, tables, now: now).forwarding != nil)
        let foreign = try SpokeFixture.exchange(
            "tools/list", peer: try SpokeFixture.peer("spiffe://evil.example/client/x"))
        #expect(try refusal(step(foreign)).status == 404)
        #expect(try refusal(judge(old, under: snapshot, tables, now: now + .days(8))).status == 404)
    }

    @Test("past its staleness a bundle denies everything; in read-only time it lets read-only tools run")
    func stale() throws {
        let stale = Staleness(after: .hours(1), then: .readOnly, until: .hours(2))
        let rules = [try SpokeFixture.rule("all", ["*"], to: ["anyone"])]
        let snapshot = try fixture.snapshot(try fixture.bundle(rules: rules, policy: Policy(stale: stale)))
        func at(_ moment: Instant, _ tool: String) throws -> Step {
            judge(try SpokeFixture.call(tool), under: snapshot, tables, now: moment)
        }
        #expect(try at(now + .hours(1), "write_entry").forwarding != nil)
        #expect(try at(now + .minutes(61), "read_entry").forwarding != nil)
        #expect(try refusal(try at(now + .minutes(61), "write_entry")).reason == DenyReason.stale.rawValue)
        let (status, reason) = try refusal(try at(now + .minutes(121), "read_entry"))
        #expect(status == 503)
        #expect(reason == DenyReason.stale.rawValue)
        // Under a clock that went back nobody knows how old it is.
        #expect(try at(now - .minutes(5), "write_entry").forwarding != nil)
        #expect(try refusal(try at(now - .minutes(6), "read_entry")).reason == DenyReason.stale.rawValue)
        // For who may not reach it, it is not there, then as before.
        let narrow = try fixture.snapshot(try fixture.bundle(policy: Policy(stale: stale)))
        let stranger = try SpokeFixture.peer("spiffe://analytics.corp.example/client/stranger")
        for moment in [now, now + .minutes(121)] {
            let exchange = try SpokeFixture.exchange("tools/list", peer: stranger)
            #expect(try refusal(judge(exchange, under: narrow, tables, now: moment)).status == 404)
        }
    }

    @Test(
        "what cannot be read in one way is refused",
        arguments: [
            (#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}"#, 400),
            (#"{"jsonrpc":"2.0","id":1,"Method":"tools/list","method":"tools/list"}"#, 400),
            (#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"},1]"#, 400),
            (#"{"jsonrpc":"2.0","id":NaN,"method":"tools/list"}"#, 400),
            ("", 400),
        ])
    func malformed(_ body: String, _ status: Int) throws {
        let found = try refusal(step(try SpokeFixture.raw(Array(body.utf8))))
        #expect(found.status == status)
        #expect(found.reason == DenyReason.malformed.rawValue)
    }

    @Test("a header that says other than the body is refused in the stateless era's own words")
    func mismatch() throws {
        let exchange = try SpokeFixture.exchange(
            "tools/call", JSONObject([("name", "read_entry"), ("arguments", [:])]), name: "write_entry")
        let answer = try #require(step(exchange).answer)
        #expect(answer.status == 400)
        #expect(try JSON(parsing: answer.body)["error"]?["code"]?.integer == -32020)
    }

    @Test(
        "headers and methods",
        arguments: [
            ("POST", [("Origin", "https://evil.example")], "application/json", 403),
            ("POST", [("Content-Encoding", "gzip")], "application/json", 415),
            ("POST", [], "text/plain", 415),
            ("POST", [], "application/json; charset=utf-16", 415),
            ("GET", [], "application/json", 405),
            ("PUT", [], "application/json", 405),
            ("DELETE", [], "application/json", 405),
        ])
    func headers(_ method: String, _ fields: [(String, String)], _ type: String, _ status: Int) throws {
        let exchange = try SpokeFixture.raw(Array("{}".utf8), headers: fields, method: method, type: type)
        #expect(step(exchange).answer?.status == status)
    }

    @Test("a body beyond the policy's limit is refused")
    func size() throws {
        let limited = try fixture.snapshot(
            try fixture.bundle(policy: Policy(limits: Limits(requestBody: ByteCount(64)))))
        let found = try refusal(judge(try SpokeFixture.call("read_entry"), under: limited, tables, now: now))
        #expect(found.status == 413)
        #expect(found.reason == DenyReason.tooLarge.rawValue)
    }

    @Test("another caller's session does not exist, nor does one that was made up; one's own is used and can be ended")
    func sessions() throws {
        let caller = try Caller(workload: SPIFFEID(SpokeFixture.bot)).key
        let session = Session(
            id: "mine", caller: caller, server: "ledger", version: .v20251125, upstream: "theirs", used: now)
        #expect(tables.sessions.add(session).isEmpty)
        func list(_ id: String, _ peer: VerifiedPeer) throws -> Step {
            let body = #"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#
            return step(
                try SpokeFixture.raw(
                    Array(body.utf8), headers: [("Mcp-Session-Id", id), ("MCP-Protocol-Version", "2025-11-25")],
                    peer: peer))
        }
        let rules = [try SpokeFixture.rule("all", ["*"], to: ["anyone"])]
        let open = try fixture.snapshot(try fixture.bundle(rules: rules))
        let other = try SpokeFixture.peer("spiffe://analytics.corp.example/client/other")
        let body = #"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#
        let stolen = judge(
            try SpokeFixture.raw(
                Array(body.utf8), headers: [("Mcp-Session-Id", "mine"), ("MCP-Protocol-Version", "2025-11-25")],
                peer: other),
            under: open, tables, now: now)
        #expect(try refusal(stolen) == (404, DenyReason.foreignSession.rawValue))
        #expect(try refusal(try list("made-up", try SpokeFixture.peer())).status == 404)
        let own = try #require(try list("mine", try SpokeFixture.peer()).forwarding)
        #expect(own.session?.upstream == "theirs")
        #expect(own.version == .v20251125)
        let end = step(try SpokeFixture.raw([], headers: [("Mcp-Session-Id", "mine")], method: "DELETE", type: nil))
        guard case .endSession? = end.forwarding?.content else {
            Issue.record("the session did not end: \(end)")
            return
        }
        #expect(try refusal(try list("mine", try SpokeFixture.peer())).status == 404)
    }

    @Test("`initialize` begins a session of its own, whatever session its header names")
    func initializeAgain() throws {
        let caller = try Caller(workload: SPIFFEID(SpokeFixture.bot)).key
        let session = Session(
            id: "mine", caller: caller, server: "ledger", version: .v20250618, upstream: "theirs", used: now)
        #expect(tables.sessions.add(session).isEmpty)
        let body = """
            {"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},\
            "clientInfo":{"name":"c","version":"1"}}}
            """
        for headers in [[("Mcp-Session-Id", "mine")], [("Mcp-Session-Id", "other")], []] {
            let forwarding = try #require(step(try SpokeFixture.raw(Array(body.utf8), headers: headers)).forwarding)
            #expect(forwarding.session == nil)
            #expect(forwarding.headers["Mcp-Session-Id"] == nil)
            // Not the version of the other session.
            #expect(forwarding.version == .assumed)
        }
    }

    @Test("while a server's catalog is not known, its names are neither there nor not there")
    func catalogUnknown() throws {
        tables.views["ledger"] = ServerView(state: .down)
        #expect(try refusal(step(try SpokeFixture.call("read_entry"))) == (503, DenyReason.catalogUnknown.rawValue))
        #expect(step(try SpokeFixture.exchange("server/discover")).forwarding != nil)
    }

    @Test("rates count only what was allowed, denials wear down the attempts")
    func limits() throws {
        let limits = Limits(rate: Limits.Rate(requests: 1, per: .seconds(60), burst: 2), concurrency: 1)
        let limited = try fixture.snapshot(try fixture.bundle(policy: Policy(limits: limits)))
        func call(_ tool: String, _ tables: Tables) throws -> Step {
            judge(try SpokeFixture.call(tool), under: limited, tables, now: now)
        }
        for _ in 0..<5 { #expect(try refusal(try call("write_entry", tables)).status == 200) }
        let first = try #require(try call("read_entry", tables).forwarding)
        #expect(try refusal(try call("read_entry", tables)) == (429, DenyReason.concurrency.rawValue))
        first.ticket.release()
        let third = try #require(try call("read_entry", tables).answer)
        #expect(third.status == 429)
        #expect(third.denied?.reason == DenyReason.rate.rawValue)
        #expect(third.headers.first { $0.name == "Retry-After" }?.value == "60")

        let fresh = try SpokeFixture.tables()
        var reasons: [String?] = []
        for _ in 0...AttemptLimit.denials.capacity {
            reasons.append(try refusal(try call("write_entry", fresh)).reason)
        }
        #expect(reasons.last == DenyReason.attempts.rawValue)
        #expect(reasons.dropLast().allSatisfy { $0 == DenyReason.noRule.rawValue })
    }

    @Test("the clients of one person are counted together")
    func clients() throws {
        let rules = [try SpokeFixture.rule("all", ["*"], to: ["anyone"])]
        func call(_ subject: String, _ client: String, _ limits: Limits) throws -> Step {
            let limited = try fixture.snapshot(try fixture.bundle(rules: rules, policy: Policy(limits: limits)))
            var exchange = try SpokeFixture.call("read_entry")
            let user = Caller.User(issuer: "https://login.corp.example", subject: subject, client: client)
            exchange.credential = .token(AccessToken(user: user, expires: now + .hours(1)))
            return judge(exchange, under: limited, tables, now: now)
        }
        let one = Limits(concurrency: 1)
        let first = try #require(try call("ana", "desk", one).forwarding)
        #expect(try refusal(try call("ana", "phone", one)) == (429, DenyReason.concurrency.rawValue))
        #expect(try call("ben", "phone", one).forwarding != nil)
        first.ticket.release()
        #expect(try call("ana", "phone", one).forwarding != nil)

        let rate = Limits(rate: Limits.Rate(requests: 1, per: .seconds(60), burst: 1))
        #expect(try call("cy", "desk", rate).forwarding != nil)
        #expect(try refusal(try call("cy", "phone", rate)) == (429, DenyReason.rate.rawValue))
        #expect(try call("dee", "phone", rate).forwarding != nil)
    }

    @Test("what is not served yet is an unknown method; what nobody waits for is swallowed")
    func methods() throws {
        let unknown = try #require(step(try SpokeFixture.exchange("tasks/list")).answer)
        #expect(unknown.status == 404)
        #expect(try JSON(parsing: unknown.body)["error"]?["code"]?.integer == -32601)
        let body = #"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#
        let swallowed = step(try SpokeFixture.raw(Array(body.utf8), headers: [("MCP-Protocol-Version", "2025-11-25")]))
        #expect(swallowed.answer?.status == 202)
        #expect(swallowed.answer?.denied == nil)
    }

    @Test("a list shows what could be called, and hides what is not in the catalog")
    func lists() throws {
        let forwarding = try #require(step(try SpokeFixture.exchange("tools/list")).forwarding)
        let result: JSON = [
            "tools": [["name": "read_entry"], ["name": "write_entry"], ["name": "delete_entry"], ["name": "read_new"]],
            "nextCursor": "c", "cacheScope": "public", "ttlMs": 3_600_000,
        ]
        let filtered = try forwarding.filter.filtered(result, .tools, .stateless)
        #expect(filtered["tools"]?.array?.compactMap { $0["name"]?.string } == ["read_entry"])
        #expect(filtered["nextCursor"]?.string == "c")
        #expect(filtered["cacheScope"]?.string == "private")
        #expect(filtered["ttlMs"]?.integer == ListView.ttlCap)
        #expect(forwarding.filter.shows("ledger://reports/2026", .resources))
        #expect(!forwarding.filter.shows("ledger://secrets/plan", .resources))
        #expect(forwarding.filter.shows("ledger://reports/{year}/{quarter}", .resourceTemplates))
        #expect(!forwarding.filter.shows("ledger://secrets/{name}", .resourceTemplates))
    }
}
