import Foundation
import Model
import YAMLFile

/// A directory of topology files, read and judged without a hub.
package struct TopologyDirectory {
    static let maximumFiles = 4096
    static let maximumDepth = 16
    /// What the hub takes at most.
    static let maximumBytes = 16 << 20

    /// Empty unless there are no `problems`; of several environments that were read, the first's.
    package var topology: Topology
    /// How many files were read.
    package var fileCount: Int
    package var testCount: Int
    /// Everything that keeps the files from being applied, failed tests too; places begin with the directory, as given.
    package var problems: [ModelError]
    /// What is legal and probably not meant.
    package var findings: [Plan.Finding]

    /// Reads every `*.yaml` below the directory, hidden ones left out, and runs the tests that the files hold.
    /// - Parameter choice: which organization file, where there is one an environment; nil for each of them in turn.
    /// - Throws: `cannot-read`, `too-many-files`, `file-too-large`; what is wrong inside files is in `problems`.
    package init(
        reading directory: String, of choice: OrganizationChoice? = nil, now: Instant
    ) throws(AdminError) {
        let names = try Self.names(below: directory)
        let yaml = names.filter { $0.hasSuffix(".yaml") }
        guard !yaml.isEmpty else {
            throw AdminError(
                "no-files", "no `*.yaml` lies below \(backticked(directory))",
                hint: "one file begins with `organization: DOMAIN`")
        }
        let unreadable = Problems()
        var files: [(file: String, node: Node?)] = []
        var size = 0
        for name in yaml {
            let bytes = try PrivateFile.readOpenly(
                // One byte more than is read, so that the reader itself says that the file is too large, and where.
                "\(directory)/\(name)", maximum: YAMLFile.maximumBytes + 1)
            size += bytes.count
            guard size <= Self.maximumBytes else {
                throw AdminError(
                    "file-too-large",
                    "the files below \(backticked(directory)) have more than \(Self.maximumBytes) bytes")
            }
            files.append((name, YAMLFile.parse(bytes, file: name, problems: unreadable)))
        }
        let environments = TopologyReader.environments(files).map { OrganizationChoice.environment($0) }
        let readings = (choice.map { [$0] } ?? (environments.isEmpty ? [.only] : environments)).map {
            TopologyReader.read(files, of: $0, problems: Problems(), now: now)
        }
        let errors = Self.gathered(unreadable.all + readings.flatMap(\.errors))
        let failures = errors.isEmpty ? readings.flatMap { $0.topology.run($0.tests, now: now).map(\.error) } : []
        // The topology's own places stay relative: they must not change with the directory that a machine has them in.
        let shown = Self.shown(directory)
        self.problems = (errors + failures).map {
            ModelError($0.code, $0.message, hint: $0.hint, place: $0.place.map { $0.below(shown) })
        }
        let unread = names.filter { $0.hasSuffix(".yml") }.map { name in
            Plan.Finding(
                code: "not-read", message: "only `*.yaml` is read", place: Place(file: name, line: 1, column: 1))
        }
        var seen: Set<Plan.Finding> = []
        let found = (errors.isEmpty ? readings.flatMap(\.findings) : []).filter { seen.insert($0).inserted }
        findings = (found + unread).map {
            Plan.Finding(code: $0.code, message: $0.message, place: $0.place.map { $0.below(shown) })
        }
        topology = readings.first?.topology ?? Topology(organization: Organization(domain: ""))
        fileCount = files.count
        testCount = readings.map(\.tests.count).reduce(0, +)
    }

    /// Each error once, by place: what is wrong with a shared file is so in every environment.
    private static func gathered(_ errors: [ModelError]) -> [ModelError] {
        let problems = Problems()
        var seen: Set<String> = []
        for error in errors where seen.insert(error.code + error.description).inserted { problems.add(error) }
        return problems.all
    }

    /// What stands before a file's name in messages: nothing for the current directory.
    private static func shown(_ directory: String) -> String {
        var directory = directory
        while directory.count > 1, directory.hasSuffix("/") { directory.removeLast() }
        return directory == "." ? "" : directory == "/" ? "/" : "\(directory)/"
    }

    /// Relative names in order; symbolic links to directories are not followed.
    private static func names(below directory: String) throws(AdminError) -> [String] {
        var found: [String] = []
        var pending = [(name: "", depth: 0)]
        while let (name, depth) = pending.popLast() {
            let path = name.isEmpty ? directory : "\(directory)/\(name)"
            guard let entries = try? FileManager.default.contentsOfDirectory(atPath: path) else {
                throw AdminError("cannot-read", "cannot read the directory \(backticked(path))")
            }
            for entry in entries where !entry.hasPrefix(".") {
                let child = name.isEmpty ? entry : "\(name)/\(entry)"
                var status = stat()
                guard lstat("\(directory)/\(child)", &status) == 0 else { continue }
                if status.st_mode & S_IFMT == S_IFDIR {
                    guard depth < maximumDepth else {
                        throw AdminError("too-many-files", "\(backticked(path)) lies more than \(maximumDepth) deep")
                    }
                    pending.append((child, depth + 1))
                } else {
                    found.append(child)
                    guard found.count <= maximumFiles else {
                        throw AdminError(
                            "too-many-files", "more than \(maximumFiles) files lie below \(backticked(directory))",
                            hint: "give the directory that holds the topology only")
                    }
                }
            }
        }
        return found.sorted()
    }
}

extension TopologyDirectory {
    /// For commands that need a topology to send: says everything that is wrong with it, and ends. What is only odd the
    /// plan says again, but for files that were not read, which the hub never learns of.
    /// - Parameter context: of one organization and one environment: files of others are refused.
    /// - Throws: `Ended(.blocked)`, `other-environment`.
    static func sound(_ directory: String, of context: HubContext, _ terminal: Terminal) throws -> Topology {
        var read = try TopologyDirectory(reading: directory, of: .domain(context.organization), now: .now)
        if read.problems.isEmpty { read.findings.removeAll { $0.code != "not-read" } }
        for line in read.lines(terminal.talkColour) { terminal.say(line) }
        guard read.problems.isEmpty else { throw Ended(.blocked) }
        try context.demandEnvironment(read.topology.organization.environment)
        return read.topology
    }

    /// `FILE:LINE:COLUMN: error: MESSAGE (HINT)`, one line each, errors first.
    package func lines(_ colour: Colour) -> [String] {
        problems.map { error in
            let place = error.place.map { "\($0): " } ?? ""
            let hint = error.hint.map { " (\($0))" } ?? ""
            return "\(printable(place))\(colour.red("error:")) \(printable(error.message + hint))"
        } + findings.map { findingLine($0, colour) }
    }
}

extension Place {
    fileprivate func below(_ directory: String) -> Place { Place(file: directory + file, line: line, column: column) }
}

func findingLine(_ finding: Plan.Finding, _ colour: Colour) -> String {
    let place = finding.place.map { "\($0): " } ?? ""
    return "\(printable(place))\(colour.yellow("warning:")) \(printable(finding.message))"
}
