/// The kinds of things an MCP server offers.
package enum CapabilityKind: String, Codable, Hashable, Sendable, CaseIterable {
    case tool, resource, prompt
}

/// One thing a server offers: `tool:read_entry`, `resource:ledger://reports/2026`, `prompt:summary`.
package struct Capability: Hashable, Sendable, CustomStringConvertible {
    package var kind: CapabilityKind
    package var name: String

    package init(_ kind: CapabilityKind, _ name: String) {
        self.kind = kind
        self.name = name
    }

    /// Reads `kind:name`.
    /// - Throws: `bad-capability`.
    package init(_ text: String) throws(ModelError) {
        var text = text
        let read = text.withUTF8 { bytes -> (CapabilityKind, String)? in
            guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon + 1 < bytes.count else { return nil }
            for kind in CapabilityKind.allCases where bytes[..<colon].elementsEqual(kind.rawValue.utf8) {
                return (kind, String(decoding: bytes[(colon + 1)...], as: UTF8.self))
            }
            return nil
        }
        guard let read else {
            throw ModelError(
                "bad-capability", "`\(text.prefix(100))` is not a capability",
                hint: "`tool:NAME`, `resource:URI` or `prompt:NAME`")
        }
        (kind, name) = read
    }

    package var description: String { kind.rawValue + ":" + name }
}

/// What a rule names: `tool:read_*`, `resource:ledger://reports/**`, or `*` for everything. Written and sent as its text.
package struct CapabilityPattern: Hashable, Sendable, Codable, CustomStringConvertible {
    /// Nil for `*`.
    package let kind: CapabilityKind?
    package let pattern: Pattern?

    /// - Throws: `bad-capability`, `bad-pattern`.
    package init(_ text: String) throws(ModelError) {
        if text == "*" {
            kind = nil
            pattern = nil
            return
        }
        let capability = try Capability(text)
        kind = capability.kind
        pattern = try Pattern(capability.name, segmented: capability.kind == .resource)
    }

    package var description: String {
        guard let kind, let pattern else { return "*" }
        return "\(kind.rawValue):\(pattern)"
    }

    package func matches(_ capability: Capability) -> Bool { matches(capability.kind, capability.name) }

    func matches(_ kind: CapabilityKind, _ name: String) -> Bool {
        guard let own = self.kind, let pattern else { return true }
        return own == kind && pattern.matches(name)
    }

    /// Whether some expansion of the resource template could match.
    package func overlaps(template: String) -> Bool {
        guard let kind, let pattern else { return true }
        return kind == .resource && pattern.overlaps(template: template)
    }

    /// Whether every expansion of the resource template matches.
    package func covers(template: String) -> Bool {
        guard let kind, let pattern else { return true }
        return kind == .resource && pattern.covers(template: template)
    }

    /// Whether everything that the other matches matches.
    package func covers(_ other: CapabilityPattern) -> Bool {
        guard let kind, let pattern else { return true }
        guard kind == other.kind, let theirs = other.pattern else { return false }
        return pattern.covers(theirs)
    }

    /// Whether something matches both.
    package func overlaps(_ other: CapabilityPattern) -> Bool {
        guard let pattern, let theirs = other.pattern else { return true }
        return kind == other.kind && pattern.overlaps(theirs)
    }

    package init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension [CapabilityPattern] {
    /// Whether one of them matches. They are looked at where they lie, for every decision comes through here.
    func match(_ kind: CapabilityKind, _ name: String) -> Bool {
        let patterns = span
        for index in patterns.indices where patterns[index].matches(kind, name) { return true }
        return false
    }
}
