import Model

/// Holds arguments with URLs to where a tool may be sent. It judges what a URL says, not what a name resolves to when the
/// server asks: that is the server's host's to bound.
package enum EgressRules {
    /// - Returns: which argument of a call may not go where, and why; nil when all may.
    package static func violation(_ rules: [Egress]?, tool: String, arguments: JSONObject) -> String? {
        for rule in rules ?? [] where concerns(rule.tools, tool) {
            let patterns = rule.to.compactMap { try? Pattern($0, segmented: true) }
            for name in rule.arguments {
                for value in NamedArguments.values(name, in: arguments) where !value.isNull {
                    let urls: [JSON] = if case .array(let elements) = value { elements } else { [value] }
                    for url in urls {
                        guard let text = url.string else { return "\(quoted(name)) holds what is no URL" }
                        if let problem = problem(text, patterns, rule.allowPrivate ?? false) {
                            return "\(quoted(name)) \(problem)"
                        }
                    }
                }
            }
        }
        return nil
    }

    private static func problem(_ text: String, _ patterns: [Pattern], _ allowPrivate: Bool) -> String? {
        var url = text
        // `https://corp.example` is `https://corp.example/` to every reader.
        let authority = text.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 2, omittingEmptySubsequences: false)
        if authority.count == 3, authority[1].isEmpty, !authority[2].contains(UInt8(ascii: "/")),
            !authority[2].contains(UInt8(ascii: "?"))
        {
            url += "/"
        }
        guard url.utf8.starts(with: "http://".utf8) || url.utf8.starts(with: "https://".utf8) else {
            return "is not a URL of the web"
        }
        do throws(MCPError) { try ResourceURI.validate(url) } catch { return "is not a URL in its one spelling" }
        let host = host(of: url)
        if !allowPrivate, isPrivate(host) { return "names a private, loopback or link-local address" }
        return patterns.contains { $0.matches(url) } ? nil : "names a place that is not on the list"
    }

    /// Of a URL that was validated: without brackets and port.
    private static func host(of url: String) -> String {
        let authority = url.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" }
        if authority.first == "[" { return String(authority.dropFirst().prefix { $0 != "]" }) }
        return String(authority.prefix { $0 != ":" })
    }

    /// Special-purpose addresses (RFC 6890), and names that mean this host or this link.
    static func isPrivate(_ host: String) -> Bool {
        let name = host.hasSuffix(".") ? String(host.dropLast()) : host
        guard let address = IPAddress(name) else {
            return name == "localhost" || !name.contains(".")
                || [".localhost", ".local", ".internal", ".home.arpa"].contains(where: name.hasSuffix)
        }
        return special.contains { $0.contains(address) }
    }

    private static let special: [Network] = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
        "240.0.0.0/4", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
        "fc00::/7", "fe80::/10", "ff00::/8",
    ].compactMap { try? Network($0) }
}
