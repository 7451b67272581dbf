import Model

/// Takes out of a client's capabilities what would let a server ask something of it: such requests are not served yet,
/// and a server must not send what was not declared.
package enum CapabilityStripping {
    private static let stripped = ["sampling", "elicitation", "roots", "tasks"]

    /// The message as the upstream is to see it: `params.capabilities` of `initialize`, and
    /// `_meta["io.modelcontextprotocol/clientCapabilities"]` of any message.
    package static func strip(_ message: MCPMessage) -> MCPMessage {
        guard var params = message.params else { return message }
        if message.method == "initialize", let capabilities = params["capabilities"]?.object {
            params["capabilities"] = .object(reduced(capabilities))
        }
        if var meta = params["_meta"]?.object, let capabilities = meta[EraRules.capabilitiesKey]?.object {
            meta[EraRules.capabilitiesKey] = .object(reduced(capabilities))
            params["_meta"] = .object(meta)
        }
        var message = message
        message.params = params
        return message
    }

    private static func reduced(_ capabilities: JSONObject) -> JSONObject {
        JSONObject(capabilities.pairs.filter { !stripped.contains($0.key) }.map { ($0.key, $0.value) })
    }
}
