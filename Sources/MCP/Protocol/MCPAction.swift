import Model

/// The lists that an MCP server offers.
package enum ListKind: String, CaseIterable, Sendable {
    case tools = "tools/list"
    case resources = "resources/list"
    case resourceTemplates = "resources/templates/list"
    case prompts = "prompts/list"

    package var method: String { rawValue }

    /// Where the items stand in the result.
    package var itemsKey: String {
        switch self {
        case .tools: "tools"
        case .resources: "resources"
        case .resourceTemplates: "resourceTemplates"
        case .prompts: "prompts"
        }
    }

    /// Where an item says what it is called.
    package var nameKey: String {
        switch self {
        case .tools, .prompts: "name"
        case .resources: "uri"
        case .resourceTemplates: "uriTemplate"
        }
    }

    package var capabilityKind: CapabilityKind {
        switch self {
        case .tools: .tool
        case .resources, .resourceTemplates: .resource
        case .prompts: .prompt
        }
    }
}

/// What one message from a client asks for: what is decided on, and nothing that is not here is forwarded.
package enum MCPAction: Hashable, Sendable {
    case initialize(requested: String, capabilities: JSONObject)
    case discover
    case initialized
    case ping
    case list(ListKind, cursor: String?)
    /// - `asTask`: the answer is to be a task (2025-11-25); in the stateless era the server alone decides.
    case callTool(name: String, arguments: JSONObject, asTask: Bool = false)
    case readResource(uri: String)
    case getPrompt(name: String, arguments: JSONObject)
    /// For a resource the name is a URI template, not a URI.
    case complete(Capability)
    case setLevel(String)
    case subscribe(uri: String)
    case unsubscribe(uri: String)
    case listen(Listening)
    case task(TaskOperation, id: String)
    /// 2025-11-25 only.
    case listTasks(cursor: String?)
    case cancelled(RequestID)
    case progress
    case rootsListChanged
    /// The client's answer to a request of the server; handshake era only.
    case response(RequestID)
    /// A method that this era does not have or that is not served; forwarded never.
    case unknown(method: String)

    /// A method about one task.
    package enum TaskOperation: String, CaseIterable, Sendable {
        case get = "tasks/get"
        /// 2025-11-25 only.
        case result = "tasks/result"
        /// 2026-07-28 only.
        case update = "tasks/update"
        case cancel = "tasks/cancel"
    }

    /// What a `subscriptions/listen` stream is to report.
    package struct Listening: Hashable, Sendable {
        package var toolsListChanged = false
        package var promptsListChanged = false
        package var resourcesListChanged = false
        package var resources: [String] = []
        package var tasks: [String] = []

        package init() {}

        /// As `params.notifications` has it.
        package var json: JSON {
            var object = JSONObject()
            if toolsListChanged { object["toolsListChanged"] = true }
            if promptsListChanged { object["promptsListChanged"] = true }
            if resourcesListChanged { object["resourcesListChanged"] = true }
            if !resources.isEmpty { object["resourceSubscriptions"] = .array(resources.map(JSON.string)) }
            if !tasks.isEmpty { object["taskIds"] = .array(tasks.map(JSON.string)) }
            return .object(object)
        }
    }

    /// What `Mcp-Name` mirrors.
    package var mirroredName: String? {
        switch self {
        case .callTool(let name, _, _), .getPrompt(let name, _): name
        case .readResource(let uri): uri
        case .task(_, let id): id
        default: nil
        }
    }

    /// Reads what a client's message asks for. Total: a method that is not served is ``unknown(method:)``.
    ///
    /// Throws `invalid-params` for a field that is missing or of the wrong type or size, `bad-uri`, and
    /// `invalid-request` for a call without an id, which no server should execute, or an answer where none may come.
    package init(_ message: MCPMessage, version: ProtocolVersion) throws(MCPError) {
        switch message {
        case .request(_, let method, let params):
            if let meta = params?["_meta"], meta.object == nil {
                throw MCPError(.invalidParams, "`_meta` is not an object")
            }
            self = try Self.request(method, Parameters(params ?? JSONObject()), version)
        case .notification(let method, let params):
            self = try Self.notification(method, Parameters(params ?? JSONObject()), version.era)
        case .result(let id, _), .failure(let id?, _):
            guard version.era == .handshake else {
                throw MCPError(.invalidRequest, "clients send no responses in \(version.rawValue)")
            }
            self = .response(id)
        case .failure(nil, _): throw MCPError(.invalidRequest, "a response names no request")
        }
    }

    private static func request(
        _ method: String, _ params: Parameters, _ version: ProtocolVersion
    ) throws(MCPError) -> MCPAction {
        let era = version.era
        if let operation = TaskOperation(rawValue: method), serves(operation, version) {
            if operation == .update { try params.retry() }
            return .task(operation, id: try params.taskID())
        }
        if let kind = ListKind(rawValue: method) { return .list(kind, cursor: try params.cursor()) }
        switch (method, era) {
        case ("tools/call", _):
            // Before 2025-11-25 the key means nothing, after it it is the server's to decide.
            guard params["task"] == nil || version == .v20251125 else {
                throw MCPError(.invalidParams, "`task` has no meaning in \(version.rawValue)")
            }
            _ = try params.object("task")
            try params.retry()
            return .callTool(
                name: try params.name(), arguments: try params.arguments(), asTask: params["task"] != nil)
        case ("resources/read", _):
            try params.retry()
            return .readResource(uri: try params.uri())
        case ("prompts/get", _):
            try params.retry()
            return .getPrompt(name: try params.name(), arguments: try params.arguments())
        case ("completion/complete", _): return .complete(try params.reference())
        case ("initialize", .handshake):
            return .initialize(
                requested: try params.text("protocolVersion", atMost: 64),
                capabilities: try params.object("capabilities"))
        case ("ping", .handshake): return .ping
        case ("logging/setLevel", .handshake): return .setLevel(try params.level())
        case ("resources/subscribe", .handshake): return .subscribe(uri: try params.uri())
        case ("resources/unsubscribe", .handshake): return .unsubscribe(uri: try params.uri())
        case ("tasks/list", .handshake) where version == .v20251125:
            return .listTasks(cursor: try params.cursor())
        case ("server/discover", .stateless): return .discover
        case ("subscriptions/listen", .stateless): return .listen(try params.listening())
        default: return .unknown(method: method)
        }
    }

    private static func serves(_ operation: TaskOperation, _ version: ProtocolVersion) -> Bool {
        switch operation {
        case .get, .cancel: version >= .v20251125
        case .result: version == .v20251125
        case .update: version.era == .stateless
        }
    }

    private static func notification(_ method: String, _ params: Parameters, _ era: Era) throws(MCPError) -> MCPAction {
        switch (method, era) {
        case ("notifications/cancelled", _):
            guard let id = params["requestId"].flatMap(RequestID.init) else {
                throw MCPError(.invalidParams, "`requestId` is neither a string nor an integer")
            }
            return .cancelled(id)
        case ("notifications/initialized", .handshake): return .initialized
        case ("notifications/progress", .handshake): return .progress
        case ("notifications/roots/list_changed", .handshake): return .rootsListChanged
        default:
            guard method.utf8.starts(with: "notifications/".utf8) else {
                throw MCPError(.invalidRequest, "\(quoted(method)) is a request and needs an id")
            }
            return .unknown(method: method)
        }
    }
}

/// 1 to 128 printable ASCII characters without space at either end: what a tool or prompt can be called by.
package func isCallableName(_ name: String) -> Bool {
    (1...128).contains(name.utf8.count) && name.utf8.allSatisfy { (0x20...0x7E).contains($0) }
        && name.utf8.first != 0x20 && name.utf8.last != 0x20
}

/// 1 to 2048 characters of printable ASCII with at most 16 expressions in braces, none within another: what a URI
/// template can be listed and completed by.
package func isTemplate(_ template: String) -> Bool {
    guard (1...2048).contains(template.utf8.count) else { return false }
    var expressions = 0
    var isOpen = false
    for byte in template.utf8 {
        switch byte {
        case UInt8(ascii: "{"):
            guard !isOpen else { return false }
            isOpen = true
            expressions += 1
        case UInt8(ascii: "}"):
            guard isOpen else { return false }
            isOpen = false
        case 0x21...0x7E: break
        default: return false
        }
    }
    return !isOpen && expressions <= 16
}
