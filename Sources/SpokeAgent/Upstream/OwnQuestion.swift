import MCP
import Model

/// What the spoke itself asks of an upstream, with no caller and so with no permit: to learn what there is, never to use it.
/// The probes name things that do not exist.
enum OwnQuestion: Hashable, Sendable {
    case discover
    /// Tells what the callers can be asked in whose place it is said.
    case initialize(AskedCapabilities)
    case initialized
    case list(ListKind, cursor: String?)
    case probe(CapabilityKind, name: String)

    var action: MCPAction {
        switch self {
        case .discover: .discover
        case .initialize: .initialize(requested: ProtocolVersion.newestHandshake.rawValue, capabilities: JSONObject())
        case .initialized: .initialized
        case .list(let kind, let cursor): .list(kind, cursor: cursor)
        case .probe(.tool, let name): .callTool(name: name, arguments: JSONObject())
        case .probe(.prompt, let name): .getPrompt(name: name, arguments: JSONObject())
        case .probe(.resource, let name): .readResource(uri: name)
        }
    }

    func message(id: Int64, version: ProtocolVersion) -> MCPMessage {
        var params = JSONObject()
        let method: String
        switch self {
        case .discover: method = "server/discover"
        case .initialize(let capabilities):
            method = "initialize"
            params["protocolVersion"] = .string(ProtocolVersion.newestHandshake.rawValue)
            params["capabilities"] = capabilities.json
            params["clientInfo"] = Self.clientInfo
        case .initialized: return .notification(method: "notifications/initialized", params: nil)
        case .list(let kind, let cursor):
            method = kind.method
            params["cursor"] = cursor.map(JSON.string)
        case .probe(.tool, let name):
            method = "tools/call"
            params["name"] = .string(name)
            params["arguments"] = [:]
        case .probe(.prompt, let name):
            method = "prompts/get"
            params["name"] = .string(name)
        case .probe(.resource, let name):
            method = "resources/read"
            params["uri"] = .string(name)
        }
        if version.era == .stateless { params["_meta"] = Self.statelessMeta }
        return .request(id: .integer(id), method: method, params: params)
    }

    private static let clientInfo: JSON = ["name": "nave-spoke", "version": "1"]

    static let statelessMeta: JSON = .object(
        JSONObject([
            (EraRules.versionKey, .string(ProtocolVersion.newest.rawValue)),
            ("io.modelcontextprotocol/clientInfo", clientInfo), (EraRules.capabilitiesKey, JSON.object(JSONObject())),
        ]))
}
