import ArgumentParser
import Model

/// Named so because `TopologyCheck` is the model's own.
struct TopologyCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Reads the files of a topology, says all that is wrong, and runs their tests.",
        discussion: """
            Needs no hub. Ends with 7 when something keeps the files from being applied.

              nave topology check topology

            Where there is an organization file for each environment, all of them are checked, or the one you name:

              nave topology check topology --environment staging
            """)

    @Argument(help: ArgumentHelp("Every *.yaml below it is read.", valueName: "dir"))
    var directory: String

    @Option(name: .long, help: ArgumentHelp("Check the files as this environment has them.", valueName: "name"))
    var environment: String?

    @OptionGroup var output: OutputOptions

    /// What `-o json` shows.
    struct Report: Encodable {
        struct Problem: Encodable {
            var code: String
            var message: String
            var hint: String?
            var place: Place?
        }

        var problems: [Problem]
        var findings: [Plan.Finding]
        var files: Int
        var tests: Int
    }

    func run() async throws {
        let read = try TopologyDirectory(
            reading: directory, of: environment.map { .environment($0) }, now: .now)
        let problems = read.problems.map {
            Report.Problem(code: $0.code, message: $0.message, hint: $0.hint, place: $0.place)
        }
        try Terminal.current.show(
            Report(problems: problems, findings: read.findings, files: read.fileCount, tests: read.testCount),
            as: output.output
        ) { colour in
            read.lines(colour).map { $0 + "\n" }.joined()
        }
        Terminal.current.say(checkedLine(read))
        guard read.problems.isEmpty else { throw Ended(.blocked) }
    }
}

/// `3 files, 12 tests: no problems`
package func checkedLine(_ read: TopologyDirectory) -> String {
    // With problems in the files their tests are not run.
    let tests = read.problems.isEmpty && read.testCount > 0 ? ", \(counted(read.testCount, "test"))" : ""
    let problems = read.problems.isEmpty ? "no problems" : counted(read.problems.count, "problem")
    let findings = read.findings.isEmpty ? "" : ", \(counted(read.findings.count, "warning"))"
    return "\(counted(read.fileCount, "file"))\(tests): \(problems)\(findings)"
}
