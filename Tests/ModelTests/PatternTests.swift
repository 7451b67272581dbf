import Model
import Testing

@Suite("patterns") struct PatternTests {
    @Test("say of every text what trying every split says", arguments: [false, true])
    func agreesWithTheOracle(segmented: Bool) throws {
        var numbers = SmallGenerator(seed: segmented ? 11 : 12)
        var matched = 0
        for _ in 0..<20_000 {
            let text = numbers.text(of: ["a", "b", "/"], atMost: 9)
            let pattern = numbers.text(of: ["a", "b", "/", "*", "**"], atMost: 6)
            guard let parsed = try? Pattern(pattern, segmented: segmented) else { continue }
            let expected = Oracle.glob(Array(pattern), Array(text), segments: segmented)
            #expect(parsed.matches(text) == expected, "\(pattern) on \(text)")
            // A template without expressions is a text.
            if !text.isEmpty {
                #expect(parsed.covers(template: text) == expected, "\(pattern) covers \(text)")
                #expect(parsed.overlaps(template: text) == expected, "\(pattern) overlaps \(text)")
            }
            if expected { matched += 1 }
        }
        #expect(matched > 1000)
    }

    @Test("cover a template only if they match all that it expands to")
    func coveringIsMatchingAll() throws {
        var numbers = SmallGenerator(seed: 13)
        var covered = 0
        for _ in 0..<20_000 {
            let text = numbers.text(of: ["a", "/", "*", "**"], atMost: 5)
            let template = numbers.text(of: ["a", "/", "{x}", "{+x}"], atMost: 4)
            guard let pattern = try? Pattern(text, segmented: true), pattern.covers(template: template) else {
                continue
            }
            covered += 1
            for value in ["", "a", "b", "ab", "a-b"] {
                for path in ["", "/", "a/b", "//", value] {
                    let expansion = template.replacing("{+x}", with: path).replacing("{x}", with: value)
                    #expect(pattern.matches(expansion), "\(text) on \(expansion) of \(template)")
                }
            }
        }
        #expect(covered > 500)
    }

    @Test("runs of a template are covered by runs alone, of at least their reach")
    func coversRuns() throws {
        let rows: [(pattern: String, template: String, covers: Bool)] = [
            ("x://*/p", "x://{id}/p", true), ("x://**", "x://{id}/p", true), ("x://*", "x://{+path}", false),
            ("x://**", "x://{+path}", true), ("x://a", "x://{id}", false), ("x://a*", "x://{id}", false),
            ("x://*", "x://{id", true), ("x://{id", "x://{id", true), ("x://*", "x://a{id}b{c}", true),
        ]
        for row in rows {
            #expect(try Pattern(row.pattern, segmented: true).covers(template: row.template) == row.covers, "\(row)")
        }
    }

    @Test("a template of open braces alone is read in one pass")
    func openBraces() throws {
        let template = String(repeating: "{", count: 200_000)
        #expect(try Pattern("**", segmented: true).covers(template: template))
        #expect(try !Pattern("a**", segmented: true).covers(template: template))
    }
}

private struct SmallGenerator {
    private var generator: Seeded

    init(seed: UInt64) { generator = Seeded(state: seed) }

    mutating func text(of parts: [String], atMost count: Int) -> String {
        let length = Int(generator.next() % UInt64(count + 1))
        return (0..<length).map { _ in parts[Int(generator.next() % UInt64(parts.count))] }.joined()
    }
}
