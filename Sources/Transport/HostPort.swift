import Model

/// Where to dial or listen: `127.0.0.1:8443`, `h1.hub.corp.example:8443`, `[::1]:8443`.
package struct HostPort: Hashable, Sendable, Codable, CustomStringConvertible {
    /// Without brackets.
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// - Throws: `bad-address`.
    package init(_ text: String) throws(TransportError) {
        let problem = TransportError("bad-address", "\(quoted(text)) is not an address", hint: "as `127.0.0.1:8443`")
        guard text.utf8.count <= 300, let colon = text.lastIndex(of: ":") else { throw problem }
        let digits = text[text.index(after: colon)...]
        guard (1...5).contains(digits.count), digits.allSatisfy({ $0.isASCII && $0.isNumber }), let port = Int(digits),
            port <= 65_535
        else { throw problem }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            throw problem
        }
        guard !host.isEmpty, host.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !Array("/@[]?#".utf8).contains($0) })
        else { throw problem }
        self.init(host: host, port: port)
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    package init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension HostPort {
    /// `localhost`, 127.0.0.0/8 or ::1.
    package var isLoopback: Bool {
        if host == "localhost" { return true }
        guard let bytes = IPAddress(host)?.bytes else { return false }
        return bytes.count == 4 ? bytes[0] == 127 : bytes == [UInt8](repeating: 0, count: 15) + [1]
    }
}

/// `https://h1.hub.corp.example:8443`: the name that a hub's certificate must bear, and the port it listens on.
package struct HubAddress: Hashable, Sendable {
    package var name: String
    package var port: Int

    /// - Throws: `bad-url`.
    package init(url: String) throws(TransportError) {
        let problem = TransportError(
            "bad-url", "\(quoted(url)) is not a hub's URL", hint: "as `https://h1.hub.corp.example:8443`")
        guard url.hasPrefix("https://") else { throw problem }
        var rest = String(url.dropFirst("https://".count))
        if rest.hasSuffix("/") { rest.removeLast() }
        guard let parsed = try? HostPort(rest.contains(":") ? rest : "\(rest):443"), isDomainName(parsed.host) else {
            throw problem
        }
        name = parsed.host
        port = parsed.port
    }
}
