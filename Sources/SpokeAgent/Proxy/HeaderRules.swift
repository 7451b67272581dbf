import MCP
import Model

/// What a request's headers must be, and which of them go on.
package enum HeaderRules {
    private static let maximumConnectionNames = 32

    /// - Returns: the status to refuse with and why; nil when all is in order.
    package static func problem(
        _ head: HTTPRequestHead, _ limits: ListenerLimits = ListenerLimits()
    ) -> (status: Int, message: String)? {
        let headers = head.headers
        for name in ["Authorization", "Content-Type", "Content-Encoding", "Origin", "Last-Event-ID"]
        where headers.values(name).count > 1 {
            return (400, "the header `\(name)` stands more than once")
        }
        let listed = headers.values("Connection").reduce(0) { $0 + $1.utf8.count { $0 == UInt8(ascii: ",") } + 1 }
        guard listed <= maximumConnectionNames else {
            return (400, "the header `Connection` lists more than \(maximumConnectionNames) names")
        }
        // A browser names an origin; what it runs has a caller's certificate to lend only where this host's owner says so.
        guard limits.serves(origin: headers["Origin"]) else { return (403, "requests from that origin are not served") }
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

    /// What may go on: what tells of the client's program and traces a call (W3C Trace Context, Baggage), and nothing in
    /// which a server behind a proxy of another kind would look for who the caller is or where the call came from.
    private static let passed: Set<String> = ["user-agent", "accept-language", "traceparent", "tracestate", "baggage"]

    /// - Parameter trace: takes the place of what the client sent as its trace.
    package static func forwarded(
        _ headers: HTTPHeaders, removing: [String], trace: TraceContext? = nil
    ) -> HTTPHeaders {
        // What `Connection` names is for this hop alone (RFC 9110, section 7.6.1).
        let removed = connectionNames(headers).union(removing)
        var kept = HTTPHeaders(
            headers.fields.filter { field in
                let name = field.name.lowercased()
                return passed.contains(name) && !removed.contains(name)
            }.map { ($0.name, $0.value) })
        guard let trace else { return kept }
        kept.remove("traceparent")
        kept.remove("tracestate")
        guard !removing.contains("traceparent") else { return kept }
        kept.add("traceparent", trace.parentHeader)
        if let state = trace.state, !removed.contains("tracestate") { kept.add("tracestate", state) }
        return kept
    }

    private static func connectionNames(_ headers: HTTPHeaders) -> Set<String> {
        Set(
            headers.values("Connection").flatMap { $0.split(separator: ",") }.map {
                String($0.filter { $0 != " " && $0 != "\t" }).lowercased()
            })
    }
}
