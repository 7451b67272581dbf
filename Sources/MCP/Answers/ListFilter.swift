import Model

/// Takes out of a list what the caller may not use.
package enum ListFilter {
    /// The result with only the items that `keeps` lets through, in their order; `nextCursor` stays, as an empty page
    /// with more to follow is legal. Items that could not be called under the name they are listed by are left out.
    /// What is left is one caller's view: in the stateless era it is marked `private` and lives `ttlCap` milliseconds at most.
    ///
    /// - Parameter keeps: told an item's name, URI or URI template, and the item.
    /// - Throws: `bad-upstream` when the result is not a list of that kind.
    package static func filter(
        _ result: JSON, kind: ListKind, era: Era, ttlCap: Int64, keeps: (String, JSON) -> Bool
    ) throws(MCPError) -> JSON {
        guard case .object(var object) = result, let items = object[kind.itemsKey]?.array else {
            throw MCPError(.badUpstream, "the answer to `\(kind.method)` holds no `\(kind.itemsKey)`")
        }
        let kept = items.filter { item in
            guard let name = item[kind.nameKey]?.string, isUsable(name, kind) else { return false }
            return keeps(name, item)
        }
        object[kind.itemsKey] = .array(kept)
        if era == .stateless { object = ServerResult.confined(object, ttlCap: ttlCap) }
        return .object(object)
    }

    /// Whether a call could name it at all.
    static func isUsable(_ name: String, _ kind: ListKind) -> Bool {
        switch kind {
        case .tools, .prompts: isCallableName(name)
        case .resources: (try? ResourceURI.validate(name)) != nil
        case .resourceTemplates: isTemplate(name)
        }
    }
}
