/// The least rules that allow what was used of one server: each principal gets the tools and prompts that were seen by their
/// names, and principals that used the same share a rule. Resources are named one by one until they are many; then by the
/// directories that they lie in.
///
/// A person is named as the rule named them that let them in, by group rather than by address; a workload by itself. What is in
/// `usesWithoutRule` is left out.
/// - Parameters:
///   - server: full name.
///   - organization: the domain.
/// - Returns: rules of the server's zone, none where nothing was used.
package func suggestRules(from uses: [UsageRow], of server: String, organization: String) -> [Rule] {
    var used: [Principal: Set<Capability>] = [:]
    for use in uses {
        guard let capability = try? Capability(use.capability), !capability.isReadAsPattern,
            let principal = suggestedPrincipal(use, organization)
        else { continue }
        used[principal, default: []].insert(capability)
    }
    var sharing: [[CapabilityPattern]: [Principal]] = [:]
    for (principal, capabilities) in used {
        sharing[suggestedPatterns(capabilities), default: []].append(principal)
    }
    let parts = server.split(separator: "/").map(String.init)
    guard parts.count == 2 else { return [] }
    let ordered = sharing.map { (patterns: $0.key, to: $0.value.sorted { $0.description < $1.description }) }.sorted {
        ($0.to.first?.description ?? "", $0.patterns.count) < ($1.to.first?.description ?? "", $1.patterns.count)
    }
    return ordered.enumerated().map { index, group in
        Rule(
            id: "\(parts[0])/\(parts[1])-used-\(index + 1)", effect: .allow, capabilities: group.patterns,
            servers: [parts[1]], to: group.to)
    }
}

/// What was used under a name that a rule cannot say alone: a `*` in it would stand for other names too. Callers choose names.
/// - Returns: capabilities as they were used, sorted, each once.
package func usesWithoutRule(_ uses: [UsageRow]) -> [String] {
    let capabilities = Set(uses.compactMap { try? Capability($0.capability) })
    return capabilities.filter(\.isReadAsPattern).map(\.description).sorted()
}

extension Capability {
    fileprivate var isReadAsPattern: Bool { name.utf8.contains(UInt8(ascii: "*")) }
}

private func suggestedPrincipal(_ use: UsageRow, _ organization: String) -> Principal? {
    let named = try? Principal(use.principal)
    if let named, named.isPerson { return named }
    guard let id = use.caller.split(separator: "+").first.flatMap({ try? SPIFFEID(String($0)) }) else { return named }
    if let zone = Caller(workload: id).zone(in: organization) {
        return id.kind == "client" && id.path.count == 2 ? .client(zone: zone, name: id.name) : nil
    }
    return try? Principal(id.description)
}

/// More resources than this are named by their directories.
private let manyResources = 8

private func suggestedPatterns(_ capabilities: Set<Capability>) -> [CapabilityPattern] {
    let resources = capabilities.filter { $0.kind == .resource }
    var names = capabilities.subtracting(resources.count > manyResources ? resources : []).map(\.description)
    if resources.count > manyResources {
        names += Set(resources.map { "resource:\(directory($0.name))" })
    }
    return Set(names).sorted().compactMap { try? CapabilityPattern($0) }
}

/// `ledger://reports/*` of `ledger://reports/2026`.
private func directory(_ uri: String) -> String {
    guard let slash = uri.lastIndex(of: "/") else { return uri }
    return uri[...slash] + "*"
}
