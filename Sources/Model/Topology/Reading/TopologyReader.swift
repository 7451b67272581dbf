/// What the files of a topology say, with everything that is wrong with them.
package struct TopologyReading {
    /// To be used only when there are no `errors`: what could not be read is missing or stands for something else.
    package var topology: Topology
    package var tests: [TopologyTest]
    /// By file, line and column.
    package var errors: [ModelError]
    /// What is legal and probably not meant; `[]` while there are errors.
    package var findings: [Plan.Finding]
}

package enum TopologyReader {
    /// Reads all files of a topology and checks what they say together.
    ///
    /// - Parameters:
    ///   - files: in any order; the node is nil where the file could not be read, which is in `problems` already. Then
    ///     nothing is said about names that are not declared: they may be declared there.
    ///   - choice: which organization file, where there is one an environment.
    ///   - problems: gets everything that is wrong.
    package static func read(
        _ files: [(file: String, node: Node?)], of choice: OrganizationChoice = .only, problems: Problems, now: Instant
    ) -> TopologyReading {
        let environments = environments(files)
        let (files, environment) = chosen(files.sorted { $0.file < $1.file }, choice, problems)
        let draft = TopologyDraft(problems)
        draft.environment = environment
        draft.environments = environments
        draft.isComplete = files.allSatisfy { $0.node != nil }
        draft.readSets(of: files.compactMap(\.node))
        for (_, node) in files {
            if let node { draft.read(NodeReader(node, problems)) }
        }
        let topology = draft.topology()
        var check = TopologyCheck(topology, tests: draft.tests, mentions: draft.mentions, now: now)
        check.run()
        for error in check.errors where draft.isComplete || error.code != "undeclared-name" { problems.add(error) }
        return TopologyReading(
            topology: topology, tests: draft.tests, errors: problems.all,
            findings: problems.isEmpty ? draft.findings + check.findings : [])
    }
}

/// What has been read of the files so far.
///
/// Objects are kept although parts of them could not be read, so that one mistake does not make every mention of the
/// object another one.
final class TopologyDraft {
    let problems: Problems
    /// False when something that may declare names could not be read at all.
    var isComplete = true
    var organization: Organization?
    var zones: [Zone] = []
    var spokes: [Spoke] = []
    var clients: [Client] = []
    var servers: [Server] = []
    /// Full names of servers whose classification is their zone's.
    var unclassified: Set<String> = []
    var rules: [Rule] = []
    var tests: [TopologyTest] = []
    var mentions = Mentions()
    /// The organization's; objects of others are left out.
    var environment: String?
    /// Those that organization files are of; empty where there is one file.
    var environments: [String] = []
    /// What is legal and probably not meant, and is not in the topology that is read.
    var findings: [Plan.Finding] = []
    /// By zone; nil is the organization.
    var sets: [String?: NamedSets] = [:]
    var overrides = Overrides()
    /// Full names of what is declared for other environments.
    var elsewhere: (clients: Set<String>, servers: Set<String>) = ([], [])

    init(_ problems: Problems) { self.problems = problems }

    /// Which of the three kinds of files this is, and what it holds.
    func read(_ file: NodeReader) {
        let kinds = ["organization", "zone", "in"]
        let read: Void? = file.mapping("a topology file") { mapping in
            guard kinds.contains(where: { mapping.keys.contains($0) }) else {
                let meant = mapping.keys.lazy.compactMap { suggestion(for: $0, among: kinds) }.first
                mapping.acceptRest()
                file.fail(
                    "missing-key", "a topology file begins with `organization:`, `zone:` or `in:`",
                    hint: meant.map { "did you mean \(backticked($0))?" })
                isComplete = false
                return
            }
            guard let (kind, value) = mapping.oneOf(kinds) else { return }
            switch kind {
            case "organization": readOrganization(mapping, domain: value)
            case "zone": readZone(mapping, name: value)
            default: readFragment(mapping, zone: value)
            }
        }
        if read == nil { isComplete = false }
    }

    /// The objects in the order of their names, as two readings of the same files must give.
    func topology() -> Topology {
        if organization == nil, isComplete {
            problems.add(
                "missing-key", "no file says which organization this is", hint: "one file holds `organization: DOMAIN`",
                at: nil)
        }
        leaveOutElsewhere()
        applyOverrides()
        let ceilings = Dictionary(zones.map { ($0.name, $0.classification) }, uniquingKeysWith: { first, _ in first })
        for index in servers.indices where unclassified.contains(servers[index].fullName) {
            servers[index].classification = ceilings[servers[index].zone] ?? .restricted
        }
        return Topology(
            organization: organization ?? Organization(domain: ""),
            zones: zones.sorted { $0.name < $1.name },
            spokes: spokes.sorted { $0.fullName < $1.fullName },
            clients: clients.sorted { $0.fullName < $1.fullName },
            servers: servers.sorted { $0.fullName < $1.fullName },
            rules: rules.sorted { $0.id < $1.id })
    }

    /// A principal, noted as a mention of `owner`.
    func principal(_ value: NodeReader, by owner: Place) -> Principal? {
        let principal = value.parsed("a principal") { text throws(ModelError) in try Principal(text) }
        if let principal { mentions.note(principal.description, by: owner, at: value.place) }
        return principal
    }

    /// A name of another object, noted as a mention of `owner`.
    func mention(_ value: NodeReader, _ expected: String, by owner: Place) -> String? {
        let text = value.string(expected)
        if let text { mentions.note(text, by: owner, at: value.place) }
        return text
    }
}

extension NodeReader {
    /// A moment from which something holds: a day (from its beginning, UTC) or a time.
    func beginning() -> Instant? {
        moment("a date or a time", hint: "as 2026-11-21 or 2026-11-21T08:15:30Z") { text in
            CivilDate(text).map { Instant(milliseconds: $0.daysSinceEpoch * 86_400_000) } ?? Instant(text)
        }
    }

    /// A moment until which something holds: a day (to its end, UTC) or a time.
    func end() -> Instant? {
        moment("a date or a time", hint: "as 2026-11-21 or 2026-11-21T08:15:30Z") { text in
            CivilDate(text).map { Instant(milliseconds: ($0.daysSinceEpoch + 1) * 86_400_000) } ?? Instant(text)
        }
    }
}
