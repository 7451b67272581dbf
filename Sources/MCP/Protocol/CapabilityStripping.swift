import Model

/// Takes a client's capabilities out. Each of those that MCP defines (`sampling`, `elicitation`, `roots`, `tasks`,
/// `extensions`, `experimental`) lets a server ask or answer something, and a server must not send what was not declared;
/// so only those go on that policy lets servers use, and of the extensions the one that is served.
package enum CapabilityStripping {
    /// Of `extensions`: a server may answer a call with a task.
    package static let tasksExtension = "io.modelcontextprotocol/tasks"

    /// The message as the upstream is to see it, with what is left of `params.capabilities` of `initialize` and of
    /// `_meta["io.modelcontextprotocol/clientCapabilities"]` of any message.
    package static func strip(_ message: MCPMessage, keeping allowed: [ServerRequestKind] = []) -> MCPMessage {
        guard var params = message.params else { return message }
        if message.method == "initialize", let declared = params["capabilities"] {
            let kept = kept(declared, allowed, extensions: false)
            if kept != declared { params["capabilities"] = kept }
        }
        if var meta = params["_meta"]?.object, let declared = meta[EraRules.capabilitiesKey] {
            let kept = kept(declared, allowed, extensions: true)
            if kept != declared {
                meta[EraRules.capabilitiesKey] = kept
                params["_meta"] = .object(meta)
            }
        }
        var message = message
        message.params = params
        return message
    }

    private static func kept(_ declared: JSON, _ allowed: [ServerRequestKind], extensions: Bool) -> JSON {
        var kept = JSONObject()
        for kind in allowed where declared[kind.rawValue]?.object != nil {
            kept[kind.rawValue] = declared[kind.rawValue]
        }
        if extensions, let tasks = declared["extensions"]?[tasksExtension], tasks.object != nil {
            kept["extensions"] = .object(JSONObject([(tasksExtension, tasks)]))
        }
        return .object(kept)
    }
}
