import JWTKit
import Model
import SpokeAgent
import Testing
import Trust

@Suite("who calls, told to a server")
struct UpstreamIdentityTests {
    private func read(_ server: String, metrics: Bool = true) throws -> SpokeConfiguration {
        try SpokeConfiguration.read(
            Array(
                "listen: 127.0.0.1:1\n\(metrics ? "metrics: 127.0.0.1:2\n" : "")servers:\n  ledger: \(server)\n".utf8),
            file: "spoke.yaml")
    }

    @Test("a token says who calls, for one server and a minute, and is signed by the published key")
    func token() async throws {
        let now = SpokeFixture.now
        let spoke = try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1")
        let signer = try await IdentitySigner(spoke: spoke, now: { now })
        let caller = Caller(
            user: Caller.User(
                issuer: TestIssuer.name, subject: "u-17", address: "ana@corp.example", groups: ["corp:analysts"],
                client: "desktop"))
        let text = try signer.token(caller, for: "finance/ledger")
        let token = try CompactToken(text)
        #expect(token.claims["iss"]?.string == spoke.description)
        #expect(token.claims["aud"]?.string == "finance/ledger")
        #expect(token.claims["sub"]?.string == caller.key)
        #expect(
            token.claims["user"]
                == [
                    "iss": .string(TestIssuer.name), "sub": "u-17", "client_id": "desktop", "email": "ana@corp.example",
                ])
        let begin = try #require(token.claims["iat"]?.integer)
        #expect(begin == now.milliseconds / 1000)
        #expect(token.claims["exp"]?.integer == begin + 60)
        let keys = try await KeySet(signer.keySet, algorithms: [.es256])
        let key = try #require(keys.find(token.key, .es256))
        #expect(try key.verifier.verify(token.signature, signs: token.signed))
        #expect(try signer.token(caller, for: "finance/ledger") != text)

        // A workload's, and the spoke's own.
        let bot = try SPIFFEID(SpokeFixture.bot)
        let other = try CompactToken(try signer.token(Caller(workload: bot), for: "finance/ledger"))
        #expect(other.claims["workload"]?.string == bot.description)
        #expect(other.claims["user"] == nil)
        #expect(
            try CompactToken(try signer.token(nil, for: "finance/ledger")).claims["sub"]?.string == spoke.description)
    }

    @Test("nobody is told by itself; the header has a name of its own")
    func settings() throws {
        #expect(try read("{ url: 'http://127.0.0.1:1/mcp' }").servers[0].identity == nil)
        #expect(try read("{ url: 'http://127.0.0.1:1/mcp', upstream: { identity: none } }").servers[0].identity == nil)
        let header = try read("{ url: 'http://127.0.0.1:1/mcp', upstream: { identity: header } }").servers[0].identity
        #expect(header?.header == "Nave-Caller")
        let token = try read(
            "{ url: 'http://127.0.0.1:1/mcp', upstream: { identity: jwt, header: Authorization } }")
        #expect(token.servers[0].identity?.header == "Authorization")
    }

    @Test(
        "what is refused, with the words that say why",
        arguments: [
            (
                "url: 'http://127.0.0.1:1/mcp', upstream: { identity: header, header: Authorization }",
                "text `Authorization`"
            ),
            (
                "url: 'http://127.0.0.1:1/mcp', upstream: { identity: header, header: Mcp-Session-Id }",
                "`Mcp-Session-Id`"
            ),
            (
                "url: 'http://127.0.0.1:1/mcp', upstream: { identity: header, header: Content-Length }",
                "`Content-Length`"
            ),
            ("url: 'http://127.0.0.1:1/mcp', upstream: { identity: header, header: 'a b' }", "text `a b`"),
            ("url: 'http://127.0.0.1:1/mcp', upstream: { identity: who }", "text `who`"),
            ("url: 'http://127.0.0.1:1/mcp', upstream: {}", "needs `identity`"),
            ("command: [x], upstream: { identity: header }", "`upstream` is for `url` only"),
        ])
    func refused(server: String, words: String) {
        let error = #expect(throws: SpokeError.self) { try read("{ \(server) }") }
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test("a token needs a place where its key can be fetched")
    func needsPlace() {
        let error = #expect(throws: SpokeError.self) {
            try read("{ url: 'http://127.0.0.1:1/mcp', upstream: { identity: jwt } }", metrics: false)
        }
        #expect(error?.message.contains("needs `metrics`") == true, "\(error?.message ?? "")")
    }
}
