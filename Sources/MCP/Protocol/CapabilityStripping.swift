import Model

/// Takes a client's capabilities out. Each of those that MCP defines (`sampling`, `elicitation`, `roots`, `tasks`,
/// `extensions`, `experimental`) lets a server ask or answer what is not served here, and a server must not send what was
/// not declared; so none of them goes on, nor any that is not known yet.
package enum CapabilityStripping {
    /// The message as the upstream is to see it, with `{}` for `params.capabilities` of `initialize` and for
    /// `_meta["io.modelcontextprotocol/clientCapabilities"]` of any message.
    package static func strip(_ message: MCPMessage) -> MCPMessage {
        guard var params = message.params else { return message }
        if message.method == "initialize", params["capabilities"] != nil { params["capabilities"] = [:] }
        if var meta = params["_meta"]?.object, meta[EraRules.capabilitiesKey] != nil {
            meta[EraRules.capabilitiesKey] = [:]
            params["_meta"] = .object(meta)
        }
        var message = message
        message.params = params
        return message
    }
}
