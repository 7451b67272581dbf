import Logging
import MCP
import Model
import Transport

/// What a request at the listener for tokens passes before the pipeline: whether everybody may have the answer, and whose
/// request it is. The token is read here and goes no further: not upstream, not to the journal, not to a log.
final class BearerGate: Sendable {
    enum Passage: Sendable {
        case caller(AccessToken)
        /// Without knowing who asks.
        case answer(Answer)
        /// To be asked again when the issuer's keys have come.
        case waits(Task<Void, Never>)
    }

    let settings: OAuthSettings
    let crossOrigin: CrossOrigin
    private let services: Services
    private let verifier: TokenVerifier
    /// The one server of this host, where there is but one.
    private let onlyServer: String?
    /// Refused tokens by address.
    private let refused = RateLimiter()

    /// - Throws: `bad-url`, `bad-certificate`.
    convenience init(_ settings: OAuthSettings, servers: [String], _ services: Services) throws(TransportError) {
        var keys: [String: IssuerKeys] = [:]
        for issuer in settings.issuers {
            let client = try DocumentClient(issuer.keys, roots: issuer.roots, maximumBytes: KeySet.maximumBytes)
            let logger = services.logger
            keys[issuer.issuer] = IssuerKeys(
                of: issuer, now: services.now, fetch: { try await client.fetch() },
                failed: { error in
                    logger.warning(
                        "the keys of an issuer cannot be fetched",
                        metadata: ["issuer": "\(issuer.issuer)", "detail": "\(error)"])
                })
        }
        self.init(settings, servers: servers, services, keys: keys)
    }

    init(_ settings: OAuthSettings, servers: [String], _ services: Services, keys: [String: IssuerKeys]) {
        self.settings = settings
        self.services = services
        verifier = TokenVerifier(TokenRules(issuers: settings.issuers, scopes: settings.scopes), keys: keys)
        crossOrigin = CrossOrigin(origins: services.tables.limits.origins)
        onlyServer = servers.count == 1 ? servers[0] : nil
    }

    func ask(_ head: HTTPRequestHead, from address: IPAddress?) -> Passage {
        guard OAuthOrigin("https://" + (head.headers["Host"] ?? "")) == settings.url else {
            return .answer(Self.plain(421, "Misdirected Request"))
        }
        if let answer = crossOrigin.preflight(head) { return .answer(answer) }
        if let resource = ProtectedResource.described(head.target, settings.url, only: onlyServer) {
            guard head.method == "GET" else {
                return .answer(Self.plain(405, "Method Not Allowed", [Answer.Field("Allow", "GET")]))
            }
            return .answer(resource.metadata(settings))
        }
        // Clients of 2025-03-26 look for an authorization server here; there is none.
        guard let resource = ProtectedResource(settings.url, target: head.target) else {
            return .answer(Self.plain(404, "Not Found"))
        }
        // Who shares an address with others is not turned away for theirs: a token that was believed before is so now.
        let place = address?.host ?? ""
        let wait = refused.wait(caller: place, server: "", [settings.refusals], now: services.now())
        do throws(SpokeError) {
            guard let token = try bearer(head.headers) else {
                services.tokens.count("none")
                return .answer(unauthorized(resource))
            }
            switch try verifier.judge(token, for: resource, now: services.now(), verifying: wait == nil) {
            case .believed(let token):
                services.tokens.count("ok")
                return .caller(token)
            case .waits(let fetching): return .waits(fetching)
            }
        } catch {
            // That the issuer is away is nobody's fault here.
            if error.code == "keys-unavailable" { return .answer(refusal(error, resource, address)) }
            if let wait {
                services.limited.count("tokens")
                return .answer(Answer(refusing: .attempts, id: nil, wait: wait) ?? Answer(status: 429))
            }
            _ = refused.take(caller: place, server: "", [settings.refusals], now: services.now())
            return .answer(refusal(error, resource, address))
        }
    }

    /// Nil where the request shows none.
    private func bearer(_ headers: HTTPHeaders) throws(SpokeError) -> String? {
        let value: String?
        do throws(MCPError) { value = try headers.only("Authorization") } catch {
            throw SpokeError("malformed-token", "the token stands twice")
        }
        guard let value else { return nil }
        let parts = value.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].lowercased() == "bearer", !parts[1].isEmpty else { return nil }
        return String(parts[1])
    }

    // MARK: answers

    private func unauthorized(
        _ resource: ProtectedResource, _ error: (code: String, description: String)? = nil, status: Int = 401
    ) -> Answer {
        Self.plain(
            status, status == 401 ? "Unauthorized" : "Forbidden", [resource.challenge(settings, error: error)])
    }

    private func refusal(_ error: SpokeError, _ resource: ProtectedResource, _ address: IPAddress?) -> Answer {
        services.tokens.count(error.code)
        let snapshot = services.snapshots.current
        services.deny(
            DecisionRecord(
                number: 0, at: services.now(), caller: "unknown", address: address?.description,
                server: resource.server.flatMap { snapshot?.servers[$0]?.name } ?? "", aim: "connect", verdict: .deny,
                reason: error.code, revision: snapshot?.revision, bundle: snapshot?.delivery.digest))
        switch error.code {
        case "keys-unavailable": return Self.plain(503, "Service Unavailable", [Answer.Field("Retry-After", "5")])
        case "insufficient-scope": return unauthorized(resource, ("insufficient_scope", error.message), status: 403)
        default: return unauthorized(resource, ("invalid_token", error.message))
        }
    }

    private static func plain(_ status: Int, _ message: String, _ headers: [Answer.Field] = []) -> Answer {
        Answer(
            status: status,
            MCPMessage.failure(id: nil, JSONRPCError(code: JSONRPCErrors.invalidRequest, message: message)),
            headers: headers)
    }
}
