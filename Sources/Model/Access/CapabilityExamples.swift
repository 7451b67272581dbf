/// Capabilities that match a pattern, one of each kind that some other patterns can tell apart, the most general first.
///
/// A run filled with a byte that stands in no pattern is met by runs only: whatever matches that, matches everything there.
/// - Parameters:
///   - others: what allows, denies, revocations and ceilings name.
///   - tools: names of tools to try as well; where definitions are pinned, only approved tools can be called.
func capabilityExamples(
    of pattern: CapabilityPattern, among others: [CapabilityPattern], tools: [String], fresh: String
) -> some Sequence<Capability> {
    // Usually the first says it: the rest is made up when it is asked for.
    [true, false].lazy.flatMap { isGeneral -> [Capability] in
        let met = isGeneral ? [] : others.filter { $0 != pattern && $0.overlaps(pattern) }
        guard isGeneral || !met.isEmpty || !tools.isEmpty else { return [] }
        return examples(of: pattern, among: met, tools: isGeneral ? [] : tools, fresh: fresh)
    }
}

private func examples(
    of pattern: CapabilityPattern, among others: [CapabilityPattern], tools: [String], fresh: String
) -> [Capability] {
    let kinds = pattern.kind.map { [$0] } ?? CapabilityKind.allCases
    var found: [Capability] = []
    for kind in kinds {
        let alike = others.filter { $0.kind == kind }.compactMap(\.pattern)
        let fillings = fillings(kind, fresh: fresh)
        let theirs = alike.flatMap { other in fillings.compactMap { other.example($0) } }
        let mine: [String]
        if let own = pattern.pattern {
            mine = (own.hasRuns ? fillings + theirs : [""]).compactMap { own.example($0) } + theirs
        } else {
            mine = fillings.map { kind == .resource ? "\(fresh)://\($0)" : $0 } + theirs
        }
        found += (mine + (kind == .tool ? tools : [])).filter { !$0.isEmpty }.map { Capability(kind, $0) }
    }
    var seen: Set<Kindred> = []
    let approved = Set(tools)
    return found.filter { capability in
        guard pattern.matches(capability) else { return false }
        // Without others to compare with, as many segments as patterns may count tell them apart.
        if others.isEmpty, tools.isEmpty { return true }
        let isApproved = capability.kind == .tool && approved.contains(capability.name)
        let kindred = Kindred(
            kind: capability.kind, approved: isApproved ? capability.name : nil,
            matches: others.map { $0.matches(capability) })
        return seen.insert(kindred).inserted
    }
}

/// What capabilities have in common that nothing tells apart.
private struct Kindred: Hashable {
    var kind: CapabilityKind
    var approved: String?
    var matches: [Bool]
}

/// Patterns of URIs count segments, so there is one of each length up to more than they can count.
private func fillings(_ kind: CapabilityKind, fresh: String) -> [String] {
    guard kind == .resource else { return [fresh, ""] }
    return [8, 1, 2, 3, 4].map { [String](repeating: fresh, count: $0).joined(separator: "/") } + [""]
}

/// A letter or digit that stands in none of the texts; where all do, a run of letters that is no word.
func freshText(_ texts: some Sequence<String>) -> String {
    let used = Set(texts.joined().utf8)
    let free = "qzjxkvwyg0123456789bcdfhlmnprstuaeio".utf8.first { !used.contains($0) }
    return free.map { String(decoding: [$0], as: UTF8.self) } ?? "qzjx"
}
