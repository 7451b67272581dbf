import Model

extension MCPMessage {
    /// The message with only those parameters that ``MCPAction`` reads or that the protocol defines and no decision
    /// depends on. What an upstream's own reading of further keys might make of a call is not ours to allow.
    ///
    /// Nil for an unknown method, which is not forwarded.
    package func understood(as action: MCPAction) -> MCPMessage? {
        guard let params else { return self }
        guard let known = action.parameters else { return nil }
        let isKnown = { (key: String) in known.contains { sameBytes($0, key) } }
        if params.pairs.allSatisfy({ isKnown($0.key) }) { return self }
        var message = self
        let kept = params.pairs.filter { isKnown($0.key) }
        message.params = JSONObject(kept.map { ($0.key, $0.value) })
        return message
    }
}

extension MCPAction {
    /// The keys of `params` that may be forwarded; nil when nothing may be.
    fileprivate var parameters: [String]? {
        switch self {
        case .initialize: ["protocolVersion", "capabilities", "clientInfo", "_meta"]
        case .discover, .initialized, .ping, .rootsListChanged: ["_meta"]
        case .list, .listTasks: ["cursor", "_meta"]
        case .task(.update, _): ["taskId", "inputResponses", "_meta"]
        case .task: ["taskId", "_meta"]
        case .callTool(_, _, asTask: true): ["name", "arguments", "task", "_meta"]
        case .callTool, .getPrompt: ["name", "arguments", "inputResponses", "requestState", "_meta"]
        case .readResource: ["uri", "inputResponses", "requestState", "_meta"]
        case .complete: ["ref", "argument", "context", "_meta"]
        case .setLevel: ["level", "_meta"]
        case .subscribe, .unsubscribe: ["uri", "_meta"]
        case .listen: ["notifications", "_meta"]
        case .cancelled: ["requestId", "reason", "_meta"]
        case .progress: ["progressToken", "progress", "total", "message", "_meta"]
        case .response: []
        case .unknown: nil
        }
    }
}
