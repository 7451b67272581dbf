import MCP
import Model
import SpokeAgent
import Testing

@Suite("oauth in spoke.yaml")
struct OAuthSettingsTests {
    private static let issuer = "issuer: https://login.corp.example, keys: https://login.corp.example/keys"
    private static let other = "issuer: https://other.example, keys: https://other.example/keys"

    private func read(_ issuers: String, url: String = "https://mcp.corp.example", more: String = "") throws
        -> OAuthSettings?
    {
        try SpokeConfiguration.read(
            Array(
                """
                listen: 127.0.0.1:1
                servers: {}
                oauth:
                  listen: 0.0.0.0:9444
                  url: \(url)
                  certificate: /etc/nave/mcp.pem
                  key: /etc/nave/mcp.key
                  issuers: \(issuers)
                  \(more)
                """.utf8), file: "spoke.yaml"
        ).oauth
    }

    @Test("what stands in the file, and what holds without it")
    func good() throws {
        let settings = try #require(
            try read(
                "[{ \(Self.issuer), algorithms: [ES256], groups: { prefix: 'corp:' }, addresses: { domains: [corp.example] } }]",
                url: "https://MCP.corp.example:443", more: "scopes: [mcp]"))
        #expect("\(settings.url)" == "https://mcp.corp.example")
        #expect(settings.issuers[0].algorithms == [.es256])
        #expect(settings.issuers[0].groups == TokenIssuer.GroupClaim(claim: "groups", prefix: "corp:"))
        #expect(settings.issuers[0].skew == .seconds(60))
        #expect(settings.scopes == ["mcp"])
        let other = try #require(try read("[{ \(Self.issuer) }]"))
        #expect(other.issuers[0].algorithms == [.es256, .rs256, .ps256, .edDSA])
        #expect(other.issuers[0].groups == nil)
    }

    @Test(
        "what is refused, with the words that say why",
        arguments: [
            ("[]", "found 0"),
            (
                "[{ issuer: x, keys: 'http://login.corp.example/keys' }]",
                "found the text `http://login.corp.example/keys`"
            ),
            ("[{ \(issuer), algorithms: [HS256] }]", "found the text `HS256`"),
            ("[{ \(issuer), algorithms: [none] }]", "found the text `none`"),
            ("[{ \(issuer), skew: 10m }]", "`skew` is more than 5 m"),
            ("[{ \(issuer), refresh: 500ms }]", "`refresh` is not 1 s to 24 h"),
            ("[{ \(issuer), refresh: 25h }]", "`refresh` is not 1 s to 24 h"),
            ("[{ \(issuer), groups: {} }]", "needs `prefix`"),
            ("[{ \(issuer) }, { \(issuer) }]", "is here twice"),
            ("[{ \(issuer), groups: { prefix: a } }, { \(other), groups: { prefix: ab } }]", "can name the same group"),
            (
                "[{ \(issuer), addresses: { domains: [corp.example] } }, { \(other), addresses: { domains: [corp.example] } }]",
                "two issuers speak of the people of `corp.example`"
            ),
        ])
    func bad(issuers: String, words: String) {
        let error = #expect(throws: SpokeError.self) { try read(issuers) }
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test(
        "an address that is no origin",
        arguments: ["http://mcp.corp.example", "https://mcp.corp.example/x", "https://a@mcp.corp.example"])
    func badAddress(url: String) {
        let error = #expect(throws: SpokeError.self) { try read("[{ \(Self.issuer) }]", url: url) }
        #expect(error?.message.contains("found the text `\(url)`") == true, "\(error?.message ?? "")")
    }

    @Test("metadata stands at both places, and says the same of every name")
    func metadata() throws {
        let settings = try #require(try read("[{ \(Self.issuer) }]", more: "scopes: [mcp]"))
        let described = { (target: String, only: String?) in
            ProtectedResource.described(target, settings.url, only: only)?.identifier
        }
        let root = "/.well-known/oauth-protected-resource"
        #expect(described(root + "/ledger/mcp", nil) == "https://mcp.corp.example/ledger/mcp")
        #expect(described(root + "/ledger/sse", nil) == "https://mcp.corp.example/ledger/sse")
        #expect(described(root + "/no-such/mcp", nil) == "https://mcp.corp.example/no-such/mcp")
        #expect(described(root, "ledger") == "https://mcp.corp.example/ledger/mcp")
        #expect(described(root, nil) == "https://mcp.corp.example")
        for target in ["/ledger/mcp", root + "/ledger/messages?session_id=x", root + "/a/b/c", root + "x", "/"] {
            #expect(described(target, "ledger") == nil, "\(target)")
        }
        let resource = ProtectedResource(settings.url, server: "ledger")
        let document = try JSON(parsing: resource.metadata(settings).body)
        #expect(
            document == [
                "authorization_servers": ["https://login.corp.example"], "bearer_methods_supported": ["header"],
                "resource": "https://mcp.corp.example/ledger/mcp", "scopes_supported": ["mcp"],
            ])
        #expect(
            resource.challenge(settings, error: ("invalid_token", "the token has expired")).value
                == "Bearer resource_metadata=\"https://mcp.corp.example\(root)/ledger/mcp\", error=\"invalid_token\", "
                + "error_description=\"the token has expired\", scope=\"mcp\"")
    }
}
