import Model
import Testing
import YAMLFile

@Suite struct LimitTests {
    @Test func anAliasBombIsRefusedWithoutGrowing() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 {
            text +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ",") + "]\n"
        }
        let (node, problems) = read(text)
        #expect(node == nil)
        #expect(problems.count == 31 + 30 * 9)
        #expect(problems.allSatisfy { $0.code == "yaml-alias" })
    }

    /// A text of `prefix`, `count` times `repeated`, and `suffix`: named by its parts, for it is long.
    struct Large: Sendable, CustomTestStringConvertible {
        var prefix = ""
        var repeated: String
        var count: Int
        var suffix = ""

        var text: String { prefix + String(repeating: repeated, count: count) + suffix }
        var testDescription: String { "`\(prefix)` and \(count) × `\(repeated)`" }
    }

    @Test(arguments: [
        (Large(repeated: "a", count: 10_000_000), "yaml-too-large"),
        (Large(prefix: "k: ", repeated: "a", count: 70_000), "yaml-too-large"),
        (Large(prefix: "k: \"", repeated: "a", count: 4_000_000, suffix: "\""), "yaml-too-large"),
        (Large(repeated: "[", count: 33, suffix: String(repeating: "]", count: 33)), "yaml-too-deep"),
        (Large(repeated: "{a: ", count: 1_000_000), "yaml-too-deep"),
        (Large(repeated: "[", count: 4_000_000), "yaml-too-deep"),
        (Large(repeated: "- ", count: 2_000_000), "yaml-too-deep"),
        (Large(repeated: "- a\n", count: 200_000), "yaml-too-many-values"),
        (Large(prefix: "[", repeated: "a,", count: 200_000), "yaml-too-many-values"),
    ])
    func refuses(_ large: Large, _ code: String) {
        let (node, problems) = read(large.text)
        #expect(node == nil)
        #expect(problems.map(\.code) == [code])
    }

    @Test func theLimitsThemselvesAreRead() {
        #expect(read("k: " + String(repeating: "a", count: YAMLFile.maximumScalarBytes)).problems == [])
        let deep = String(repeating: "[", count: YAMLFile.maximumDepth)
        #expect(read(deep + String(repeating: "]", count: YAMLFile.maximumDepth)).problems == [])
        // The list is a value too.
        #expect(read(String(repeating: "- a\n", count: YAMLFile.maximumValues - 1)).problems == [])
    }
}
