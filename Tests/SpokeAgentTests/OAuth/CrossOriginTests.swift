import MCP
import SpokeAgent
import Testing

@Suite("pages of other origins")
struct CrossOriginTests {
    private static let page = "https://console.corp.example"
    private let rules = CrossOrigin(origins: [page])

    private func head(_ method: String, _ fields: [(String, String)]) throws -> HTTPRequestHead {
        try SpokeFixture.raw([], headers: fields, method: method, type: nil).head
    }

    private func marked(_ head: HTTPRequestHead?, _ policy: [(String, String)] = []) -> [String: String] {
        var headers = HTTPHeaders(policy)
        rules.mark(&headers, of: head)
        return Dictionary(uniqueKeysWithValues: headers.fields.map { ($0.name, $0.value) })
    }

    @Test(
        "who is asked before a request says yes to listed origins only",
        arguments: [
            ([page], "POST", 204), ([page], "DELETE", 204), (["https://evil.example"], "POST", 403),
            (["\(page).evil.example"], "POST", 403), (["null"], "GET", 403), (["*"], "GET", 403),
            ([page, page], "POST", 403), ([page.uppercased()], "POST", 403),
        ] as [([String], String, Int)])
    func origins(_ origins: [String], _ method: String, _ status: Int) throws {
        let asked = try head(
            "OPTIONS", origins.map { ("Origin", $0) } + [("Access-Control-Request-Method", method)])
        #expect(rules.preflight(asked)?.status == status)
        #expect((marked(asked)["Access-Control-Allow-Origin"] == Self.page) == (status == 204))
    }

    @Test("what is no such question is answered as it always was")
    func others() throws {
        for (method, fields) in [
            ("OPTIONS", [("Origin", Self.page)]), ("OPTIONS", [("Access-Control-Request-Method", "POST")]),
            ("POST", [("Origin", Self.page), ("Access-Control-Request-Method", "POST")]),
        ] { #expect(rules.preflight(try head(method, fields)) == nil) }
    }

    @Test("of the headers that are asked for, those that clients of MCP send")
    func headers() throws {
        let asked = try head(
            "OPTIONS",
            [
                ("Origin", Self.page), ("Access-Control-Request-Method", "POST"),
                (
                    "Access-Control-Request-Headers",
                    "Authorization, content-type,Mcp-Session-Id, mcp-param-account_id,last-event-id,cookie,x-forwarded-for,mcp-x!y"
                ),
            ])
        let fields = try #require(rules.preflight(asked)).headers
        let allowed = fields.first { $0.name == "Access-Control-Allow-Headers" }?.value
        #expect(allowed == "authorization, content-type, mcp-session-id, mcp-param-account_id, last-event-id")
        #expect(fields.first { $0.name == "Access-Control-Allow-Methods" }?.value == "GET, POST, DELETE")
        #expect(!fields.contains { $0.name == "Access-Control-Allow-Credentials" || $0.value == "*" })
    }

    @Test("answers name the origin that asked, whatever a policy says, and nothing for others")
    func marks() throws {
        let policy = [("Access-Control-Allow-Origin", "*"), ("access-control-allow-credentials", "true")]
        #expect(
            marked(try head("POST", [("Origin", Self.page)]), policy) == [
                "Access-Control-Allow-Origin": Self.page, "Vary": "Origin",
                "Access-Control-Expose-Headers": "Mcp-Session-Id, WWW-Authenticate",
            ])
        #expect(marked(try head("POST", [("Origin", "https://evil.example")]), policy) == ["Vary": "Origin"])
        #expect(marked(try head("POST", []), policy) == ["Vary": "Origin"])
        #expect(marked(nil, policy) == ["Vary": "Origin"])
    }
}
