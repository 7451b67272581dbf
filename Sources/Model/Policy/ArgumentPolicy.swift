/// What a server may ask of a client, in either era of MCP.
package enum ServerRequestKind: String, CaseIterable, Comparable, Codable, Hashable, Sendable {
    case elicitation, roots, sampling

    package static func < (left: ServerRequestKind, right: ServerRequestKind) -> Bool { left.rawValue < right.rawValue }
}

/// Where tools that fetch may be sent: arguments that hold URLs, and what these may name.
package struct Egress: Hashable, Sendable, Codable {
    /// Patterns of tool names; nil for every tool.
    package var tools: [String]?
    /// Names of arguments, `url` or `options.url`; each holds a URL or a list of URLs where it is given.
    package var arguments: [String]
    /// Patterns of URLs, `https://*.corp.example/**`; one of them must match.
    package var to: [String]
    /// Whether private, loopback and link-local addresses may be named; nil is no.
    package var allowPrivate: Bool?

    package init(tools: [String]? = nil, arguments: [String], to: [String], allowPrivate: Bool? = nil) {
        self.tools = tools
        self.arguments = arguments
        self.to = to
        self.allowPrivate = allowPrivate
    }

    /// A pattern of URLs: scheme, host and path.
    /// - Throws: `bad-pattern`.
    package static func pattern(_ text: String) throws(ModelError) -> Pattern {
        guard text.hasPrefix("https://") || text.hasPrefix("http://"),
            text.dropFirst(8).contains("/") || text.hasSuffix("**")
        else {
            throw ModelError(
                "bad-pattern", "`\(text.prefix(100))` is not a pattern of URLs",
                hint: "scheme, host and path, as `https://*.corp.example/**`")
        }
        return try Pattern(text, segmented: true)
    }
}

/// A look for what attacks are made of, in arguments that hold paths, words of a command or values of a query.
package struct ArgumentCheck: Hashable, Sendable, Codable {
    package enum Kind: String, CaseIterable, Codable, Hashable, Sendable {
        case pathTraversal, shell, sql
    }

    package enum Verdict: String, CaseIterable, Codable, Hashable, Sendable {
        /// The call goes on, and its line in the journal says what was found.
        case report
        case refuse
    }

    package var check: Kind
    /// Patterns of tool names; nil for every tool.
    package var tools: [String]?
    /// Names of arguments, `path` or `options.path`.
    package var arguments: [String]
    package var then: Verdict

    package init(_ check: Kind, tools: [String]? = nil, arguments: [String], then: Verdict) {
        self.check = check
        self.tools = tools
        self.arguments = arguments
        self.then = then
    }
}

/// Whether a policy that names these tools speaks of that one. A pattern that cannot be read speaks of every tool: what it
/// was to hold back does not pass for a mistake in it.
package func concerns(_ tools: [String]?, _ tool: String) -> Bool {
    guard let tools else { return true }
    return tools.contains { (try? Pattern($0, segmented: false))?.matches(tool) ?? true }
}
