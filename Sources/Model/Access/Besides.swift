/// Somebody whom two principals name: of one alone nobody may be allowed what whoever is both may do, where a denial spares
/// one of them.
struct Besides {
    /// How many are tried of one principal at most.
    static let maximum = 32

    /// `who is also in group:sre`
    var text: String
    var callers: [Caller]
}

extension Principal {
    /// Callers whom this principal names and one of the others besides, where the other does not name all of them anyway; of
    /// groups also all together. What only three principals together may do is not looked for, nor what is beyond `maximum`.
    /// - Parameters:
    ///   - others: whom denials spare or name.
    ///   - groups: what is known of a person's groups.
    func besides(
        _ others: [Principal], fresh: String, of rulesets: [Ruleset], groups: Set<String> = []
    ) -> [Besides] {
        let others = Set(others).filter { $0 != self && !$0.covers(self) }.sorted { $0.description < $1.description }
        func inGroups(_ names: [String]) -> [Caller] {
            representatives(fresh: fresh, of: rulesets, groups: groups.union(names)).filter { $0.user != nil }
        }
        var found: [Besides] = []
        var names: [String] = []
        for other in others {
            let callers: [Caller]
            switch (self, other) {
            case (.user, .group(let name)), (.group, .group(let name)), (.anyone, .group(let name)):
                names.append(name)
                found.append(Besides(text: "who is also in \(other)", callers: inGroups([name])))
                continue
            case (.group(let name), .user):
                callers = other.representatives(fresh: fresh, of: rulesets, groups: groups.union([name]))
            default: callers = covers(other) ? other.representatives(fresh: fresh, of: rulesets, groups: groups) : []
            }
            if !callers.isEmpty { found.append(Besides(text: "who is \(other)", callers: callers)) }
        }
        if names.count > 1 {
            let text = "who is also in \(names.map { Principal.group($0).description }.joined(separator: ", "))"
            found.insert(Besides(text: text, callers: inGroups(names)), at: 0)
        }
        return Array(found.prefix(Besides.maximum))
    }
}
