import Model

/// The two ways of speaking MCP.
package enum Era: String, Hashable, Sendable {
    /// A session begins with `initialize` and is kept by `Mcp-Session-Id`.
    case handshake
    /// Every request stands alone and says its version in `_meta`.
    case stateless
}

/// The revisions of MCP that are served.
package enum ProtocolVersion: String, CaseIterable, Comparable, Sendable {
    case v20241105 = "2024-11-05"
    case v20250326 = "2025-03-26"
    case v20250618 = "2025-06-18"
    case v20251125 = "2025-11-25"
    case v20260728 = "2026-07-28"

    /// Compared byte for byte; an upstream may name anything.
    package init?(rawValue: String) {
        guard let version = Self.allCases.first(where: { sameBytes($0.rawValue, rawValue) }) else { return nil }
        self = version
    }

    /// What a server answered to `initialize`; nil where it named no version of the handshake era that is served.
    package init?(negotiatedIn initialized: JSON) {
        guard let named = initialized["protocolVersion"]?.string, let version = Self(rawValue: named),
            version.era == .handshake
        else { return nil }
        self = version
    }

    package var era: Era { self == .v20260728 ? .stateless : .handshake }

    /// What a request means that names no version at all (2025-11-25, basic/transports, "Protocol Version Header").
    package static let assumed = ProtocolVersion.v20250326
    package static let newestHandshake = ProtocolVersion.v20251125
    package static let newest = ProtocolVersion.v20260728

    package static func < (left: ProtocolVersion, right: ProtocolVersion) -> Bool { left.rawValue < right.rawValue }
}
