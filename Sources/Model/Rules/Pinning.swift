/// What to do about tools whose definition is not the approved one.
package enum PinMode: String, Codable, Hashable, Sendable, CaseIterable, Comparable {
    case off, report, enforce

    /// Whether it is less strict.
    package static func < (left: PinMode, right: PinMode) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}

/// A tool as a server's catalog defines it.
package struct ToolDefinition: Hashable, Sendable, Codable {
    package var name: String
    /// `sha256:…` of the definition as canonical JSON (RFC 8785): key order and white space change nothing.
    package var digest: String
    /// `annotations.readOnlyHint`; nil when the definition does not say.
    package var readOnly: Bool?

    package init(name: String, digest: String, readOnly: Bool?) {
        self.name = name
        self.digest = digest
        self.readOnly = readOnly
    }
}

/// The tools of one server as a spoke fetched them.
package struct ToolCatalog: Hashable, Sendable, Codable {
    /// Full name.
    package var server: String
    /// By name.
    package var tools: [ToolDefinition]
    package var at: Instant

    package init(server: String, tools: [ToolDefinition], at: Instant) {
        self.server = server
        self.tools = tools.sorted { $0.name < $1.name }
        self.at = at
    }
}

/// How a definition differs from what was approved.
package enum Drift: Hashable, Sendable {
    /// Nobody approved a tool of that name.
    case unapproved
    /// Another definition was approved, or it is not known which one this is.
    case changed
}

/// The approved definitions of one server's tools, and what holds for others.
package struct Pinning: Hashable, Sendable {
    package var mode: PinMode
    /// By the tool's name.
    package var approved: [String: ToolDefinition]

    package init(mode: PinMode, approved: [ToolDefinition]) {
        self.mode = mode
        self.approved = Dictionary(approved.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// - Returns: nil for what is approved, and for everything that is no tool.
    package func drift(_ request: Request) -> Drift? {
        guard mode != .off, let tool = request.aim.tool else { return nil }
        guard let pin = approved[tool] else { return .unapproved }
        return pin.digest == request.facts.definition ? nil : .changed
    }

    /// The facts as rules may believe them: where definitions are pinned, a tool is read-only when the approved definition
    /// says so and is the one that is there.
    func facts(_ request: Request) -> Facts {
        var facts = request.facts
        guard mode != .off, let tool = request.aim.tool else { return facts }
        facts.readOnly = drift(request) == nil ? approved[tool]?.readOnly : nil
        return facts
    }
}
