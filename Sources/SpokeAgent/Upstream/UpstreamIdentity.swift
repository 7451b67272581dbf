import JWTKit
import MCP
import Model
import Trust

/// `upstream:` of a server in `spoke.yaml`: how the server is told who calls. By itself it is not told at all.
package struct IdentitySettings: Hashable, Sendable {
    package enum Form: String, CaseIterable, Hashable, Sendable {
        case none
        /// The caller's name in a header, for a server that listens for this spoke alone.
        case header
        /// A token that this spoke signed, for a server that wants to check it.
        case jwt
    }

    package var form: Form
    /// Which header bears it; whatever a client sent under that name does not go on.
    package var header: String

    static func read(_ value: NodeReader) -> IdentitySettings? {
        return value.mapping("upstream") { upstream -> IdentitySettings? in
            guard let form = upstream.required("identity", { $0.word(Form.self) }) else { return nil }
            let header = upstream.optional("header") { value in
                value.parsed(
                    "the name of a header that is not used otherwise",
                    hint: "`Nave-Caller`, or `Authorization` for a token",
                    { isFree($0, form) ? $0 : nil })
            }
            return IdentitySettings(form: form, header: header ?? (form == .jwt ? "Nave-Identity" : "Nave-Caller"))
        }
    }

    private static func isFree(_ name: String, _ form: Form) -> Bool {
        let lower = name.lowercased()
        let used = [
            "host", "accept", "accept-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect",
            "cookie",
            "last-event-id", "traceparent", "tracestate", "baggage",
        ]
        return (1...64).contains(name.utf8.count) && !used.contains(lower)
            && !["mcp-", "content-", "transfer-", "proxy-"].contains(where: lower.hasPrefix)
            && (lower != "authorization" || form == .jwt)
            && name.utf8.allSatisfy {
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= ($0 | 0x20) || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
                    || $0 == UInt8(ascii: "-")
            }
    }
}

/// Tells one server who calls.
struct UpstreamIdentity: Sendable {
    let settings: IdentitySettings
    /// Full name, `finance/ledger`.
    let server: String
    let signer: IdentitySigner

    /// - Parameter caller: nil for what the spoke asks itself.
    /// - Returns: the header; nil where it cannot be made, and then nothing is sent.
    func field(_ caller: Caller?) -> (name: String, value: String)? {
        switch settings.form {
        case .none: return nil
        case .header: return (settings.header, caller?.key ?? signer.spoke.description)
        case .jwt:
            guard let token = try? signer.token(caller, for: server) else { return nil }
            return (settings.header, (sameHeaderName(settings.header, "Authorization") ? "Bearer " : "") + token)
        }
    }
}

/// Signs who calls, by a key that lives as long as this process. Its public half stands beside `/metrics`, at `/jwks.json`.
package final class IdentitySigner: Sendable {
    /// Of a token; a server reads it while it takes the call.
    package static let lifetime = Milliseconds.seconds(60)

    package let spoke: SPIFFEID
    /// RFC 7517.
    package let keySet: [UInt8]
    private let key: String
    private let signer: any JWTAlgorithm
    private let now: @Sendable () -> Instant

    /// - Throws: `no-randomness`, `bad-key`.
    package init(spoke: SPIFFEID, now: @escaping @Sendable () -> Instant) async throws {
        self.spoke = spoke
        self.now = now
        let pair = ES256PrivateKey()
        key = Hex.encode(try randomBytes(8))
        signer = try await JWTKeyCollection().add(ecdsa: pair).getKey()
        guard let point = pair.parameters, let x = Base64.decode(point.x), let y = Base64.decode(point.y) else {
            throw SpokeError("bad-key", "a fresh key has no coordinates")
        }
        let entry: JSON = [
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": .string(key),
            "x": .string(Base64.encodeURL(x)), "y": .string(Base64.encodeURL(y)),
        ]
        keySet = JSON.object(JSONObject([("keys", .array([entry]))])).bytes
    }

    /// A token that says who calls, for that server alone (RFC 7519): `iss` the spoke, `aud` the server's full name, `sub` the
    /// caller as in the journal, with its parts beside.
    /// - Throws: what the signature throws.
    package func token(_ caller: Caller?, for server: String) throws -> String {
        let seconds = now().milliseconds / 1000
        var claims = JSONObject([
            ("iss", .string(spoke.description)), ("aud", .string(server)),
            ("sub", .string(caller?.key ?? spoke.description)), ("iat", .number(JSONNumber(seconds))),
            ("exp", .number(JSONNumber(seconds + Self.lifetime.count / 1000))),
            ("jti", .string(Hex.encode(try randomBytes(16)))),
        ])
        claims["workload"] = caller?.workload.map { .string($0.description) }
        if let user = caller?.user {
            var part = JSONObject([("iss", .string(user.issuer)), ("sub", .string(user.subject))])
            part["client_id"] = user.client.map(JSON.string)
            part["email"] = user.address.map(JSON.string)
            claims["user"] = .object(part)
        }
        let header: JSON = ["alg": "ES256", "typ": "JWT", "kid": .string(key)]
        let signed = Base64.encodeURL(header.bytes) + "." + Base64.encodeURL(JSON.object(claims).bytes)
        return signed + "." + Base64.encodeURL(try signer.sign(Array(signed.utf8)))
    }
}

extension SPIFFEID {
    /// The first label of a spoke's trust domain.
    var zone: Substring { trustDomain.prefix { $0 != "." } }
}
