extension TopologyDraft {
    /// The `tests:` of a file. In a zone's file a server is named alone or in full, elsewhere in full.
    func readTests(_ file: MappingReader, zone: String?) {
        guard let value = file.value("tests") else { return }
        tests += value.list { readTest($0, zone: zone) }
    }

    private func readTest(_ value: NodeReader, zone: String?) -> TopologyTest? {
        let place = value.place
        return value.mapping("a test") { test -> TopologyTest? in
            let by = test.required("by") { principal($0, by: place) }
            let through = test.optional("through") { principal($0, by: place) }
            let call = test.required("call") { readCall($0, zone: zone, by: place) }
            let expect = test.required("expect") { $0.word(TopologyTest.Expectation.self) }
            let arguments = test.optional("arguments") { value in
                let pairs = value.entries(maximum: 64) { key, value -> (String, JSON)? in
                    guard let name = key.string("an argument"), let json = value.json() else { return nil }
                    return (name, json)
                }
                return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
            }
            let from = test.optional("from") { value -> IPAddress? in value.parsed("an IP address") { IPAddress($0) } }
            let at = test.optional("at") { $0.instant() }
            guard isHere(test), let by, let call else { return nil }
            return TopologyTest(
                by: by, through: through, server: call.server, capability: call.capability, arguments: arguments ?? [:],
                from: from,
                at: at, expect: expect ?? .deny, place: place)
        }
    }

    /// `ledger tool:delete_entry`.
    private func readCall(_ value: NodeReader, zone: String?, by owner: Place) -> (
        server: String, capability: Capability
    )? {
        let expected = "a call"
        guard let text = value.string(expected) else { return nil }
        let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
        guard parts.count == 2, zone != nil || parts[0].contains("/") else {
            value.fail(
                "bad-value", "expected \(expected), found the text \(backticked(text))",
                hint: "a server and a capability, as `\(zone == nil ? "finance/" : "")ledger tool:read_entry`")
            return nil
        }
        let server = parts[0].contains("/") ? parts[0] : "\(zone ?? "")/\(parts[0])"
        mentions.note(server, by: owner, at: value.place)
        do {
            return (server, try Capability(parts[1]))
        } catch {
            problems.add(error, at: value.place)
            return nil
        }
    }
}

extension NodeReader {
    /// Any value as JSON; nil when a text in it must be quoted, or a key repeats, which is reported.
    func json() -> JSON? {
        if let shape {
            shape.note(.anything)
            return .null
        }
        switch node.value {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .integer(let value): return .number(JSONNumber(value))
        case .string: return string(allowsEmpty: true).map { .string($0) }
        case .sequence(let nodes):
            let values = list { $0.json() }
            return values.count == nodes.count ? .array(values) : nil
        case .mapping(let entries):
            let pairs = self.entries { key, value in value.json().flatMap { json in key.string().map { ($0, json) } } }
            return pairs.count == entries.count ? .object(JSONObject(pairs)) : nil
        }
    }
}
