import MCP
import Model

/// What one program at standard input and a server have agreed on so far, and what follows from it for each message's
/// headers. No I/O.
package struct Conversation: Sendable {
    /// Tools whose definitions are kept; what is beyond goes without `Mcp-Param-*`.
    private static let maximumDefinitions = 2000

    /// Of the handshake era: the session that the server opened, and the version that `initialize` agreed on.
    package private(set) var session: String?
    package private(set) var negotiated: ProtocolVersion?
    /// The version that the last stateless request named; for notifications, which need not name one.
    private var stateless: String?
    /// What each tool's definition has mirrored into headers, by name.
    private var mirrored: [String: MirroredParameters] = [:]

    /// Whether a message belongs to the stateless era: it names a version itself, and none that has sessions.
    package static func isStateless(_ message: MCPMessage) -> Bool {
        guard let version = message.meta?[EraRules.versionKey]?.string else { return false }
        return ProtocolVersion(rawValue: version)?.era != .handshake
    }

    package init() {}

    /// The headers of the POST that carries a message.
    package mutating func headers(for message: MCPMessage) -> HTTPHeaders {
        var headers = HTTPHeaders([
            ("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream"),
        ])
        if Self.isStateless(message), let version = message.meta?[EraRules.versionKey]?.string {
            stateless = version
            addStateless(message, version: version, to: &headers)
        } else if message.method != "initialize" {
            if negotiated == nil, let stateless {
                addStateless(message, version: stateless, to: &headers)
            } else {
                addSession(to: &headers)
            }
        }
        return headers
    }

    /// The headers of a GET for what the server sends of its own accord, and of the DELETE that ends the session.
    package func sessionHeaders(accept: String? = nil, lastEventID: String? = nil) -> HTTPHeaders {
        var headers = HTTPHeaders()
        if let accept { headers.add("Accept", accept) }
        addSession(to: &headers)
        if let lastEventID { headers.add("Last-Event-ID", lastEventID) }
        return headers
    }

    /// Takes from an answer what later messages need.
    package mutating func learn(from answer: MCPMessage, to request: MCPMessage, _ headers: HTTPHeaders) {
        guard case .result(_, let result) = answer else { return }
        switch request.method {
        case "initialize":
            negotiated = result["protocolVersion"]?.string.flatMap(ProtocolVersion.init(rawValue:))
            session = headers["Mcp-Session-Id"].flatMap { isSessionID($0) ? $0 : nil }
            mirrored = [:]
        case ListKind.tools.method:
            for tool in result[ListKind.tools.itemsKey]?.array ?? [] {
                guard let name = tool["name"]?.string else { continue }
                guard mirrored.count < Self.maximumDefinitions || mirrored[name] != nil else { continue }
                mirrored[name] = MirroredParameters(definition: tool)
            }
        default: break
        }
    }

    /// The server does not know the session any more; the next `initialize` opens another.
    package mutating func sessionEnded() { session = nil }

    private func addSession(to headers: inout HTTPHeaders) {
        if let session { headers.add("Mcp-Session-Id", session) }
        if let negotiated, negotiated >= .v20250618 { headers.add(EraRules.versionHeader, negotiated.rawValue) }
    }

    private func addStateless(_ message: MCPMessage, version: String, to headers: inout HTTPHeaders) {
        headers.add(EraRules.versionHeader, sendable(version))
        guard let method = message.method else { return }
        headers.add(EraRules.methodHeader, method)
        let key: String
        switch method {
        case "tools/call", "prompts/get": key = "name"
        case "resources/read": key = "uri"
        case "tasks/get", "tasks/update", "tasks/cancel": key = "taskId"
        default: return
        }
        guard let name = message.params?[key]?.string else { return }
        headers.add(EraRules.nameHeader, MirrorValue.encode(name))
        guard method == "tools/call", let mirrored = mirrored[name],
            let action = try? MCPAction(message, version: .newest)
        else { return }
        let made = EraRules.upstreamHeaders(for: action, message: message, version: .newest, mirrored: mirrored)
        for (name, value) in made where name.hasPrefix("Mcp-Param-") { headers.add(name, value) }
    }

    /// A version is sent as the body has it, so that the spoke refuses it and not we; but it must not break the header.
    private func sendable(_ version: String) -> String {
        String(version.unicodeScalars.filter { (0x21...0x7E).contains($0.value) }.prefix(64).map(Character.init))
    }

    /// 2025-11-25, basic/transports, "Session Management": visible ASCII.
    private func isSessionID(_ text: String) -> Bool {
        (1...512).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
