import Model

/// What a server offers, collected from the pages of its lists. All names are ASCII (others cannot be called), so that
/// looking one up is a comparison byte for byte.
package struct Catalog: Hashable, Sendable {
    package struct Tool: Hashable, Sendable {
        package let definition: JSON
        /// What the definition has mirrored into headers: read out of it once, not with each call.
        package let mirrored: MirroredParameters
        /// `annotations.readOnlyHint`; false unless the definition says true, as the protocol has it.
        package var readOnlyHint: Bool
        /// Further, other definitions under the same name.
        package var others: [JSON] = []

        package var definitions: [JSON] { [definition] + others }

        fileprivate init(_ definition: JSON, readOnlyHint: Bool) {
            self.definition = definition
            self.readOnlyHint = readOnlyHint
            mirrored = MirroredParameters(definition: definition)
        }
    }

    package private(set) var tools: [String: Tool] = [:]
    package private(set) var prompts: [String: JSON] = [:]
    package private(set) var resources: [String: JSON] = [:]
    /// By URI template.
    package private(set) var resourceTemplates: [String: JSON] = [:]

    private static let maximumItems = 10_000
    private static let maximumOfOneName = 8

    package init() {}

    /// Adds one page and tells the cursor of the next. Items without a name that can be called are left out.
    ///
    /// Throws `bad-upstream` for a result that is no list of that kind, for more than 10,000 items or eight definitions of one
    /// tool, and for a cursor that is no string or longer than 4 KiB.
    package mutating func add(page result: JSON, kind: ListKind) throws(MCPError) -> String? {
        guard let items = result[kind.itemsKey]?.array else {
            throw MCPError(.badUpstream, "the answer to `\(kind.method)` holds no `\(kind.itemsKey)`")
        }
        for item in items {
            guard let name = item[kind.nameKey]?.string, ListFilter.isUsable(name, kind) else { continue }
            insert(item, name, kind)
            if kind == .tools, let tool = tools[name], tool.others.count >= Self.maximumOfOneName {
                throw MCPError(
                    .badUpstream, "the server defines the tool \(quoted(name)) more than \(Self.maximumOfOneName) times"
                )
            }
        }
        guard max(tools.count, prompts.count, resources.count, resourceTemplates.count) <= Self.maximumItems else {
            throw MCPError(.badUpstream, "`\(kind.method)` lists more than \(Self.maximumItems) items")
        }
        guard let cursor = result["nextCursor"], !cursor.isNull else { return nil }
        guard let text = cursor.string, text.utf8.count <= 4096 else {
            throw MCPError(.badUpstream, "the cursor of `\(kind.method)` is not a string of at most 4096 bytes")
        }
        return text
    }

    /// Of two tools of one name the server runs either, so the name is read-only only if both say so.
    private mutating func insert(_ item: JSON, _ name: String, _ kind: ListKind) {
        switch kind {
        case .tools:
            let readOnly = item["annotations"]?["readOnlyHint"] == true
            guard var tool = tools[name] else {
                tools[name] = Tool(item, readOnlyHint: readOnly)
                return
            }
            tool.readOnlyHint = tool.readOnlyHint && readOnly
            if !tool.definitions.contains(item) { tool.others.append(item) }
            tools[name] = tool
        case .prompts: if prompts[name] == nil { prompts[name] = item }
        case .resources: if resources[name] == nil { resources[name] = item }
        case .resourceTemplates: if resourceTemplates[name] == nil { resourceTemplates[name] = item }
        }
    }

    package func tool(_ name: String) -> Tool? { isCallableName(name) ? tools[name] : nil }
    package func prompt(_ name: String) -> JSON? { isCallableName(name) ? prompts[name] : nil }

    /// Whether a tool or prompt of that name is offered. A resource always may be: it can match a template, or come
    /// from a link that was never listed.
    package func offers(_ capability: Capability) -> Bool {
        switch capability.kind {
        case .tool: tool(capability.name) != nil
        case .prompt: prompt(capability.name) != nil
        case .resource: true
        }
    }
}
