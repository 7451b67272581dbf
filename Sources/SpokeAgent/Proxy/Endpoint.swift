import Model

/// A place of one server on this spoke.
struct Endpoint: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// `/ledger/mcp`: Streamable HTTP, every version that has it.
        case mcp
        /// `/ledger/sse`: the stream of a client of HTTP+SSE (2024-11-05, basic/transports).
        case events
        /// `/ledger/messages?session_id=…`: where that client posts to, as the stream told it.
        case messages(session: String)
    }

    /// Short name.
    var server: String
    var kind: Kind

    /// Nil for every other target, one with another query too: nothing that decides stands there.
    init?(_ target: String) {
        let bytes = target.utf8
        let slash = UInt8(ascii: "/")
        guard bytes.first == slash, let end = bytes.dropFirst().firstIndex(of: slash) else { return nil }
        server = String(target[bytes.index(after: bytes.startIndex)..<end])
        let place = String(target[bytes.index(after: end)...])
        guard isLabel(server), !place.utf8.contains(slash) else { return nil }
        switch place {
        case "mcp": kind = .mcp
        case "sse": kind = .events
        default:
            guard place.hasPrefix(Self.messages), place.utf8.count <= 300 else { return nil }
            kind = .messages(session: String(place.dropFirst(Self.messages.count)))
        }
    }

    private static let messages = "messages?session_id="

    /// What a client of HTTP+SSE is told to post to.
    static func messages(_ server: String, session: String) -> String { "/\(server)/\(messages)\(session)" }

    static func server(_ target: String) -> String? { Endpoint(target)?.server }
}
