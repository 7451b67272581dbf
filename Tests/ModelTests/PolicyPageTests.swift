import Foundation
import Model
import TestSupport
import Testing
import YAMLFile

@Suite("Docs/Policy.md")
struct PolicyPageTests {
    private let now = Instant(milliseconds: 1_795_262_400_000)

    @Test("its example is a topology without problems, and the tests in it hold")
    func example() throws {
        let blocks = try Checkout.text("Docs/Policy.md").components(separatedBy: "```yaml\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
        #expect(blocks.count == 2)
        let problems = Problems()
        let files = blocks.map { block in
            let name = block.split(separator: "\n")[0].dropFirst("# ".count)
            return (file: String(name), node: YAMLFile.parse(Array(block.utf8), file: String(name), problems: problems))
        }
        let reading = TopologyReader.read(files, problems: problems, now: now)
        #expect(reading.errors.isEmpty, "\(reading.errors)")
        #expect(reading.tests.count == 10)
        let topology = reading.topology
        #expect(topology.run(reading.tests, now: now).isEmpty)
    }

    @Test("every reason that decide gives stands in its table")
    func reasons() throws {
        let text = try Checkout.text("Docs/Policy.md")
        for reason: DenyReason in [
            .network, .stale, .deniedByRule, .revoked, .lapsed, .conditionFailed, .missingFact, .expired, .noRule,
        ] { #expect(text.contains("`\(reason.rawValue)`"), "\(reason)") }
    }
}
