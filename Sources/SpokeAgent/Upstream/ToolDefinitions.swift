import MCP
import Model
import Trust

/// Under which definitions one server lists its tools now: to this spoke itself, and to callers who speak other versions of
/// MCP or saw a change first. Pure; digests are made once for each definition.
package struct ToolDefinitions: Sendable {
    private struct Known: Hashable, Sendable {
        var digest: String
        var definition: JSON

        init(_ definition: JSON) {
            self.definition = definition
            digest = digestText(of: definition.interchangeBytes)
        }
    }

    /// What the spoke was listed, by tool.
    private var own: [String: [Known]] = [:]
    private var version: ProtocolVersion?
    /// What callers were listed last, where that differs.
    private var others: [ProtocolVersion: [String: [Known]]] = [:]
    /// Another one whenever anything is.
    package private(set) var edition = 0

    package init() {}

    package init(_ catalog: Catalog, in version: ProtocolVersion) { take(catalog, in: version) }

    /// The spoke fetched the lists anew.
    package mutating func take(_ catalog: Catalog, in version: ProtocolVersion) {
        var fetched: [String: [Known]] = [:]
        for (name, tool) in catalog.tools {
            fetched[name] = tool.definitions.map { definition in
                own[name]?.first { $0.definition == definition } ?? Known(definition)
            }
        }
        // What the spoke itself is listed in that version is newer than what a caller was.
        let kept = others.filter { $0.key != version }.mapValues { tools in tools.filter { fetched[$0.key] != nil } }
        guard fetched != own || kept != others || version != self.version else { return }
        own = fetched
        others = kept
        self.version = version
        edition += 1
    }

    /// A caller is about to be listed these tools.
    /// - Returns: whether a definition among them is news.
    package mutating func note(_ items: [JSON], in version: ProtocolVersion) -> Bool {
        var listed: [String: [Known]] = [:]
        for item in items {
            guard let name = item["name"]?.string, own[name] != nil,
                (listed[name]?.count ?? 0) < ToolSighting.maximumDefinitions
            else { continue }
            let known = known(item, name, version)
            if listed[name]?.contains(known) != true { listed[name, default: []].append(known) }
        }
        var tools = others[version] ?? [:]
        for (name, definitions) in listed {
            let isAsOwn = definitions.allSatisfy { known in own[name]?.contains { $0.digest == known.digest } ?? false }
            tools[name] = isAsOwn ? nil : definitions
        }
        guard tools != others[version] ?? [:] else { return false }
        others[version] = tools
        edition += 1
        return true
    }

    /// Digests of every definition under which callers of that version may know a tool, sorted.
    package func digests(of tool: String, in version: ProtocolVersion) -> [String] {
        let known = (own[tool] ?? []) + (others[version]?[tool] ?? [])
        return known.count == 1 ? [known[0].digest] : Set(known.map(\.digest)).sorted()
    }

    /// The digest of an item of a list.
    package func digest(of item: JSON, _ tool: String, in version: ProtocolVersion) -> String {
        known(item, tool, version).digest
    }

    /// For reports: each tool with all its definitions, by name.
    package func sightings(server: String) -> [ToolSighting] {
        own.keys.sorted().prefix(ToolSighting.maximumTools).map { tool in
            var versions: [String: (known: Known, versions: Set<String>)] = [:]
            for known in own[tool] ?? [] {
                versions[known.digest] = (known, Set([version?.rawValue].compactMap(\.self)))
            }
            for (version, tools) in others {
                for known in tools[tool] ?? [] {
                    versions[known.digest, default: (known, [])].versions.insert(version.rawValue)
                }
            }
            return ToolSighting(
                server: server, tool: tool,
                definitions: versions.sorted { $0.key < $1.key }.prefix(ToolSighting.maximumDefinitions).map {
                    digest, seen in
                    let definition = seen.known.definition
                    let isShort = definition.bytes.count <= SeenDefinition.maximumBytes
                    return SeenDefinition(
                        digest: digest, readOnly: ToolDefinition.readOnlyHint(of: definition),
                        // A bare `nil` would be JSON's null here.
                        versions: seen.versions.sorted(), definition: isShort ? definition : JSON?.none)
                })
        }
    }

    /// Known already, most of the time: then nothing has to be hashed.
    private func known(_ item: JSON, _ tool: String, _ version: ProtocolVersion) -> Known {
        (own[tool] ?? []).first { $0.definition == item } ?? (others[version]?[tool] ?? []).first {
            $0.definition == item
        }
            ?? Known(item)
    }
}
