import MCP
import Model

/// How calls are worded for a server that several calls share, and its answers for the caller.
enum EraBridge: Sendable {
    /// Both sides speak the same era.
    case passThrough
    /// A stateless caller before a server that wants a handshake, which was done; with what the server answered to it.
    case overHandshake(JSON)

    /// The message under our id, and the caller's own progress token when it gave one.
    func outbound(_ message: MCPMessage, id: Int64) -> (MCPMessage, token: JSON?) {
        var message = message.renumbered(.integer(id))
        guard var params = message.params, var meta = params["_meta"]?.object else { return (message, nil) }
        let token = meta["progressToken"]
        if token != nil { meta["progressToken"] = .number(JSONNumber(id)) }
        if case .overHandshake = self {
            meta = JSONObject(
                meta.pairs.filter { !$0.key.hasPrefix("io.modelcontextprotocol/") }.map { ($0.key, $0.value) })
        }
        params["_meta"] = meta.isEmpty ? nil : .object(meta)
        message.params = params
        return (message, token)
    }

    /// Where a notification says which listening it belongs to (2026-07-28, basic/transports/stdio).
    static let subscriptionKey = "io.modelcontextprotocol/subscriptionId"

    /// What a listening begins with, where the server does not know it: changes of lists, which the spoke notices itself.
    func acknowledgement(of message: MCPMessage) -> MCPMessage? {
        guard case .overHandshake = self, let id = message.id else { return nil }
        var wanted = message.params?["notifications"]?.object ?? JSONObject()
        wanted["resourceSubscriptions"] = nil
        wanted["taskIds"] = nil
        return .notification(
            method: "notifications/subscriptions/acknowledged",
            params: JSONObject([
                ("_meta", .object(JSONObject([(Self.subscriptionKey, id.json)]))), ("notifications", .object(wanted)),
            ]))
    }

    /// The answer to `server/discover`, where the server does not know that method.
    func discovery(answering message: MCPMessage) -> MCPMessage? {
        guard case .overHandshake(let initialized) = self, let id = message.id else { return nil }
        var result = JSONObject([
            ("resultType", "complete"), ("supportedVersions", [.string(ProtocolVersion.newest.rawValue)]),
            ("capabilities", initialized["capabilities"] ?? [:]), ("ttlMs", 0), ("cacheScope", "private"),
        ])
        result["instructions"] = initialized["instructions"]
        if let info = initialized["serverInfo"] {
            result["_meta"] = .object(JSONObject([("io.modelcontextprotocol/serverInfo", info)]))
        }
        return .result(id: id, .object(result))
    }

    /// The server's answer as the caller's era has it, and the HTTP status it goes under.
    func inbound(_ answer: MCPMessage, to call: UpstreamCall) -> (status: Int, message: MCPMessage)? {
        guard let id = call.message?.id else { return nil }
        switch answer.renumbered(id) {
        case .result(_, .object(var result)):
            if case .overHandshake = self {
                if result["resultType"] == nil { result["resultType"] = "complete" }
                if case .message(.readResource, _, _) = call.content {
                    result["ttlMs"] = 0
                    result["cacheScope"] = "private"
                }
            }
            return (200, .result(id: id, .object(result)))
        case .failure(_, var error):
            guard call.version.era == .stateless else { return (200, .failure(id: id, error)) }
            // What the handshake era said for a resource that is not there.
            if case .overHandshake = self, error.code == -32002 { error.code = JSONRPCErrors.invalidParams }
            let status =
                switch error.code {
                case JSONRPCErrors.methodNotFound: 404
                case JSONRPCErrors.invalidParams, JSONRPCErrors.invalidRequest, -32022 ... -32020: 400
                default: 200
                }
            return (status, .failure(id: id, error))
        default: return nil
        }
    }
}
