import MCP
import Model

/// One caller's view of one server's lists: an item is shown when an allow could match its use and no deny does for certain.
package struct ListView: Sendable {
    /// How long a client may keep a filtered list: as long as a change of policy may take to be noticed.
    package static let ttlCap: Int64 = 10_000

    private let caller: Caller
    private let facts: Facts
    private let ruleset: Ruleset
    private let catalog: Catalog?
    private let version: ProtocolVersion
    /// How the server's tools are defined now.
    var definitions: ToolDefinitions

    package init(caller: Caller, facts: Facts, ruleset: Ruleset, view: ServerView, version: ProtocolVersion) {
        self.caller = caller
        self.facts = facts
        self.ruleset = ruleset
        self.version = version
        catalog = view.catalog
        definitions = view.definitions
    }

    /// Whether it matters under which definition a tool is listed.
    var isPinned: Bool { ruleset.pinning != nil }

    /// - Throws: `bad-upstream` for a result that is no such list.
    package func filtered(_ result: JSON, _ kind: ListKind, _ era: Era) throws(MCPError) -> JSON {
        try ListFilter.filter(result, kind: kind, era: era, ttlCap: Self.ttlCap) { name, item in
            shows(name, kind, as: item)
        }
    }

    /// A task is its caller's, and as long as the tool may be called that began it.
    func shows(task id: String, of caller: String, server: String, _ tables: Tables, now: Instant) -> Bool {
        guard let task = tables.tasks.find(id, server: server, caller: caller, now: now),
            let facts = facts(ofTool: task.tool)
        else { return false }
        return decide(Request(caller: self.caller, aim: .task(task.tool), facts: facts), under: ruleset).isAllowed
    }

    /// What the caller sees of the catalog, as it stands there: to be compared with what they saw before.
    struct Shown: Hashable, Sendable {
        fileprivate var tools: [String: JSON] = [:]
        fileprivate var prompts: [String: JSON] = [:]
        fileprivate var resources: [String: JSON] = [:]

        func changes(from other: Shown?) -> Set<CapabilityKind> {
            guard let other else { return [] }
            var kinds: Set<CapabilityKind> = []
            if tools != other.tools { kinds.insert(.tool) }
            if prompts != other.prompts { kinds.insert(.prompt) }
            if resources != other.resources { kinds.insert(.resource) }
            return kinds
        }
    }

    func shown() -> Shown {
        guard let catalog else { return Shown() }
        var shown = Shown()
        shown.tools = catalog.tools.filter { shows($0.key, .tools) }.mapValues(\.definition)
        shown.prompts = catalog.prompts.filter { shows($0.key, .prompts) }
        shown.resources = catalog.resources.filter { shows($0.key, .resources) }
        let templates = catalog.resourceTemplates.filter { shows($0.key, .resourceTemplates) }
        shown.resources.merge(templates) { first, _ in first }
        return shown
    }

    /// - Parameter item: what stands in the list, which is judged as well as the catalog; nil for the catalog alone.
    package func shows(_ name: String, _ kind: ListKind, as item: JSON? = nil) -> Bool {
        var facts = facts
        let aim: Aim
        switch kind {
        case .tools:
            guard let known = self.facts(ofTool: name, as: item) else { return false }
            facts = known
            aim = .use(Capability(.tool, name))
        case .prompts:
            guard catalog?.prompt(name) != nil else { return false }
            facts.arguments = .unbound
            aim = .use(Capability(.prompt, name))
        case .resources: aim = .use(Capability(.resource, name))
        case .resourceTemplates: aim = .template(name)
        }
        return decide(Request(caller: caller, aim: aim, facts: facts), under: ruleset).isAllowed
    }

    /// What is known of a call of that tool, its arguments aside; nil where the catalog has none of that name.
    private func facts(ofTool name: String, as item: JSON? = nil) -> Facts? {
        guard let tool = catalog?.tool(name) else { return nil }
        var facts = facts
        facts.readOnly = tool.readOnlyHint && item.map { ToolDefinition.readOnlyHint(of: $0) == true } ?? true
        if isPinned {
            facts.definitions = definitions.digests(of: name, in: version)
            if let item { facts.definitions.append(definitions.digest(of: item, name, in: version)) }
        }
        facts.arguments = .unbound
        return facts
    }
}
