import MCP

/// What pages of other origins may do at the listener for tokens (Fetch, section 3.2, "CORS protocol"): a browser asks before
/// it sends what no form could, and reads no answer to its page without leave.
///
/// Only `origins:` of `spoke.yaml` get it, each by its name. Nothing is said of credentials, so no browser lends a page its
/// cookies or its certificates here: what a page has to show is the token that it holds.
package struct CrossOrigin: Sendable {
    private static let methods = "GET, POST, DELETE"
    private static let exposed = "Mcp-Session-Id, WWW-Authenticate"
    private static let maximumNames = 64
    private let origins: Set<String>

    package init(origins: [String]) { self.origins = Set(origins) }

    /// The answer to the question of a browser before a page's request; nil for any other request.
    package func preflight(_ head: HTTPRequestHead) -> Answer? {
        guard head.method == "OPTIONS", head.headers["Origin"] != nil,
            head.headers["Access-Control-Request-Method"] != nil
        else { return nil }
        guard allowed(head) != nil else { return Answer(status: 403) }
        let names = head.headers.values("Access-Control-Request-Headers").flatMap { $0.split(separator: ",") }.map {
            $0.filter { $0 != " " && $0 != "\t" }.lowercased()
        }
        var fields = [
            Answer.Field("Access-Control-Allow-Methods", Self.methods), Answer.Field("Access-Control-Max-Age", "600"),
        ]
        let served = names.prefix(Self.maximumNames).filter(Self.isServed)
        if !served.isEmpty {
            fields.append(Answer.Field("Access-Control-Allow-Headers", served.joined(separator: ", ")))
        }
        return Answer(status: 204, headers: fields)
    }

    /// What clients of MCP send; `Mcp-Param-*` are as many as tools have parameters.
    private static func isServed(_ name: String) -> Bool {
        if ["authorization", "content-type", "accept", "last-event-id"].contains(name) { return true }
        let isName = name.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || [0x2D, 0x5F].contains($0)
        }
        return name.hasPrefix("mcp-") && name.utf8.count <= 128 && isName
    }

    /// Gives the page that asked leave to read the answer, whatever the answer is. What a policy says of other origins does
    /// not count here: who may read with a token is for this host's owner to say.
    package func mark(_ headers: inout HTTPHeaders, of head: HTTPRequestHead?) {
        headers.remove(prefix: "Access-Control-")
        guard !origins.isEmpty else { return }
        headers.add("Vary", "Origin")
        guard let head, let origin = allowed(head) else { return }
        headers.set("Access-Control-Allow-Origin", origin)
        if head.method != "OPTIONS" { headers.set("Access-Control-Expose-Headers", Self.exposed) }
    }

    private func allowed(_ head: HTTPRequestHead) -> String? {
        guard let origin = try? head.headers.only("Origin"), origins.contains(origin) else { return nil }
        return origin
    }
}
