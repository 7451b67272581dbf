import MCP
import Model
import Testing
import Transport

@testable import SpokeAgent

@Suite("the gate of the listener for tokens")
struct BearerGateTests {
    private static let host = "mcp.finance.corp.example"
    private let issuer = TestIssuer()

    /// A gate that takes three bad tokens of one address, and then no more for as long as the test runs.
    private static func gate(_ services: Services, _ published: PublishedKeys) throws -> BearerGate {
        var settings = OAuthSettings(
            listen: HostPort(host: "127.0.0.1", port: 0), url: try TestIssuer.origin, certificate: "/c", key: "/k",
            issuers: [TestIssuer.settings])
        settings.refusals = Limits.Rate(requests: 1, per: .seconds(60), burst: 3)
        return BearerGate(settings, servers: ["ledger"], services, keys: [TestIssuer.name: published.keys()])
    }

    private static func head(
        _ authorization: [String], method: String = "POST", target: String = "/ledger/mcp", host: String = host
    ) throws -> HTTPRequestHead {
        let fields = [("Host", host)] + authorization.map { ("Authorization", $0) }
        let request = try HTTPWriter.request(method: method, target: target, headers: HTTPHeaders(fields), body: [])
        var parser = HTTPRequestParser(limits: HTTPLimits(bodyBytes: 1 << 20))
        guard case .head(let head)? = try parser.feed(request).first else {
            throw MCPError(.badRequestLine, "the request of a test is none")
        }
        return head
    }

    /// Whose the request is, or the status that it is answered with; once the keys that it waits for have come.
    private func ask(_ gate: BearerGate, _ head: HTTPRequestHead, from address: String = "192.0.2.1") async -> String {
        while true {
            switch gate.ask(head, from: IPAddress(address)) {
            case .caller(let token): return token.user.subject
            case .answer(let answer): return "\(answer.status)"
            case .waits(let fetching): await fetching.value
            }
        }
    }

    private func ask(_ gate: BearerGate, token: String, from address: String = "192.0.2.1") async throws -> String {
        await ask(gate, try Self.head(["Bearer \(token)"]), from: address)
    }

    private func withGate(_ published: PublishedKeys? = nil, _ body: (BearerGate) async throws -> Void) async throws {
        let fixture = try await ServicesFixture()
        let published = try published ?? PublishedKeys(TestIssuer.set([try issuer.entry()]))
        do { try await body(try Self.gate(fixture.services, published)) } catch {
            await fixture.stop()
            throw error
        }
        await fixture.stop()
    }

    @Test("bad tokens of an address do not turn away who was believed there, nor anybody elsewhere")
    func shared() async throws {
        let known = try await issuer.token()
        var claims = TestIssuer.claims
        claims["jti"] = "2"
        let other = try await issuer.token(claims)
        try await withGate { gate async throws in
            #expect(try await ask(gate, token: known) == "u-17")
            for _ in 0..<3 { #expect(try await ask(gate, token: "junk") == "401") }
            for _ in 0..<3 { #expect(try await ask(gate, token: "junk") == "429") }
            #expect(try await ask(gate, token: known) == "u-17")
            // To look at its signature is what the address has used up.
            #expect(try await ask(gate, token: other) == "429")
            #expect(try await ask(gate, token: other, from: "192.0.2.2") == "u-17")
            #expect(try await ask(gate, token: other) == "u-17")
        }
    }

    @Test("a host of IPv6 is one, whichever of its addresses it takes")
    func addresses() async throws {
        try await withGate { gate async throws in
            for last in 1...3 { #expect(try await ask(gate, token: "junk", from: "2001:db8::\(last)") == "401") }
            #expect(try await ask(gate, token: "junk", from: "2001:db8::4") == "429")
            #expect(try await ask(gate, token: "junk", from: "2001:db8:0:1::1") == "401")
        }
    }

    @Test("that the issuer is away is nobody's fault")
    func away() async throws {
        let token = try await issuer.token()
        try await withGate(PublishedKeys(nil)) { gate async throws in
            for _ in 0..<10 { #expect(try await ask(gate, token: token) == "503") }
            #expect(try await ask(gate, token: "junk") == "401")
        }
    }

    @Test("who shows no token is told where tokens come from, however often")
    func none() async throws {
        try await withGate { gate async throws in
            for shown in Array(repeating: [], count: 10) + [["Basic eDp5"], ["Bearer"], ["Bearer a b"]] {
                let head = try Self.head(shown)
                guard case .answer(let answer) = gate.ask(head, from: nil) else {
                    Issue.record("somebody passed with \(shown)")
                    continue
                }
                #expect(answer.status == 401)
                let challenge = answer.headers.first { $0.name == "WWW-Authenticate" }?.value
                #expect(challenge?.contains("https://\(Self.host)\(ProtectedResource.wellKnown)/ledger/mcp") == true)
            }
        }
    }

    @Test("a token that stands twice is none, though both are good")
    func twice() async throws {
        let token = try await issuer.token()
        try await withGate { gate async throws in
            #expect(try await ask(gate, token: token) == "u-17")
            let head = try Self.head(["Bearer \(token)", "Bearer \(token)"])
            #expect(await ask(gate, head) == "401")
        }
    }

    @Test("another host, another path and another method are no place for a token")
    func places() async throws {
        let bearer = ["Bearer \(try await issuer.token())"]
        try await withGate { gate async throws in
            for (method, target, host, status) in [
                ("POST", "/ledger/mcp", "evil.example", "421"), ("POST", "/ledger", Self.host, "404"),
                ("GET", ProtectedResource.wellKnown + "/ledger/mcp", Self.host, "200"),
                ("POST", ProtectedResource.wellKnown + "/ledger/mcp", Self.host, "405"),
                ("POST", "/vault/mcp", Self.host, "401"), ("POST", "/ledger/mcp", Self.host + ":443", "u-17"),
            ] {
                let head = try Self.head(bearer, method: method, target: target, host: host)
                #expect(await ask(gate, head) == status, "\(method) \(target) \(host)")
            }
        }
    }
}
