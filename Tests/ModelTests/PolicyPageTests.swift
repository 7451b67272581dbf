import Foundation
import Model
import TestSupport
import Testing
import YAMLFile

@Suite("Docs/Policy.md")
struct PolicyPageTests {
    private let now = Instant(milliseconds: 1_795_262_400_000)

    /// The files that each section of the page shows, by the name in their first line.
    private func sections() throws -> [(title: String, files: [(file: String, text: String)])] {
        try Checkout.text("Docs/Policy.md").components(separatedBy: "\n## ").map { section in
            let blocks = section.components(separatedBy: "```yaml\n").dropFirst().map {
                $0.components(separatedBy: "```")[0]
            }
            return (
                section.components(separatedBy: "\n")[0],
                blocks.map { (String($0.split(separator: "\n")[0].dropFirst("# ".count)), $0) }
            )
        }.filter { !$0.files.isEmpty }
    }

    @Test("its examples are topologies without problems, and the tests in them hold")
    func examples() throws {
        var tests: [String: Int] = [:]
        for (title, files) in try sections() {
            let problems = Problems()
            let nodes = files.filter { $0.file != "spoke.yaml" }.map { file, text in
                (file: file, node: YAMLFile.parse(Array(text.utf8), file: file, problems: problems))
            }
            guard !nodes.isEmpty else { continue }
            let environments = TopologyReader.environments(nodes)
            for choice in environments.isEmpty ? [.only] : environments.map({ OrganizationChoice.environment($0) }) {
                let reading = TopologyReader.read(nodes, of: choice, problems: problems, now: now)
                let findings = title == "Observed servers" ? ["observed-server"] : []
                #expect(
                    reading.errors == [] && reading.findings.map(\.code) == findings,
                    "\(title): \(reading.errors) \(reading.findings)")
                let failures = reading.topology.run(reading.tests, now: now)
                #expect(failures.map(\.error.description) == [], "\(title)")
                tests[title, default: 0] += reading.tests.count
            }
        }
        #expect(
            tests == [
                "Conditions": 6, "Sets": 3, "Limits": 1, "Observed servers": 2, "Pins": 1, "Environments": 3,
                "Around the rules": 0, "A whole example": 10,
            ])
        // Whatever looks like YAML is an example, and is run.
        let text = try Checkout.text("Docs/Policy.md")
        let fences = text.components(separatedBy: "\n").filter { $0.hasPrefix("```") && $0 != "```" }
        #expect(Set(fences) == ["```yaml"])
    }

    @Test("its ceiling is one that a spoke takes")
    func ceiling() throws {
        let text = try #require(try sections().flatMap(\.files).first { $0.file == "spoke.yaml" }).text
        let problems = Problems()
        let node = try #require(YAMLFile.parse(Array(text.utf8), file: "spoke.yaml", problems: problems))
        guard case .mapping(let entries) = node.value, let value = entries.first(where: { $0.key == "ceiling" })?.value
        else {
            Issue.record("no ceiling")
            return
        }
        let ceiling = Ceiling.read(NodeReader(value, problems), servers: ["ledger"])
        #expect(problems.all == [] && ceiling?.rules.count == 2)
        let everything = Rule(id: "f/all", effect: .allow, capabilities: [try CapabilityPattern("*")], to: [.anyone])
        let ruleset = Ruleset(
            organization: "corp.example", server: "f/ledger", networks: [try Network("10.0.0.0/8")],
            rules: [everything],
            masks: [], revision: 1)
        for (capability, isAllowed) in [
            ("tool:read_entry", true), ("tool:write_entry", false), ("resource:ledger://reports/1", true),
            ("resource:ledger://x/secrets/1", false),
        ] {
            let request = Request(
                caller: Caller(workload: try SPIFFEID("spiffe://a.corp.example/client/b")),
                aim: .use(try Capability(capability)), facts: Facts(now: now, address: IPAddress("10.1.1.1")))
            #expect(decide(request, under: try #require(ceiling).over(ruleset)).isAllowed == isAllowed, "\(capability)")
        }
    }

    @Test("every reason that decide gives stands in its table")
    func reasons() throws {
        let text = try Checkout.text("Docs/Policy.md")
        for reason: DenyReason in [
            .network, .stale, .deniedByRule, .revoked, .lapsed, .conditionFailed, .missingFact, .expired, .noRule,
            .callerZone, .ceiling, .unapprovedTool, .changedTool,
        ] { #expect(text.contains("`\(reason.rawValue)`"), "\(reason)") }
    }
}
