/// The named sets of one organization or zone. A rule that names one is read as though its members stood there: the hub, the
/// plan and the bundles know members only, so that one more member is one more grant in the plan.
struct NamedSets {
    struct Member<Value> {
        var value: Value
        var place: Place
    }

    var principals: [String: [Member<Principal>]] = [:]
    var capabilities: [String: [Member<CapabilityPattern>]] = [:]
    var places: [String: Place] = [:]
}

extension TopologyDraft {
    /// The `sets:` of all files, before any rule is read: rules may stand in an earlier file. The organization's come first,
    /// so that a zone's set of the same name is the second.
    func readSets(of files: [Node]) {
        for key in ["organization", "zone"] {
            for case .mapping(let entries) in files.map(\.value) {
                guard let name = entries.first(where: { $0.key == key })?.value,
                    let value = entries.first(where: { $0.key == "sets" })?.value
                else { continue }
                if key == "organization" {
                    readSets(NodeReader(value, problems), zone: nil)
                } else if case .string(let zone, _) = name.value {
                    readSets(NodeReader(value, problems), zone: zone)
                }
            }
        }
    }

    func readSets(_ value: NodeReader, zone: String?) {
        var read = NamedSets()
        _ = value.mapping("sets") { sets in
            _ = sets.optional("principals") { value in
                value.entries { name, members in
                    guard let name = setName(name, &read, "principals", zone) else { return }
                    read.principals[name] = members.list(minimum: 1) { member in
                        member.member(Principal.init).map { .init(value: $0, place: member.place) }
                    }
                }
            }
            _ = sets.optional("capabilities") { value in
                value.entries { name, members in
                    guard let name = setName(name, &read, "capabilities", zone) else { return }
                    read.capabilities[name] = members.list(minimum: 1) { member in
                        member.member(CapabilityPattern.init).map { .init(value: $0, place: member.place) }
                    }
                }
            }
        }
        sets[zone] = read
    }

    private func setName(_ key: NodeReader, _ read: inout NamedSets, _ kind: String, _ zone: String?) -> String? {
        guard let name = key.label("the name of a set") else { return nil }
        // A zone's set under a name of the organization's would change what a reader of the rule believes.
        if let first = zone.flatMap({ _ in sets[nil]?.places["\(kind) \(name)"] }) {
            problems.add(
                "duplicate-name", "the organization has a set \(backticked(name)) of \(kind)",
                hint: "the first is at \(first)", at: key.place)
            return nil
        }
        read.places["\(kind) \(name)"] = key.place
        return name
    }

    /// A principal, or the members of a set; noted as mentions of `owner`.
    func principals(_ value: NodeReader, in zone: String?, by owner: Place) -> [Principal]? {
        guard case .string(let text, _) = value.node.value, text.hasPrefix("set:") else {
            return principal(value, by: owner).map { [$0] }
        }
        let members = set(text, value, in: zone, \.principals)
        for member in members ?? [] { mentions.note(member.value.description, by: owner, at: member.place) }
        return members?.map(\.value)
    }

    /// A capability, or the members of a set.
    func capabilities(_ value: NodeReader, in zone: String?) -> [CapabilityPattern]? {
        guard case .string(let text, _) = value.node.value, text.hasPrefix("set:") else {
            return value.parsed("a capability") { text throws(ModelError) in try CapabilityPattern(text) }.map { [$0] }
        }
        return set(text, value, in: zone, \.capabilities)?.map(\.value)
    }

    private func set<Value>(
        _ text: String, _ value: NodeReader, in zone: String?,
        _ kind: KeyPath<NamedSets, [String: [NamedSets.Member<Value>]]>
    ) -> [NamedSets.Member<Value>]? {
        let name = String(text.dropFirst("set:".count))
        let known = [sets[zone], zone == nil ? nil : sets[nil]].compactMap { $0?[keyPath: kind] }
        if let members = known.compactMap({ $0[name] }).first { return members }
        // It may be declared in a file that could not be read.
        guard isComplete else { return nil }
        value.fail(
            "undeclared-name", "set \(backticked(name)) is not declared",
            hint: suggestionHint(for: name, among: known.flatMap(\.keys)))
        return nil
    }
}

extension NodeReader {
    /// One member of a set, which is no set itself.
    fileprivate func member<Value>(_ parse: (String) throws(ModelError) -> Value) -> Value? {
        if case .string(let text, _) = node.value, text.hasPrefix("set:") {
            fail("bad-value", "\(backticked(text)) stands in a set", hint: "sets hold no sets: write its members out")
            return nil
        }
        return parsed("a member of a set", throwing: parse)
    }
}
