import Model

/// What every result of an upstream passes before it goes to a caller.
package enum ServerResult {
    /// What a server answers with.
    package enum Kind: Hashable, Sendable {
        case complete
        /// It asks for something first; stateless era only.
        case inputRequired(InputRequired)
        /// The answer will be that task's.
        case task(id: String)
    }

    /// Refuses what is no result that the client may be given for that action (2026-07-28, basic, "Responses"): in either
    /// era only an object; `input_required` only to calls that can be repeated and only for what policy lets servers ask;
    /// a task only to a call of a tool.
    ///
    /// - Throws: `bad-upstream`.
    package static func kind(
        _ result: JSON, of action: MCPAction, era: Era, allowing: [ServerRequestKind]
    ) throws(MCPError) -> Kind {
        guard case .object(let object) = result else {
            throw MCPError(.badUpstream, "the upstream's result is of kind \(result.kind), not an object")
        }
        if era == .handshake, case .callTool(_, _, asTask: true) = action, let task = object["task"] {
            return .task(id: try taskID(task["taskId"]))
        }
        guard let type = object["resultType"], type != "complete" else {
            if case .task(.get, _) = action, object["inputRequests"] != nil {
                _ = try InputRequired(object, allowing: allowing)
            }
            return .complete
        }
        switch (type, action, era) {
        case ("input_required", .callTool, .stateless), ("input_required", .readResource, .stateless),
            ("input_required", .getPrompt, .stateless):
            return .inputRequired(try InputRequired(object, allowing: allowing))
        case ("task", .callTool, .stateless): return .task(id: try taskID(object["taskId"]))
        default:
            throw MCPError(
                .badUpstream, "the upstream's result is not complete, but \(quoted(type.string ?? type.kind))")
        }
    }

    private static func taskID(_ json: JSON?) throws(MCPError) -> String {
        guard let json, let id = try? Parameters(JSONObject([("taskId", json)])).taskID() else {
            throw MCPError(.badUpstream, "the upstream's task has no id that can be sent")
        }
        return id
    }

    /// Refuses all but a complete result: what the spoke asks on its own account wants no more.
    /// - Throws: `bad-upstream`.
    package static func check(_ result: JSON) throws(MCPError) {
        _ = try kind(result, of: .discover, era: .stateless, allowing: [])
    }

    /// What is decided for one caller is not for a cache that others share: in the stateless era the answer to
    /// `resources/read`, and whatever else says how it may be cached, is marked `private` and lives `ttlCap` milliseconds at
    /// most, none where it does not say (2026-07-28, server/utilities/caching). All else is left as it is.
    package static func confined(_ result: JSON, of action: MCPAction, era: Era, ttlCap: Int64) -> JSON {
        guard era == .stateless, case .object(let object) = result else { return result }
        var isCached = object["cacheScope"] != nil || object["ttlMs"] != nil
        // A task's `ttlMs` is how long it is kept.
        if case .task = action { return result }
        if object["resultType"] == "task" { return result }
        if case .readResource = action { isCached = true }
        return isCached ? .object(confined(object, ttlCap: ttlCap)) : result
    }

    static func confined(_ object: JSONObject, ttlCap: Int64) -> JSONObject {
        var object = object
        object["cacheScope"] = "private"
        let declared = object["ttlMs"]?.integer ?? 0
        object["ttlMs"] = .number(JSONNumber(max(0, min(declared, ttlCap))))
        return object
    }
}
