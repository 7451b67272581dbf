import MCP
import Model
import SpokeAgent
import Testing

@Suite("headers of a request")
struct HeaderRulesTests {
    @Test("only what traces a call goes on; nothing that could name a caller, in whatever spelling")
    func allowed() {
        let passed = ["User-Agent", "Accept-Language", "traceparent", "TraceState", "Baggage"]
        let dropped = [
            "Remote-User", "REMOTE_USER", "X-Auth-User", "X_Forwarded_For", "X-Forwarded_For", "X-Forwarded-For",
            "Mcp_Session_Id", "Mcp-Session-Id", "User_Agent", "trace_parent", "X-Remote-User", "X-WebAuth-User", "From",
            "Cf-Access-Authenticated-User-Email", "X-Goog-Authenticated-User-Email", "X-Ms-Client-Principal", "Cookie",
            "Authorization", "Forwarded", "X-Real-Ip", "X-Trace", "Ssl-Client-S-Dn", "X-Amzn-Oidc-Identity",
        ]
        let headers = HTTPHeaders((passed + dropped).map { ($0, "1") })
        #expect(HeaderRules.forwarded(headers, removing: []).fields.map(\.name) == passed)
    }

    @Test("less what the policy removes and what `Connection` keeps for this hop")
    func removed() {
        let headers = HTTPHeaders([
            ("Baggage", "1"), ("Tracestate", "1"), ("User-Agent", "1"), ("Connection", "keep-alive,\tTraceState"),
        ])
        #expect(HeaderRules.forwarded(headers, removing: ["baggage"]).fields.map(\.name) == ["User-Agent"])
    }

    @Test("the trace goes on as the spoke's own, unless the policy removes it")
    func trace() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let headers = HTTPHeaders([("TraceParent", parent), ("TraceState", "a=1"), ("User-Agent", "1")])
        let trace = TraceContext.continued(headers) { 1 }
        let sent = HeaderRules.forwarded(headers, removing: [], trace: trace)
        #expect(sent.values("traceparent") == ["00-0af7651916cd43dd8448eb211c80319c-0000000000000001-01"])
        #expect(sent.values("tracestate") == ["a=1"])
        let kept = HeaderRules.forwarded(headers, removing: ["traceparent"], trace: trace)
        #expect(kept.fields.map(\.name) == ["User-Agent"])
        let stateless = HeaderRules.forwarded(headers, removing: ["tracestate"], trace: trace)
        #expect(stateless.fields.map(\.name) == ["User-Agent", "traceparent"])
    }

    @Test("`Connection` lists at most 32 names, however many fields they stand in", arguments: [32, 33, 15_000])
    func connection(_ count: Int) throws {
        let names = Array(repeating: "a", count: count)
        let one = [("Connection", names.joined(separator: ","))]
        let many = [("Connection", names.prefix(count - 1).joined(separator: ",")), ("Connection", "a")]
        for fields in [one, many] {
            let exchange = try SpokeFixture.raw(Array("{}".utf8), headers: fields)
            #expect(HeaderRules.problem(exchange.head)?.status == (count > 32 ? 400 : nil))
        }
    }

    @Test(
        "HEAD gets no body, and only POST, GET, DELETE and OPTIONS keep their connection",
        arguments: [
            ("POST", true, true), ("DELETE", true, true), ("GET", true, true), ("OPTIONS", true, true),
            ("HEAD", false, false), ("PUT", true, false),
        ])
    func methods(_ method: String, _ hasBody: Bool, _ staysOpen: Bool) throws {
        let exchange = try SpokeFixture.raw([], method: method, type: nil)
        let (answer, closes) = Answer(status: 405, body: [1]).suited(to: exchange.head)
        #expect(answer.body.isEmpty != hasBody)
        #expect(closes != staysOpen)
    }
}
