import Foundation
import JWTKit
import Model
import SpokeAgent
import Testing
import Trust

@Suite("access tokens")
struct TokenTests {
    private let issuer = TestIssuer()

    /// Judges a token until its issuer's keys have come.
    private func judge(
        _ token: String, settings: [TokenIssuer] = [TestIssuer.settings], scopes: [String] = [],
        published: PublishedKeys? = nil
    ) async throws -> AccessToken {
        let published = try published ?? PublishedKeys(TestIssuer.set([try issuer.entry()]))
        let verifier = TokenVerifier(
            TokenRules(issuers: settings, scopes: scopes),
            keys: Dictionary(uniqueKeysWithValues: settings.map { ($0.issuer, published.keys($0)) }))
        for _ in 0..<3 {
            switch try verifier.judge(token, for: try TestIssuer.resource, now: published.now) {
            case .believed(let token): return token
            case .waits(let fetching): await fetching.value
            }
        }
        throw SpokeError("never", "the keys never came")
    }

    private func code(
        _ token: String, scopes: [String] = [], published: PublishedKeys? = nil
    ) async throws -> String {
        do {
            _ = try await judge(token, scopes: scopes, published: published)
            return "believed"
        } catch let error as SpokeError { return error.code }
    }

    private func with(_ pairs: (String, JSON?)...) -> JSONObject {
        var claims = TestIssuer.claims
        for (name, value) in pairs { claims[name] = value }
        return claims
    }

    private static func seconds(_ offset: Int64) -> JSON {
        .number(JSONNumber(TestIssuer.now.milliseconds / 1000 + offset))
    }

