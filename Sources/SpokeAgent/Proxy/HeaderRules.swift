import MCP
import Model

/// What a request's headers must be, and which of them go on.
enum HeaderRules {
    /// - Returns: the status to refuse with and why; nil when all is in order.
    static func problem(_ head: HTTPRequestHead) -> (status: Int, message: String)? {
        let headers = head.headers
        for name in ["Authorization", "Content-Type", "Content-Encoding", "Origin"] where headers.values(name).count > 1
        {
            return (400, "the header `\(name)` stands more than once")
        }
        // A browser names an origin; nothing that a browser runs has a caller's certificate to lend.
        guard headers["Origin"] == nil else { return (403, "requests from web pages are not served") }
        guard head.method == "POST" else { return nil }
        if let encoding = headers["Content-Encoding"], !sameHeaderName(encoding, "identity") {
            return (415, "the body is encoded; send it as it is")
        }
        let parts = (headers["Content-Type"] ?? "").split(separator: ";").map {
            String($0.drop { $0 == " " }).lowercased()
        }
        guard parts.first?.split(separator: " ").first == "application/json",
            parts.dropFirst().allSatisfy({ ["charset=utf-8", "charset=\"utf-8\""].contains($0) })
        else { return (415, "the body has to be `application/json` in UTF-8") }
        return nil
    }

    static func acceptsStream(_ headers: HTTPHeaders) -> Bool {
        headers.values("Accept").contains { $0.lowercased().contains("text/event-stream") || $0.contains("*/*") }
    }

    /// What the sender takes itself to speak, for the shape of an answer to what could not be read.
    static func era(_ head: HTTPRequestHead) -> Era? {
        head.headers[EraRules.versionHeader].flatMap(ProtocolVersion.init)?.era
    }

    /// Never taken over: framing and routing are made anew, and nothing may claim to speak for the caller.
    private static let dropped: Set<String> = [
        "accept", "accept-encoding", "authorization", "connection", "content-encoding", "content-length",
        "content-type",
        "cookie", "expect", "forwarded", "host", "keep-alive", "last-event-id", "origin", "proxy-authenticate",
        "proxy-authorization", "proxy-connection", "referer", "te", "trailer", "transfer-encoding", "true-client-ip",
        "upgrade", "via", "x-http-method", "x-http-method-override", "x-method-override", "x-real-ip",
    ]
    private static let droppedPrefixes = [
        "mcp-", "proxy-", "sec-", "x-authenticated-", "x-client-", "x-envoy-", "x-forwarded", "x-original-", "x-peer-",
        "x-remote-", "x-rewrite-", "x-ssl-", "x-spiffe-", "x-user", "x-nave-",
    ]

    static func forwarded(_ headers: HTTPHeaders, removing: [String]) -> HTTPHeaders {
        // What `Connection` names is for this hop alone (RFC 9110, section 7.6.1).
        let named = headers.values("Connection").flatMap { $0.split(separator: ",") }.map {
            String($0.filter { $0 != " " }).lowercased()
        }
        return HTTPHeaders(
            headers.fields.filter { field in
                let name = field.name.lowercased()
                return !dropped.contains(name) && !named.contains(name) && !removing.contains(name)
                    && !droppedPrefixes.contains(where: name.hasPrefix)
            }.map { ($0.name, $0.value) })
    }
}
