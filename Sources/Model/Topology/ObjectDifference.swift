/// The objects that differ, in the order in which they are set. Only those are encoded, to name the fields.
/// - Throws: `not-encodable`.
func objectChanges(from current: Topology?, to desired: Topology) throws(ModelError) -> [Plan.Change] {
    var changes: [Plan.Change] = []
    try compare(.organization, current.map { [$0.organization] } ?? [], [desired.organization], \.domain, &changes)
    try compare(.zone, current?.zones ?? [], desired.zones, \.name, &changes)
    try compare(.spoke, current?.spokes ?? [], desired.spokes, \.fullName, &changes)
    try compare(.client, current?.clients ?? [], desired.clients, \.fullName, &changes)
    try compare(.server, current?.servers ?? [], desired.servers, \.fullName, &changes)
    try compare(.rule, current?.rules ?? [], desired.rules, \.id, &changes)
    return changes.sorted { ($0.object.kind.rank, $0.object.name) < ($1.object.kind.rank, $1.object.name) }
}

private func compare<Object: Hashable & Encodable>(
    _ kind: ObjectKind, _ before: [Object], _ after: [Object], _ name: (Object) -> String,
    _ changes: inout [Plan.Change]
) throws(ModelError) {
    var old = Dictionary(before.map { (name($0), $0) }, uniquingKeysWith: { first, _ in first })
    for object in after {
        let name = ObjectName(kind: kind, name: name(object))
        guard let known = old.removeValue(forKey: name.name) else {
            changes.append(Plan.Change(action: .add, object: name))
            continue
        }
        guard known != object else { continue }
        let fields = differingFields(try JSONCoding.encode(known), try JSONCoding.encode(object)).filter {
            $0 != "place" && !$0.hasPrefix("place.")
        }
        var change = Plan.Change(action: fields.isEmpty ? .move : .change, object: name, fields: fields)
        if let known = known as? Rule, let rule = object as? Rule {
            let (before, after) = (known.conditionTexts, rule.conditionTexts)
            if before != after {
                change.was = before.filter { !after.contains($0) }
                change.now = after.filter { !before.contains($0) }
            }
        }
        changes.append(change)
    }
    for name in old.keys {
        changes.append(Plan.Change(action: .remove, object: ObjectName(kind: kind, name: name)))
    }
}

/// Dotted names of what differs, down to the first value that is not an object on both sides.
private func differingFields(_ old: JSON, _ new: JSON, prefix: String = "") -> [String] {
    guard let old = old.object, let new = new.object else { return [prefix] }
    return Set(old.keys + new.keys).sorted().flatMap { key -> [String] in
        let name = prefix.isEmpty ? key : "\(prefix).\(key)"
        guard old[key] != new[key] else { return [] }
        guard let before = old[key], let after = new[key] else { return [name] }
        return differingFields(before, after, prefix: name)
    }
}
