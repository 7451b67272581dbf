/// Which of several organization files is read: there may be one an environment, and the zones' files are shared.
package enum OrganizationChoice: Hashable, Sendable {
    /// There is only one.
    case only
    /// That environment's.
    case environment(String)
    /// That domain's: what a context is bound to.
    case domain(String)
}

/// The first lines of an organization file.
struct OrganizationHead {
    var file: String
    var domain: String
    var environment: String?
    var place: Place

    /// Nil for a file of another kind, and for one whose organization is no text.
    init?(_ file: String, _ node: Node) {
        guard case .mapping(let entries) = node.value,
            let domain = entries.first(where: { $0.key == "organization" }),
            case .string(let name, _) = domain.value.value
        else { return nil }
        self.file = file
        self.domain = name
        place = domain.value.place
        if case .string(let text, _)? = entries.first(where: { $0.key == "environment" })?.value.value {
            environment = text
        }
    }
}

extension TopologyReader {
    /// The environments that the files tell apart, sorted; empty where there is one organization file.
    package static func environments(_ files: [(file: String, node: Node?)]) -> [String] {
        let heads = files.compactMap { file in file.node.flatMap { OrganizationHead(file.file, $0) } }
        let names = Set(heads.compactMap(\.environment))
        return heads.count > 1 && names.count == heads.count ? names.sorted() : []
    }

    /// The files without the organization files of other environments, and the environment that is read.
    ///
    /// Where the choice is of none of them, or is left open among several, that is a problem, and the first is read, for what
    /// else is wrong.
    static func chosen(
        _ files: [(file: String, node: Node?)], _ choice: OrganizationChoice, _ problems: Problems
    ) -> (files: [(file: String, node: Node?)], environment: String?) {
        let heads = files.compactMap { file in file.node.flatMap { OrganizationHead(file.file, $0) } }
        let environments = environments(files)
        guard let first = heads.first else { return (files, nil) }
        let known = environments.map { backticked($0) }.joined(separator: ", ")
        var found = first
        switch choice {
        case .only where environments.isEmpty: return (files, first.environment)
        case .only:
            problems.add(
                "needs-environment", "there is an organization file for each of \(known), and one is to be read",
                hint: "say which, as `--environment \(environments.first ?? "")`", at: nil)
        case .environment(let name):
            if let head = heads.first(where: { $0.environment == name }) {
                found = head
            } else {
                problems.add(
                    "other-environment", "no organization file is of the environment \(backticked(name))",
                    hint: suggestionHint(for: name, among: heads.compactMap(\.environment)), at: first.place)
            }
        case .domain(let domain):
            if let head = heads.first(where: { $0.domain == domain }) {
                found = head
            } else {
                problems.add(
                    "other-organization", "the files are of \(backticked(first.domain)), not of \(backticked(domain))",
                    hint: "`nave context list` shows the organizations and environments you know", at: first.place)
            }
        }
        let others = environments.isEmpty ? [] : Set(heads.map(\.file)).subtracting([found.file])
        return (files.filter { !others.contains($0.file) }, found.environment)
    }
}

extension TopologyDraft {
    /// Names of environments. What is of none that there is exists nowhere, a denial too, so a name that no organization file
    /// has is a problem; where there is one file the others may lie elsewhere, and it is a finding.
    func environments(_ value: NodeReader) -> [String] {
        value.list(minimum: 1) { entry in
            guard let name = entry.label("an environment") else { return nil }
            guard isComplete, name != environment, !environments.contains(name) else { return name }
            let message = "no organization file is of the environment \(backticked(name))"
            if !environments.isEmpty {
                entry.fail("undeclared-name", message, hint: suggestionHint(for: name, among: environments))
            } else if environment != nil {
                findings.append(Plan.Finding(code: "unknown-environment", message: message, place: entry.place))
            }
            return name
        }
    }

    /// Whether an object is of the environment that is read: it names it among its `environments:`, or names none.
    func isHere(_ object: MappingReader) -> Bool {
        guard let value = object.value("environments") else { return true }
        let named = environments(value)
        guard let environment else {
            value.fail(
                "bad-value", "the organization names no environment",
                hint: "say `environment:` in its file, or leave `environments:` out")
            return true
        }
        // A name that could not be read is a problem already.
        return named.isEmpty || named.contains(environment)
    }

    /// Takes out of rules and tests what was declared for other environments only. What names nothing else goes, too: a rule
    /// whose servers are all elsewhere must not become one for every server.
    func leaveOutElsewhere() {
        let clients = elsewhere.clients.subtracting(clients.map(\.fullName))
        let servers = elsewhere.servers.subtracting(self.servers.map(\.fullName))
        guard !clients.isEmpty || !servers.isEmpty else { return }
        func isElsewhere(_ principal: Principal?) -> Bool {
            if case .client(let zone, let name)? = principal { clients.contains("\(zone)/\(name)") } else { false }
        }
        rules = rules.compactMap { rule in
            let zone = rule.zone
            var rule = rule
            rule.to.removeAll(where: isElsewhere)
            rule.except?.removeAll(where: isElsewhere)
            rule.servers?.removeAll { selector in
                servers.contains(selector) || zone.map { servers.contains("\($0)/\(selector)") } ?? false
            }
            return rule.to.isEmpty || rule.servers == [] ? nil : rule
        }
        tests.removeAll { isElsewhere($0.by) || isElsewhere($0.through) || servers.contains($0.server) }
    }
}
