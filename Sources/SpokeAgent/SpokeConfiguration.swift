import Model
import Transport
import YAMLFile

/// `spoke.yaml`: what this host runs and dials. It belongs to the host's owner; the hub never sees or changes it.
package struct SpokeConfiguration: Hashable, Sendable {
    /// Where callers reach the spoke, `HOST:PORT`; port 0 takes a free one.
    package var listen: HostPort
    /// By name, sorted.
    package var servers: [ServerConfiguration]
    package var metrics: HostPort?
    package var audit: AuditSettings
    package var limits: ListenerLimits
    /// What is allowed on this host at most.
    package var ceiling: Ceiling?
    /// A listener for callers with an access token; nil for none.
    package var oauth: OAuthSettings?

    /// - Throws: `bad-configuration`, which lists every problem of the file with its place.
    package static func read(_ bytes: [UInt8], file: String) throws(SpokeError) -> SpokeConfiguration {
        let problems = Problems()
        let node = YAMLFile.parse(bytes, file: file, problems: problems)
        let configuration = node.flatMap { read(NodeReader($0, problems)) }
        guard problems.isEmpty, let configuration else {
            let found = problems.all
            throw SpokeError(
                "bad-configuration",
                "cannot use `\(file)`:\n" + found.map { "  \($0.description)" }.joined(separator: "\n"),
                place: found.first?.place)
        }
        return configuration
    }

    private static func loopback(_ text: String) -> HostPort? {
        guard let address = try? HostPort(text), address.isLoopback else { return nil }
        return address
    }

    private static func read(_ reader: NodeReader) -> SpokeConfiguration? {
        let parts = reader.mapping("spoke.yaml") { file in
            (
                file.required("listen") { $0.parsed("`HOST:PORT`", { try? HostPort($0) }) },
                file.required("servers") { $0.entries(maximum: 200, ServerConfiguration.read) },
                file.optional("metrics") { $0.parsed("a loopback `HOST:PORT`", loopback) },
                file.optional("audit", AuditSettings.read),
                file.optional("limits") { ListenerLimits.read($0) } ?? ListenerLimits(),
                file.optional("hosts") { value in value.list(maximum: 64) { $0.parsed("a host name", hostName) } },
                file.optional("origins") { value in value.list(maximum: 64) { $0.parsed("an origin", origin) } },
                file.value("ceiling"),
                file.optional("oauth", OAuthSettings.read)
            )
        }
        guard let parts, let listen = parts.0, let servers = parts.1 else { return nil }
        if parts.2 == nil, let server = servers.first(where: { $0.identity?.form == .jwt }) {
            reader.fail(
                "missing-key", "`identity: jwt` of \(backticked(server.name)) needs `metrics`",
                hint: "the server fetches the key for it from `/jwks.json` there")
        }
        var limits = parts.4
        limits.hosts = parts.5 ?? []
        limits.origins = parts.6 ?? []
        // A ceiling that cannot be read must not be none: its problems keep the spoke from starting.
        let ceiling = parts.7.flatMap { Ceiling.read($0, servers: Set(servers.map(\.name))) }
        return SpokeConfiguration(
            listen: listen, servers: servers.sorted { $0.name < $1.name }, metrics: parts.2,
            audit: parts.3 ?? AuditSettings(), limits: limits, ceiling: ceiling, oauth: parts.8)
    }

    /// As `Host` names it: `fin-1.finance.corp.example`, with or without a port.
    private static func hostName(_ text: String) -> String? {
        let isName = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }
        return isName && text == text.lowercased() && text.utf8.count <= 255 ? text : nil
    }

    /// As a browser names it (RFC 6454, section 6.1): scheme and host, no path.
    private static func origin(_ text: String) -> String? {
        guard text.hasPrefix("https://"), !text.dropFirst(8).isEmpty, !text.dropFirst(8).contains("/"),
            text == text.lowercased(), text.utf8.count <= 255
        else { return nil }
        return text
    }
}
