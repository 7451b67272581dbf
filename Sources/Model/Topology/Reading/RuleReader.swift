/// Whose rules are read: what their names begin with, which sets they may use, and whether they say whom they are for.
enum RuleOwner {
    case organization
    case zone(String)
    /// A host's: for everybody where it does not say.
    case host

    var prefix: String {
        switch self {
        case .organization: ""
        case .zone(let name): "\(name)/"
        case .host: "ceiling:"
        }
    }

    var zone: String? { if case .zone(let name) = self { name } else { nil } }
}

extension TopologyDraft {
    /// The `rules:` of a mapping.
    func readRules(_ file: MappingReader, of owner: RuleOwner) {
        guard let value = file.value("rules") else { return }
        rules += value.list { readRule($0, of: owner) }
    }

    /// Nil without an id, and for a rule of other environments.
    private func readRule(_ value: NodeReader, of owner: RuleOwner) -> Rule? {
        let place = value.place
        return value.mapping("a rule") { rule -> Rule? in
            let id = rule.required("id") { $0.string("a name") }
            let effect = rule.oneOf(["allow", "deny"])
            let capabilities = effect?.value.list(minimum: 1) { self.capabilities($0, in: owner.zone) }.members
            let to =
                if case .host = owner {
                    rule.optional("to") { $0.list(minimum: 1) { principals($0, in: nil, by: place) } } ?? [[.anyone]]
                } else {
                    rule.required("to") { $0.list(minimum: 1) { principals($0, in: owner.zone, by: place) } }
                }
            let except = rule.optional("except") { $0.list { principals($0, in: owner.zone, by: place) } }
            let servers = rule.optional("servers") { $0.list(minimum: 1) { mention($0, "a server", by: place) } }
            let when = rule.optional("when") { readConditions($0) }
            let limits = rule.optional("limits") { readLimits($0) }
            if limits != nil, effect?.key == "deny" {
                problems.add("bad-value", "a denial has no limits", at: rule.place(of: "limits"))
            }
            if limits?.sessions != nil {
                problems.add(
                    "bad-value", "a rule does not limit sessions, which are opened before any rule applies",
                    hint: "limit them in the policy of the server", at: rule.place(of: "limits"))
            }
            let from = rule.optional("from") { $0.beginning() }
            let until = rule.optional("until") { $0.end() }
            let reason = rule.optional("reason") { $0.string() }
            guard isHere(rule), let id else { return nil }
            // What could not be read stands for something without names, so that the check says nothing more about it.
            return Rule(
                id: owner.prefix + id, effect: effect?.key == "allow" ? .allow : .deny,
                capabilities: capabilities.flatMap { $0.isEmpty ? nil : $0 } ?? everything,
                servers: servers, to: to.flatMap { $0.members.nonEmpty } ?? [.anyone],
                except: except?.members, when: when, limits: limits, from: from, until: until,
                reason: reason, place: place)
        }
    }

    private var everything: [CapabilityPattern] { (try? CapabilityPattern("*")).map { [$0] } ?? [] }

    private func readConditions(_ value: NodeReader) -> Conditions? {
        value.mapping("a condition") { when in
            Conditions(
                readOnly: when.optional("readOnly") { $0.bool() },
                networks: when.optional("networks") { $0.list(minimum: 1) { readNetwork($0) } },
                hours: when.optional("hours") { $0.hours() },
                environment: when.optional("environment") { environments($0) },
                sameRegion: when.optional("sameRegion") { $0.bool() },
                clearance: when.optional("clearance") { $0.bool() },
                arguments: when.optional("arguments") { value in
                    let tests = value.entries(maximum: Conditions.maximumArguments) {
                        key, value -> (String, ArgumentTest)? in
                        let name = key.parsed("an argument") { text throws(ModelError) in try ArgumentName(text) }
                        guard let test = value.argumentTest(), let name else { return nil }
                        return (name.description, test)
                    }
                    return Dictionary(tests, uniquingKeysWith: { first, _ in first })
                })
        }
    }
}

extension Conditions {
    /// Tests of arguments in one rule.
    static let maximumArguments = 64
}

extension Hours {
    /// Demands a place of the IANA time zone database: abbreviations such as `EST` and offsets know no daylight saving time,
    /// and nobody means that.
    /// - Throws: `bad-hours`.
    func demandPlace() throws(ModelError) {
        guard zone == "UTC" || zone.contains("/") else {
            throw ModelError(
                "bad-hours", "\(backticked(zone)) is no place of the IANA time zone database",
                hint: "as `Europe/Berlin`, or `UTC`")
        }
    }
}

extension NodeReader {
    /// `Mon-Fri 07:00-19:00 Europe/Berlin`.
    fileprivate func hours() -> Hours? {
        parsed("hours") { text throws(ModelError) in
            let hours = try Hours(text)
            try hours.demandPlace()
            return hours
        }
    }

    /// A text (pattern or bounds), a list of values, or `{ present: true }`.
    fileprivate func argumentTest() -> ArgumentTest? {
        if shape != nil {
            _ = string("a test of an argument")
            _ = list(minimum: 1, maximum: ArgumentTest.maximumChoices) { $0.choice() }
            _ = mapping("a test of an argument") { $0.required("present") { $0.bool() } }
            return nil
        }
        switch node.value {
        case .bool, .integer:
            fail(
                "wrong-type", "expected a test of an argument, found \(node.found)",
                hint:
                    "one value is a list of one, as `[\(scalarText)]`; whether it is given at all is `{ present: true }`"
            )
            return nil
        case .sequence(let nodes):
            let choices = list(minimum: 1, maximum: ArgumentTest.maximumChoices) { $0.choice() }
            return choices.count == nodes.count && !choices.isEmpty ? try? ArgumentTest(oneOf: choices) : nil
        case .mapping:
            let present = mapping("a test of an argument") { $0.required("present") { $0.bool() } }
            return present.map { .present($0) }
        case .null, .string:
            return parsed("a test of an argument") { text throws(ModelError) in try ArgumentTest(text) }
        }
    }

    private var scalarText: String {
        switch node.value {
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        default: ""
        }
    }

    private func choice() -> JSON? {
        if shape != nil {
            _ = (string("a value"), integer(), bool())
            return nil
        }
        switch node.value {
        case .bool(let value): return .bool(value)
        case .integer(let value): return .number(JSONNumber(value))
        case .string: return string("a value", allowsEmpty: true).map { .string($0) }
        case .null, .sequence, .mapping:
            fail("wrong-type", "expected a text, an integer or a boolean, found \(node.found)")
            return nil
        }
    }
}

extension [[Principal]] {
    fileprivate var members: [Principal] { once(self) }
}

extension [[CapabilityPattern]] {
    fileprivate var members: [CapabilityPattern] { once(self) }
}

/// What each element of a list stands for, one after the other. Sets may overlap, and their members count once; what is
/// written out twice in a rule itself stays as it is.
private func once<Value: Hashable>(_ lists: [[Value]]) -> [Value] {
    let all = lists.flatMap(\.self)
    guard lists.contains(where: { $0.count != 1 }) else { return all }
    var seen: Set<Value> = []
    return all.filter { seen.insert($0).inserted }
}

extension Array {
    fileprivate var nonEmpty: [Element]? { isEmpty ? nil : self }
}
