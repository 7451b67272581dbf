import Model

/// What every result of an upstream passes before it goes to a caller.
package enum ServerResult {
    /// Refuses what is no result that a client without capabilities may be given: in either era only an object, and only
    /// one that is complete, as an absent `resultType` has it too (2026-07-28, basic, "Responses"). `input_required` and
    /// `task` would ask the caller for what its capabilities were taken out for.
    ///
    /// - Throws: `bad-upstream`.
    package static func check(_ result: JSON) throws(MCPError) {
        guard case .object(let object) = result else {
            throw MCPError(.badUpstream, "the upstream's result is of kind \(result.kind), not an object")
        }
        guard let type = object["resultType"] else { return }
        guard type == "complete" else {
            throw MCPError(
                .badUpstream, "the upstream's result is not complete, but \(quoted(type.string ?? type.kind))")
        }
    }

    /// What is decided for one caller is not for a cache that others share: in the stateless era the answer to
    /// `resources/read`, and whatever else says how it may be cached, is marked `private` and lives `ttlCap` milliseconds at
    /// most, none where it does not say (2026-07-28, server/utilities/caching). All else is left as it is.
    package static func confined(_ result: JSON, of action: MCPAction, era: Era, ttlCap: Int64) -> JSON {
        guard era == .stateless, case .object(let object) = result else { return result }
        var isCached = object["cacheScope"] != nil || object["ttlMs"] != nil
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
