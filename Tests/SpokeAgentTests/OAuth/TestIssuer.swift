import Foundation
import JWTKit
import Model
import NIOConcurrencyHelpers
import SpokeAgent
import TestSupport
import Trust

/// An authorization server that signs whatever a test says.
struct TestIssuer {
    static let name = "https://login.corp.example"
    static let now = SpokeFixture.now

    let key = ES256PrivateKey()

    /// What the spoke's host says of it.
    static var settings: TokenIssuer {
        var issuer = TokenIssuer(issuer: name, keys: "https://login.corp.example/keys")
        issuer.groups = TokenIssuer.GroupClaim(prefix: "corp:")
        issuer.addresses = TokenIssuer.AddressClaim(domains: ["corp.example"])
        return issuer
    }

    static var origin: OAuthOrigin {
        get throws {
            guard let origin = OAuthOrigin("https://mcp.finance.corp.example") else {
                throw SpokeError("bad-value", "the origin of a test is none")
            }
            return origin
        }
    }

    static var resource: ProtectedResource {
        get throws { ProtectedResource(try origin, server: "ledger") }
    }

    /// A key of the set that it publishes.
    func entry(_ id: String = "k1", _ change: (inout JSONObject) -> Void = { _ in }) throws -> JSON {
        guard let point = key.parameters else { throw SpokeError("bad-value", "the key of a test is none") }
        var entry = JSONObject([
            ("kty", "EC"), ("crv", "P-256"), ("kid", .string(id)), ("use", "sig"),
            ("x", .string(Self.url(point.x))), ("y", .string(Self.url(point.y))),
        ])
        change(&entry)
        return .object(entry)
    }

    /// jwt-kit writes coordinates in the standard alphabet.
    private static func url(_ text: String) -> String {
        text.replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
            .replacingOccurrences(of: "=", with: "")
    }

    /// An RSA key as PEM, and what its issuer publishes of it.
    static func rsa(bits: Int) async throws -> (key: String, entry: JSON) {
        let key = try await openssl(["genrsa", "\(bits)"])
        let modulus = try await openssl(["rsa", "-noout", "-modulus"], key).dropFirst("Modulus=".count)
        guard let bytes = Hex.decode(modulus.filter(\.isHexDigit).lowercased()), bytes.count * 8 == bits else {
            throw SpokeError("bad-value", "the key of a test is none")
        }
        return (key, ["kty": "RSA", "kid": "k1", "use": "sig", "e": "AQAB", "n": .string(Base64.encodeURL(bytes))])
    }

    private static func openssl(_ arguments: [String], _ input: String = "") async throws -> String {
        let openssl = try ChildProcess(URL(fileURLWithPath: "/usr/bin/openssl"), arguments, input: input)
        guard try await openssl.wait() == 0 else { throw SpokeError("openssl", openssl.standardError) }
        return openssl.standardOutput
    }

    static func set(_ entries: [JSON]) -> [UInt8] { JSON.object(JSONObject([("keys", .array(entries))])).bytes }

    static var claims: JSONObject {
        JSONObject([
            ("iss", .string(name)), ("sub", "u-17"), ("aud", "https://mcp.finance.corp.example/ledger/mcp"),
            ("exp", .number(JSONNumber(now.milliseconds / 1000 + 600))), ("client_id", "desktop"),
            ("groups", ["analysts"]), ("email", "Ana@corp.example"), ("email_verified", true),
        ])
    }

    static func text(_ object: JSONObject) -> String { String(decoding: JSON.object(object).bytes, as: UTF8.self) }

    func token(
        header: JSONObject = JSONObject([("alg", "ES256"), ("typ", "at+jwt"), ("kid", "k1")]),
        _ claims: JSONObject = claims
    ) async throws -> String {
        try await token(header: JSON.object(header).bytes, claims: JSON.object(claims).bytes)
    }

    /// Signs texts as they are.
    func token(header: [UInt8], claims: [UInt8]) async throws -> String {
        let signed = Base64.encodeURL(header) + "." + Base64.encodeURL(claims)
        let signer = try await JWTKeyCollection().add(ecdsa: key).getKey()
        return signed + "." + Base64.encodeURL(try signer.sign(Array(signed.utf8)))
    }
}

/// What an issuer publishes, and how often somebody asked.
final class PublishedKeys: Sendable {
    private let state: NIOLockedValueBox<(document: [UInt8]?, asked: Int, now: Instant)>

    init(_ document: [UInt8]?) { state = NIOLockedValueBox((document, 0, TestIssuer.now)) }

    var asked: Int { state.withLockedValue(\.asked) }
    var now: Instant { state.withLockedValue(\.now) }

    func publish(_ document: [UInt8]?) { state.withLockedValue { $0.document = document } }
    func pass(_ time: Milliseconds) { state.withLockedValue { $0.now = $0.now + time } }

    func keys(_ issuer: TokenIssuer = TestIssuer.settings) -> IssuerKeys {
        IssuerKeys(
            of: issuer, now: { self.now },
            fetch: {
                try self.state.withLockedValue { state in
                    state.asked += 1
                    guard let document = state.document else { throw SpokeError("unreachable", "nobody answers") }
                    return document
                }
            }, failed: { _ in })
    }
}
