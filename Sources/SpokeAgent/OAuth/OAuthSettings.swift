import Model
import Transport

/// `oauth:` of `spoke.yaml`: a second listener, for MCP clients that show an access token and no certificate.
package struct OAuthSettings: Hashable, Sendable {
    package var listen: HostPort
    /// What clients call it, `https://mcp.finance.corp.example`; with a server's path it is what a token must be for.
    package var url: OAuthOrigin
    /// PEM files: the chain, the leaf first, and its key.
    package var certificate: String
    package var key: String
    /// Whose tokens are believed; the first is the one that clients take.
    package var issuers: [TokenIssuer]
    /// What every token must bear besides; empty for nothing.
    package var scopes: [String] = []
    /// Refused tokens of one address.
    package var refusals = Limits.Rate(requests: 60, per: .seconds(60), burst: 120)
    /// Of one address, open at once: who it is nobody knows before the first request.
    package var connectionsPerAddress = 256

    static func read(_ value: NodeReader) -> OAuthSettings? {
        return value.mapping("oauth") { oauth -> OAuthSettings? in
            let path = { (value: NodeReader) in
                value.parsed("an absolute path", { $0.hasPrefix("/") && !$0.contains("\0") ? $0 : nil })
            }
            let listen = oauth.required("listen") { $0.parsed("`HOST:PORT`", { try? HostPort($0) }) }
            let url = oauth.required("url") { value in
                value.parsed("an origin, as `https://mcp.corp.example`", { OAuthOrigin($0) })
            }
            let certificate = oauth.required("certificate", path)
            let key = oauth.required("key", path)
            let issuers = oauth.required("issuers") { $0.list(minimum: 1, maximum: 4, TokenIssuer.read) }
            let scopes = oauth.optional("scopes") { $0.list(maximum: 16) { $0.parsed("a scope", scope) } }
            let refusals = oauth.optional("refusals") { $0.rate() }
            let connections = oauth.optional("connectionsPerAddress") { $0.integer(in: 1...100_000) }
            if let issuers { TokenIssuer.check(issuers, at: oauth.place(of: "issuers"), oauth.problems) }
            guard let listen, let url, let certificate, let key, let issuers else { return nil }
            var settings = OAuthSettings(
                listen: listen, url: url, certificate: certificate, key: key, issuers: issuers, scopes: scopes ?? [])
            settings.refusals = refusals ?? settings.refusals
            settings.connectionsPerAddress = connections.map { Int($0) } ?? settings.connectionsPerAddress
            return settings
        }
    }

    /// RFC 6749, section 3.3.
    private static func scope(_ text: String) -> String? {
        let isScope = text.utf8.allSatisfy { $0 == 0x21 || (0x23...0x5B).contains($0) || (0x5D...0x7E).contains($0) }
        return isScope && (1...128).contains(text.utf8.count) ? text : nil
    }
}

/// The scheme, host and port under which clients know the listener, in one spelling: lower case, no default port.
package struct OAuthOrigin: Hashable, Sendable, CustomStringConvertible {
    /// As `Host` has it.
    package let authority: String

    /// Nil for everything but `https://HOST[:PORT]`.
    package init?(_ text: String) {
        let scheme = "https://"
        let lower = text.lowercased()
        guard lower.hasPrefix(scheme), lower.utf8.count <= 300 else { return nil }
        var authority = String(lower.dropFirst(scheme.count))
        if authority.hasSuffix(":443") { authority.removeLast(4) }
        guard (try? HostPort(authority)) ?? (try? HostPort(authority + ":443")) != nil, !authority.contains("\"") else {
            return nil
        }
        self.authority = authority
    }

    package var description: String { "https://\(authority)" }

    /// What stands behind the origin in a URL of ours; nil for any other URL.
    func path(of url: String) -> String? {
        let end = url.utf8.index(url.startIndex, offsetBy: "https://".utf8.count, limitedBy: url.endIndex)
        guard let end else { return nil }
        let slash = url[end...].firstIndex(of: "/") ?? url.endIndex
        guard let origin = OAuthOrigin(String(url[..<slash])), origin == self else { return nil }
        return String(url[slash...])
    }
}
