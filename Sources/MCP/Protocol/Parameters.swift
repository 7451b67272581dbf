import Model

/// The `params` of one call, read field by field; every failure is `invalid-params`, of a URI `bad-uri`.
struct Parameters {
    private let object: JSONObject

    init(_ object: JSONObject) { self.object = object }

    subscript(key: String) -> JSON? { object[key] }

    func text(_ key: String, atMost bytes: Int) throws(MCPError) -> String {
        guard let text = object[key]?.string else { throw invalid("`\(key)` is not a string") }
        guard text.utf8.count <= bytes else { throw invalid("`\(key)` is longer than \(bytes) bytes") }
        return text
    }

    /// Absent is empty.
    func object(_ key: String) throws(MCPError) -> JSONObject {
        guard let value = object[key] else { return JSONObject() }
        guard case .object(let object) = value else { throw invalid("`\(key)` is not an object") }
        return object
    }

    func name() throws(MCPError) -> String {
        let name = try text("name", atMost: 128)
        guard isCallableName(name) else { throw invalid("`name` is not 1 to 128 printable characters") }
        return name
    }

    func arguments() throws(MCPError) -> JSONObject { try object("arguments") }

    func uri() throws(MCPError) -> String {
        let uri = try text("uri", atMost: ResourceURI.maximumBytes)
        try ResourceURI.validate(uri)
        return uri
    }

    func cursor() throws(MCPError) -> String? {
        object["cursor"] == nil ? nil : try text("cursor", atMost: 4096)
    }

    /// Ids of tasks are a server's; they go into a header too.
    func taskID() throws(MCPError) -> String {
        let id = try text("taskId", atMost: 1024)
        guard !id.isEmpty, id.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw invalid("`taskId` is not 1 to 1024 printable characters")
        }
        return id
    }

    /// What a retry after `input_required` brings along.
    func retry() throws(MCPError) {
        _ = try object("inputResponses")
        if object["requestState"] != nil { _ = try text("requestState", atMost: 1 << 20) }
    }

    func level() throws(MCPError) -> String {
        let level = try text("level", atMost: 16)
        let levels = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]
        guard levels.contains(level) else { throw invalid("`level` is none of the eight of syslog") }
        return level
    }

    func reference() throws(MCPError) -> Capability {
        let reference = Parameters(try object("ref"))
        let argument = Parameters(try object("argument"))
        _ = try argument.text("name", atMost: 256)
        _ = try argument.text("value", atMost: 64 << 10)
        switch try reference.text("type", atMost: 16) {
        case "ref/prompt": return Capability(.prompt, try reference.name())
        case "ref/resource":
            let template = try reference.text("uri", atMost: 2048)
            guard isTemplate(template) else { throw invalid("`ref.uri` is not a URI template") }
            return Capability(.resource, template)
        default: throw invalid("`ref.type` is neither `ref/prompt` nor `ref/resource`")
        }
    }

    func listening() throws(MCPError) -> MCPAction.Listening {
        let wanted = try object("notifications")
        var listening = MCPAction.Listening()
        for (key, value) in wanted.pairs {
            switch (key, value) {
            case ("toolsListChanged", .bool(let flag)): listening.toolsListChanged = flag
            case ("promptsListChanged", .bool(let flag)): listening.promptsListChanged = flag
            case ("resourcesListChanged", .bool(let flag)): listening.resourcesListChanged = flag
            case ("resourceSubscriptions", .array(let uris)):
                guard uris.count <= 256 else { throw invalid("more than 256 resources are subscribed to") }
                for uri in uris {
                    guard let uri = uri.string else {
                        throw invalid("`resourceSubscriptions` holds other than strings")
                    }
                    try ResourceURI.validate(uri)
                    listening.resources.append(uri)
                }
            case ("taskIds", .array(let ids)):
                guard ids.count <= 256 else { throw invalid("more than 256 tasks are listened to") }
                for id in ids {
                    listening.tasks.append(try Parameters(JSONObject([("taskId", id)])).taskID())
                }
            default: throw invalid("\(quoted(key)) cannot be listened to")
            }
        }
        return listening
    }

    private func invalid(_ what: String) -> MCPError { MCPError(.invalidParams, what) }
}
