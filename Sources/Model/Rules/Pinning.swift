/// What to do about tools whose definition is not the approved one.
package enum PinMode: String, Codable, Hashable, Sendable, CaseIterable, Comparable {
    case off, report, enforce

    /// Whether it is less strict.
    package static func < (left: PinMode, right: PinMode) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}

/// A definition that was approved for a tool.
package struct ToolDefinition: Hashable, Sendable, Codable {
    /// The tool's.
    package var name: String
    /// `sha256:…` of the definition in the form of RFC 8785: key order and white space change nothing.
    package var digest: String
    /// `annotations.readOnlyHint`; nil when the definition does not say.
    package var readOnly: Bool?

    package init(name: String, digest: String, readOnly: Bool?) {
        self.name = name
        self.digest = digest
        self.readOnly = readOnly
    }

    /// What a definition says of itself; nil when it does not.
    package static func readOnlyHint(of definition: JSON) -> Bool? { definition["annotations"]?["readOnlyHint"]?.bool }
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
    /// By the tool's name. There may be several of one tool: a server may define it differently in each version of MCP.
    package var approved: [String: [ToolDefinition]]

    package init(mode: PinMode, approved: [ToolDefinition]) {
        self.mode = mode
        self.approved = Dictionary(grouping: approved, by: \.name)
    }

    /// - Returns: nil for what is approved, and for everything that is no tool.
    package func drift(_ request: Request) -> Drift? {
        guard mode != .off, let tool = request.aim.tool else { return nil }
        guard let pins = approved[tool] else { return .unapproved }
        let seen = request.facts.definitions
        return !seen.isEmpty && seen.allSatisfy { digest in pins.contains { $0.digest == digest } } ? nil : .changed
    }

    /// The facts as rules may believe them: where definitions are pinned, a tool is read-only when the approved definitions
    /// say so and are the ones that are there.
    func facts(_ request: Request) -> Facts {
        var facts = request.facts
        guard mode != .off, let tool = request.aim.tool else { return facts }
        let pins = (approved[tool] ?? []).filter { facts.definitions.contains($0.digest) }
        let says = drift(request) == nil ? Set(pins.map(\.readOnly)) : []
        facts.readOnly = says.count == 1 ? says.first.flatMap(\.self) : nil
        return facts
    }
}