    @Test("a good token is its user with groups, address and client")
    func good() async throws {
        let token = try await judge(try await issuer.token())
        #expect(
            token.user
                == Caller.User(
                    issuer: TestIssuer.name, subject: "u-17", address: "ana@corp.example", groups: ["corp:analysts"],
                    client: "desktop"))
        #expect(token.expires == TestIssuer.now + .seconds(660))
        #expect(Caller(user: token.user).key == "https://login.corp.example#u-17@desktop")
    }

    @Test("a token with one claim that is not as it must be")
    func claims() async throws {
        let rows: [(String, JSONObject)] = [
            ("wrong-audience", with(("aud", "https://mcp.finance.corp.example/vault/mcp"))),
            ("wrong-audience", with(("aud", "https://mcp.finance.corp.example"))),
            ("wrong-audience", with(("aud", "https://mcp.finance.corp.example.evil.example/ledger/mcp"))),
            ("wrong-audience", with(("aud", "http://mcp.finance.corp.example/ledger/mcp"))),
            ("wrong-audience", with(("aud", "https://mcp.finance.corp.example/LEDGER/mcp"))),
            ("wrong-audience", with(("aud", nil), ("resource", "https://mcp.finance.corp.example/ledger/mcp"))),
            ("wrong-audience", with(("aud", ["https://mcp.finance.corp.example/ledger/mcp", 1]))),
            ("wrong-audience", with(("aud", .object(JSONObject())))),
            ("token-expired", with(("exp", Self.seconds(-60)))),
            ("token-expired", with(("exp", nil))),
            ("malformed-token", with(("exp", "soon"))),
            ("malformed-token", with(("exp", -1))),
            ("token-lives-too-long", with(("exp", Self.seconds(86_400 + 61)))),
            ("token-not-yet-valid", with(("nbf", Self.seconds(61)))),
            ("token-not-yet-valid", with(("iat", Self.seconds(61)))),
            ("unknown-issuer", with(("iss", "https://login.corp.example/"))),
            ("unknown-issuer", with(("iss", "https://evil.example"))),
            ("unknown-issuer", with(("iss", nil))),
            ("no-subject", with(("sub", nil))),
            ("no-subject", with(("sub", "u\u{301}"))),
            ("malformed-token", with(("client_id", 7))),
            ("sender-constrained", with(("cnf", ["jkt": "x"]))),
        ]
        for (expected, claims) in rows {
            #expect(try await code(try await issuer.token(claims)) == expected, "\(TestIssuer.text(claims))")
        }
    }

    @Test("a token with a header that is not as it must be")
    func headers() async throws {
        let rows: [(String, [(String, JSON)])] = [
            ("algorithm-refused", [("alg", "none"), ("kid", "k1")]),
            ("algorithm-refused", [("alg", "HS256"), ("kid", "k1")]),
            ("algorithm-refused", [("alg", "ES384"), ("kid", "k1")]),
            ("algorithm-refused", [("alg", "es256"), ("kid", "k1")]),
            ("malformed-token", [("kid", "k1")]),
            ("token-type", [("alg", "ES256"), ("typ", "oauth-id-jag+jwt"), ("kid", "k1")]),
            ("token-type", [("alg", "ES256"), ("typ", "application/oauth-id-jag+jwt"), ("kid", "k1")]),
            ("token-type", [("alg", "ES256"), ("typ", "logout+jwt"), ("kid", "k1")]),
            ("unknown-key", [("alg", "ES256"), ("kid", "k2")]),
            ("malformed-token", [("alg", "ES256"), ("kid", "k1"), ("crit", ["exp"]), ("exp", 1)]),
            ("malformed-token", [("alg", "ES256"), ("kid", "k1"), ("b64", false)]),
            // A key that the token brings along is no key of the issuer.
            ("unknown-key", [("alg", "ES256"), ("kid", "mine"), ("jwk", try issuer.entry("mine"))]),
            ("believed", [("alg", "ES256"), ("kid", "k1"), ("typ", "JWT")]),
            ("believed", [("alg", "ES256"), ("kid", "k1"), ("typ", "application/at+jwt")]),
            ("believed", [("alg", "ES256")]),
        ]
        for (expected, header) in rows {
            let token = try await issuer.token(header: JSONObject(header))
            #expect(try await code(token) == expected, "\(TestIssuer.text(JSONObject(header)))")
        }
    }

    @Test("a token without a signature, and one that is signed with what everybody has")
    func forged() async throws {
        let parts = try await issuer.token().split(separator: ".").map(String.init)
        let none = Base64.encodeURL(Array(#"{"alg":"none"}"#.utf8))
        #expect(try await code("\(none).\(parts[1]).") == "algorithm-refused")

        // The public key, as every caller can fetch it, taken for a shared secret.
        let secret = HMACKey(from: Array(issuer.key.publicKey.pemRepresentation.utf8))
        let mac = try await JWTKeyCollection().add(hmac: secret, digestAlgorithm: .sha256).getKey()
        let signed = Base64.encodeURL(Array(#"{"alg":"HS256","kid":"k1"}"#.utf8)) + "." + parts[1]
        let forged = signed + "." + Base64.encodeURL(try mac.sign(Array(signed.utf8)))
        #expect(try await code(forged) == "algorithm-refused")

        // Somebody else's key under the issuer's id, another token's signature, one bit.
        #expect(try await code(try await TestIssuer().token()) == "bad-signature")
        let other = try await issuer.token(with(("sub", "u-18"))).split(separator: ".").map(String.init)
        #expect(try await code("\(parts[0]).\(other[1]).\(parts[2])") == "bad-signature")
        var signature = try #require(Base64.decodeURL(parts[2]))
        signature[5] ^= 1
        #expect(try await code("\(parts[0]).\(parts[1]).\(Base64.encodeURL(signature))") == "bad-signature")
        #expect(try await code("\(parts[0]).\(parts[1]).") == "bad-signature")
    }

    /// Adds a fresh key to what signs.
    /// - Returns: what its issuer publishes.
    private func entry(_ algorithm: TokenAlgorithm, signing collection: JWTKeyCollection) async throws -> JSON {
        switch algorithm {
        case .rs256, .ps256:
            let (pem, entry) = try await TestIssuer.rsa(bits: 2048)
            let key = try Insecure.RSA.PrivateKey(pem: pem)
            if algorithm == .rs256 {
                await collection.add(rsa: key, digestAlgorithm: .sha256)
            } else {
                await collection.add(pss: key, digestAlgorithm: .sha256)
            }
            return entry
        case .edDSA:
            let key = try EdDSA.PrivateKey()
            await collection.add(eddsa: key)
            let point = Base64.encodeURL(Array(key.publicKey.rawRepresentation))
            return ["kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": .string(point)]
        default:
            await collection.add(ecdsa: issuer.key)
            return try issuer.entry()
        }
    }

    @Test("every algorithm of the default list", arguments: TestIssuer.settings.algorithms)
    func algorithms(algorithm: TokenAlgorithm) async throws {
        let collection = JWTKeyCollection()
        let published = PublishedKeys(TestIssuer.set([try await entry(algorithm, signing: collection)]))
        let signer = try await collection.getKey()
        for named in TestIssuer.settings.algorithms {
            let header = JSON.object(JSONObject([("alg", .string(named.rawValue)), ("kid", "k1")]))
            let signed = Base64.encodeURL(header.bytes) + "." + Base64.encodeURL(JSON.object(TestIssuer.claims).bytes)
            var signature = try signer.sign(Array(signed.utf8))
            let token = signed + "." + Base64.encodeURL(signature)
            guard named == algorithm else {
                // One RSA key may serve two algorithms; a signature by one of them is none by the other.
                let isSameKey = Set([named, algorithm]) == [.rs256, .ps256]
                #expect(try await code(token, published: published) == (isSameKey ? "bad-signature" : "unknown-key"))
                continue
            }
            #expect(try await judge(token, published: published).user.subject == "u-17")
            signature[signature.count / 2] ^= 1
            let forged = signed + "." + Base64.encodeURL(signature)
            #expect(try await code(forged, published: published) == "bad-signature")
        }
    }

    @Test("a token that can be read in two ways, or not at all")
    func malformed() async throws {
        let header = Array(#"{"alg":"ES256","kid":"k1"}"#.utf8)
        let claims = TestIssuer.text(TestIssuer.claims)
        let twice = claims.dropLast() + #","sub":"u-1"}"#
        let alike = claims.dropLast() + #","Sub":"u-1"}"#
        for text in [String(twice), String(alike), "[]", claims + " x"] {
            #expect(
                try await code(try await issuer.token(header: header, claims: Array(text.utf8))) == "malformed-token")
        }
        let doubled = Array(#"{"alg":"none","alg":"ES256","kid":"k1"}"#.utf8)
        let doubledToken = try await issuer.token(header: doubled, claims: Array(claims.utf8))
        #expect(try await code(doubledToken) == "malformed-token")
        let good = try await issuer.token()
        for text in [
            "", ".", "..", "a.b.c", good + ".x", good + "=", " " + good, good.replacingOccurrences(of: ".", with: "-"),
        ] {
            #expect(try await code(text) == "malformed-token", "\(text.prefix(20))")
        }
        let long = try await issuer.token(with(("padding", .string(String(repeating: "x", count: 16 << 10)))))
        #expect(try await code(long) == "token-too-large")
    }

    @Test(
        "an audience in another spelling is the same server",
        arguments: [
            "https://mcp.finance.corp.example/ledger/mcp/", "HTTPS://MCP.finance.corp.example/ledger/mcp",
            "https://mcp.finance.corp.example:443/ledger/mcp", "https://mcp.finance.corp.example/ledger/sse",
        ])
    func audiences(audience: String) async throws {
        #expect(
            try await code(try await issuer.token(with(("aud", ["https://other.example", .string(audience)]))))
                == "believed")
    }

    @Test("groups that the issuer does not name all of are a missing fact")
    func groups() async throws {
        let rows: [(JSONObject, Set<String>?)] = [
            (with(), ["corp:analysts"]),
            (with(("groups", [])), []),
            (with(("groups", ["a", "b c", "\u{212A}"])), ["corp:a"]),
            (with(("groups", nil)), nil),
            (with(("groups", nil), ("_claim_names", ["groups": "src1"])), nil),
            (with(("_claim_names", ["groups": "src1"])), nil),
            (with(("_claim_names", ["photo": "src1"])), ["corp:analysts"]),
            (with(("_claim_names", "groups")), nil),
            (with(("hasgroups", true)), nil),
            (with(("hasgroups", "true")), nil),
            (with(("groups", "analysts")), nil),
            (with(("groups", ["analysts", 7])), nil),
        ]
        for (claims, groups) in rows {
            let token = try await judge(try await issuer.token(claims))
            #expect(token.user.groups == groups, "\(TestIssuer.text(claims))")
        }
    }

    @Test("an address is believed only of the issuer's own people, and verified")
    func addresses() async throws {
        let rows: [(JSONObject, String?)] = [
            (with(), "ana@corp.example"),
            (with(("email_verified", false)), nil), (with(("email_verified", nil)), nil),
            (with(("email_verified", "true")), nil),
            (with(("email", "ceo@other.example")), nil), (with(("email", "ana@evil@corp.example")), nil),
            (with(("email", "@corp.example")), nil), (with(("email", "a na@corp.example")), nil),
            (with(("email", "\u{212A}ate@corp.example")), nil),
        ]
        for (claims, address) in rows {
            #expect(
                try await judge(try await issuer.token(claims)).user.address == address, "\(TestIssuer.text(claims))")
        }
    }

    @Test("a token that lacks a scope is told apart from one that is none")
    func scopes() async throws {
        for (claims, expected) in [
            (with(), "insufficient-scope"), (with(("scope", "mcp")), "insufficient-scope"),
            (with(("scope", "read mcp")), "believed"), (with(("scp", ["mcp", "read"])), "believed"),
            (with(("scope", "mcpread")), "insufficient-scope"),
        ] {
            #expect(try await code(try await issuer.token(claims), scopes: ["mcp", "read"]) == expected)
        }
    }

    @Test("no two callers have one key")
    func keys() {
        let users = [
            ("a", nil), ("a@b", nil), ("a", "b"), ("a%40b", nil), ("a#x", nil), ("a+b", nil), ("a%2Bb", nil),
        ]
        let keys = users.map { Caller(user: Caller.User(issuer: "https://i.example", subject: $0, client: $1)).key }
        #expect(Set(keys).count == users.count)
    }
}
