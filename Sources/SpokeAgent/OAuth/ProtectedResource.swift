import MCP
import Model

/// A server's endpoint as clients of the `oauth:` listener name it: what a token has to be for (RFC 8707), and what says where
/// such tokens come from (RFC 9728).
package struct ProtectedResource: Hashable, Sendable {
    static let wellKnown = "/.well-known/oauth-protected-resource"

    let origin: OAuthOrigin
    /// Short name; nil for the origin itself.
    let server: String?
    /// `/ledger/mcp`, or `/ledger/sse` for a client of 2024-11-05; empty for the origin.
    let path: String

    /// Nil for a target that is no endpoint.
    package init?(_ origin: OAuthOrigin, target: String) {
        guard let endpoint = Endpoint(target) else { return nil }
        self.init(origin, server: endpoint.server, kind: endpoint.kind == .mcp ? "mcp" : "sse")
    }

    package init(_ origin: OAuthOrigin, server: String, kind: String = "mcp") {
        self.origin = origin
        self.server = server
        path = "/\(server)/\(kind)"
    }

    private init(_ origin: OAuthOrigin) {
        self.origin = origin
        server = nil
        path = ""
    }

    /// What a well-known URL describes, with the resource's path behind it (RFC 9728, section 3.1) or without one; nil for
    /// any other target. Every name that a server could have is described: which there are is not told to strangers.
    ///
    /// - Parameter only: the one server behind this origin, where there is but one: clients that know no other place than
    ///   the root's then find its endpoint there.
    package static func described(_ target: String, _ origin: OAuthOrigin, only server: String?) -> ProtectedResource? {
        guard target.hasPrefix(wellKnown) else { return nil }
        let path = String(target.dropFirst(wellKnown.count))
        if path.isEmpty || path == "/" {
            return server.map { ProtectedResource(origin, server: $0) } ?? ProtectedResource(origin)
        }
        guard let resource = ProtectedResource(origin, target: path), resource.path == path else { return nil }
        return resource
    }

    package var identifier: String { origin.description + path }
    var metadataURL: String { origin.description + Self.wellKnown + path }

    /// Whether an audience names this server, at either of its endpoints, with or without a slash behind it.
    package func isNamed(by audience: String) -> Bool {
        guard let server, var named = origin.path(of: audience) else { return false }
        if named.hasSuffix("/") { named.removeLast() }
        return ["/\(server)/mcp", "/\(server)/sse"].contains { $0.utf8.elementsEqual(named.utf8) }
    }

    package func metadata(_ settings: OAuthSettings) -> Answer {
        var document = JSONObject([
            ("resource", .string(identifier)),
            ("authorization_servers", .array(settings.issuers.map { .string($0.issuer) })),
            ("bearer_methods_supported", ["header"]),
        ])
        if !settings.scopes.isEmpty { document["scopes_supported"] = .array(settings.scopes.map(JSON.string)) }
        return Answer(
            status: 200, headers: [Answer.Field("Content-Type", "application/json")], body: JSON.object(document).bytes)
    }

    /// `WWW-Authenticate` (RFC 6750, section 3; RFC 9728, section 5.1).
    package func challenge(_ settings: OAuthSettings, error: (code: String, description: String)? = nil) -> Answer.Field
    {
        var parameters = [("resource_metadata", metadataURL)]
        if let error { parameters += [("error", error.code), ("error_description", error.description)] }
        if !settings.scopes.isEmpty { parameters.append(("scope", settings.scopes.joined(separator: " "))) }
        return Answer.Field(
            "WWW-Authenticate", "Bearer " + parameters.map { "\($0.0)=\"\($0.1)\"" }.joined(separator: ", "))
    }
}
