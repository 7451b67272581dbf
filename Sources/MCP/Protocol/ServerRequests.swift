import Model

extension ServerRequestKind {
    /// The method by which a server asks for it.
    package var method: String {
        switch self {
        case .elicitation: "elicitation/create"
        case .roots: "roots/list"
        case .sampling: "sampling/createMessage"
        }
    }

    package init?(method: String) {
        guard let kind = Self.allCases.first(where: { sameBytes($0.method, method) }) else { return nil }
        self = kind
    }

    /// What is wrong with a request of this kind, whoever it is for; nil when nothing is. A URL that a person is sent to is
    /// a page on the web: other schemes would start programs.
    package func problem(_ params: JSONObject?) -> String? {
        guard self == .elicitation, let params, let url = params["url"] else { return nil }
        guard let url = url.string, url.utf8.count <= 2048, url.utf8.starts(with: "https://".utf8),
            url.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return "a person is to be sent to what is no `https` URL" }
        return nil
    }
}

/// What a stateless server asks for before it goes on: `inputRequests` and `requestState` of a result
/// (2026-07-28, basic/patterns/mrtr).
package struct InputRequired: Hashable, Sendable {
    private static let maximumRequests = 64
    private static let maximumState = 256 << 10

    /// By the key that the answer has to bear.
    package var kinds: [String: ServerRequestKind]
    /// Opaque, the server's own.
    package var state: String?

    /// - Parameter object: a result of type `input_required`, or a task that waits for input.
    /// - Throws: `bad-upstream` for what is not allowed here or is no such request.
    package init(_ object: JSONObject, allowing: [ServerRequestKind]) throws(MCPError) {
        kinds = [:]
        if let given = object["inputRequests"] {
            guard let requests = given.object, requests.pairs.count <= Self.maximumRequests else {
                throw MCPError(.badUpstream, "`inputRequests` is no object of at most \(Self.maximumRequests) requests")
            }
            for (key, request) in requests.pairs {
                guard key.utf8.count <= 256, let method = request["method"]?.string,
                    let kind = ServerRequestKind(method: method), allowing.contains(kind)
                else { throw MCPError(.badUpstream, "the server asks the client for what policy does not allow") }
                if let problem = kind.problem(request["params"]?.object) { throw MCPError(.badUpstream, problem) }
                kinds[key] = kind
            }
        }
        if let state = object["requestState"] {
            guard let text = state.string, text.utf8.count <= Self.maximumState else {
                throw MCPError(.badUpstream, "`requestState` is not a string of at most \(Self.maximumState) bytes")
            }
            self.state = text
        } else if object["inputRequests"] == nil {
            throw MCPError(.badUpstream, "the server asks for a repetition and says nothing of it")
        }
    }

    /// Whether the answers are to what was asked, each an object as every kind has it.
    package static func answers(_ responses: JSONObject, to kinds: [String: ServerRequestKind]) -> Bool {
        responses.pairs.allSatisfy { kinds[$0.key] != nil && $0.value.object != nil }
    }
}
