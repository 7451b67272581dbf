extension TopologyDraft {
    /// The `rules:` of a file. `zone` is nil for the organization's.
    func readRules(_ file: MappingReader, zone: String?) {
        guard let value = file.value("rules") else { return }
        rules += value.list { readRule($0, zone: zone) }
    }

    /// Nil without an id.
    private func readRule(_ value: NodeReader, zone: String?) -> Rule? {
        let place = value.place
        let read: Rule?? = value.mapping("a rule") { rule in
            let id = rule.required("id") { $0.string("a name") }
            let effect = rule.oneOf(["allow", "deny"])
            let capabilities = effect?.value.list(minimum: 1) { readCapabilities($0) }
            let to = rule.required("to") { $0.list(minimum: 1) { principal($0, by: place) } }
            let except = rule.optional("except") { $0.list { principal($0, by: place) } }
            let servers = rule.optional("servers") { $0.list(minimum: 1) { mention($0, "a server", by: place) } }
            let when = rule.optional("when") { readConditions($0) }
            let from = rule.optional("from") { $0.beginning() }
            let until = rule.optional("until") { $0.end() }
            let reason = rule.optional("reason") { $0.string() }
            guard let id else { return nil }
            // What could not be read stands for something without names, so that the check says nothing more about it.
            return Rule(
                id: zone.map { "\($0)/\(id)" } ?? id, effect: effect?.key == "allow" ? .allow : .deny,
                capabilities: capabilities.flatMap { $0.isEmpty ? nil : $0 } ?? everything,
                servers: servers, to: to.flatMap { $0.isEmpty ? nil : $0 } ?? [.anyone], except: except, when: when,
                from: from, until: until, reason: reason, place: place)
        }
        return read ?? nil
    }

    private var everything: [CapabilityPattern] { (try? CapabilityPattern("*")).map { [$0] } ?? [] }

    private func readCapabilities(_ value: NodeReader) -> CapabilityPattern? {
        value.parsed("a capability") { text throws(ModelError) in try CapabilityPattern(text) }
    }

    private func readConditions(_ value: NodeReader) -> Conditions? {
        value.mapping("a condition") { when in
            Conditions(
                readOnly: when.optional("readOnly") { $0.bool() },
                networks: when.optional("networks") { $0.list(minimum: 1) { readNetwork($0) } },
                hours: when.optional("hours") { $0.parsed("hours") { text throws(ModelError) in try Hours(text) } },
                arguments: when.optional("arguments") { value in
                    let tests = value.entries(maximum: 64) { key, value -> (String, ArgumentTest)? in
                        let test = value.parsed("a test of an argument") { text throws(ModelError) in
                            try ArgumentTest(text)
                        }
                        guard let name = key.string("an argument"), let test else { return nil }
                        return (name, test)
                    }
                    return Dictionary(tests, uniquingKeysWith: { first, _ in first })
                })
        }
    }
}
