import MCP
import Model

/// What a request's headers must be, and which of them go on.
package enum HeaderRules {
    private static let maximumConnectionNames = 32
    /// A reader of the first copy and a reader of the last would disagree.
    private static let single = ["Authorization", "Content-Type", "Content-Encoding", "Origin", "Last-Event-ID"]

    /// - Returns: the status to refuse with and why; nil when all is in order.
    package static func problem(
        _ head: HTTPRequestHead, _ limits: ListenerLimits = ListenerLimits()
    ) -> (status: Int, message: String)? {
        let headers = head.headers
        for name in single where headers.count(of: name) > 1 {
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
        guard isJSON(headers["Content-Type"] ?? "") else {
            return (415, "the body has to be `application/json` in UTF-8")
        }
        return nil
    }

    private static func isJSON(_ type: String) -> Bool {
        if sameHeaderName(type, "application/json") { return true }
        let parts = type.split(separator: ";").map { String($0.drop { $0 == " " }).lowercased() }
        return parts.first?.split(separator: " ").first == "application/json"
            && parts.dropFirst().allSatisfy { ["charset=utf-8", "charset=\"utf-8\""].contains($0) }
    }

    static func acceptsStream(_ headers: HTTPHeaders) -> Bool {
        headers.values("Accept").contains { holdsWord($0, "text/event-stream") || holdsWord($0, "*/*") }
    }

    /// What the sender takes itself to speak, for the shape of an answer to what could not be read.
    static func era(_ head: HTTPRequestHead) -> Era? {
        head.headers[EraRules.versionHeader].flatMap(ProtocolVersion.init)?.era
    }

    /// What may go on: what tells of the client's program and traces a call (W3C Trace Context, Baggage), and nothing in
    /// which a server behind a proxy of another kind would look for who the caller is or where the call came from.
    private static let passed = ["user-agent", "accept-language", "traceparent", "tracestate", "baggage"]

    /// - Parameter trace: takes the place of what the client sent as its trace.
    package static func forwarded(
        _ headers: HTTPHeaders, removing: [String], trace: TraceContext? = nil
    ) -> HTTPHeaders {
        // What `Connection` names is for this hop alone (RFC 9110, section 7.6.1).
        let removed = connectionNames(headers) + removing
        var kept = HTTPHeaders()
        for field in headers.fields {
            let isIt = { sameHeaderName($0, field.name) }
            if passed.contains(where: isIt), !removed.contains(where: isIt) { kept.add(field.name, field.value) }
        }
        guard let trace else { return kept }
        kept.remove("traceparent")
        kept.remove("tracestate")
        guard !removing.contains("traceparent") else { return kept }
        kept.add("traceparent", trace.parentHeader)
        if let state = trace.state, !removed.contains("tracestate") { kept.add("tracestate", state) }
        return kept
    }

    private static func connectionNames(_ headers: HTTPHeaders) -> [String] {
        headers.values("Connection").flatMap { $0.split(separator: ",") }.map {
            String($0.filter { $0 != " " && $0 != "\t" }).lowercased()
        }
    }
}
