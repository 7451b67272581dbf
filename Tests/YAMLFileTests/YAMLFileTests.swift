import Model
import Testing
import YAMLFile

@Suite struct YAMLFileTests {
    @Test(arguments: [
        ("a: true", "{a: true}"),
        ("a: false", "{a: false}"),
        ("a: ~\nb: null\nc:", "{a: nothing, b: nothing, c: nothing}"),
        (
            "[0, -1, 42, 9223372036854775807, -9223372036854775808]",
            "[0, -1, 42, 9223372036854775807, -9223372036854775808]"
        ),
        ("9223372036854775808", "9223372036854775808"),
        ("2026-01-31", "2026-01-31"),
        ("['a', \"b\", c]", "[\"a\", \"b\", c]"),
        ("\"true\"", "\"true\""),
        ("|\n  two\n  lines\n", "\"two\nlines\n\""),
        ("{a: {b: [c]}}", "{a: {b: [c]}}"),
        ("max-age=63072000; includeSubDomains", "max-age=63072000; includeSubDomains"),
        ("[10.20.0.0/16, 127.0.0.1:9464]", "[10.20.0.0/16, 127.0.0.1:9464]"),
        ("tool:read_*", "tool:read_*"),
        ("", "nothing"),
        ("# only a comment\n", "nothing"),
        ("---\na: 1\n...\n", "{a: 1}"),
        ("\u{FEFF}a: 1", "{a: 1}"),
        ("a: 1\na: 2", "{a: 1, a: 2}"),
    ])
    func reads(_ text: String, _ expected: String) {
        let (node, problems) = read(text)
        #expect(problems == [])
        #expect(node.map(written) == expected)
    }

    @Test func plainIntegersAreIntegersAndLargerOnesTexts() throws {
        #expect(try #require(read("7").node).value == .integer(7))
        #expect(try #require(read("9223372036854775808").node).value == .string("9223372036854775808", .plain))
        #expect(try #require(read("007").node).value == .string("007", .plain))
        #expect(try #require(read("\"7\"").node).value == .string("7", .quoted))
    }

    @Test(arguments: [
        ("a: &x 1\nb: *x", ["yaml-alias 1:4", "yaml-alias 2:4"]),
        ("a: !secret x", ["yaml-tag 1:4"]),
        ("a: !!str 1", ["yaml-tag 1:4"]),
        ("a: ! 1", ["yaml-tag 1:4"]),
        ("%YAML 1.1\n---\na: 1", ["yaml-directive 1:1"]),
        ("%TAG ! tag:example.com,2026:\n---\na: 1", ["yaml-directive 1:1"]),
        ("<<: {a: 1}\nb: 2", ["yaml-merge-key 1:1"]),
        ("1: a\ntrue: b\n~: c", ["yaml-key 1:1", "yaml-key 2:1", "yaml-key 3:1"]),
        ("no: a\n07: b\n1:30: c\n1.5: d", ["yaml-key 1:1", "yaml-key 2:1", "yaml-key 3:1", "yaml-key 4:1"]),
        ("[a]: b", ["yaml-key 1:1"]),
        ("? {a: 1}\n: b", ["yaml-key 1:3"]),
        ("*x : b", ["yaml-alias 1:1"]),
        ("to: *", ["yaml-syntax 1:6"]),
        ("a: 1\n---\nb: 2", ["yaml-many-documents 2:1"]),
        ("a: 1\n\tb: 2", ["yaml-syntax 2:1"]),
        // The end of the text is a line of its own to libyaml.
        ("a: [1, 2", ["yaml-syntax 2:1"]),
        ("a: 'x", ["yaml-syntax 1:6"]),
        ("a: b: c", ["yaml-syntax 1:5"]),
        ("a: 1\nb: \"\\0\"", ["yaml-encoding 2:4"]),
        ("a: 1\nb: \u{202E}x", ["yaml-encoding 2:4"]),
        ("a: \u{1}", ["yaml-encoding 1:4"]),
        ("a: x\u{2028}y", ["yaml-encoding 1:5"]),
        ("a: x\u{85}y", ["yaml-encoding 1:5"]),
    ])
    func refuses(_ text: String, _ expected: [String]) {
        let (node, problems) = read(text)
        #expect(node == nil)
        #expect(located(problems) == expected)
    }

    @Test func refusesBytesThatAreNotUTF8() {
        #expect(located(readFile(Array("a: 1\nb: x".utf8) + [0xC3, 0x28]).problems) == ["yaml-encoding 2:5"])
        #expect(located(readFile([0xFF, 0xFE, 0x61, 0x00]).problems) == ["yaml-encoding 1:1"])
        // An overlong slash and a surrogate.
        #expect(located(readFile([0xC0, 0xAF]).problems) == ["yaml-encoding 1:1"])
        #expect(located(readFile([0xED, 0xA0, 0x80]).problems) == ["yaml-encoding 1:1"])
    }

    @Test func everyValueHasItsPlace() throws {
        let node = try #require(read("é: x\nlist:\n  - a\n  - k: 1\n").node)
        guard case .mapping(let entries) = node.value, entries.count == 2,
            case .sequence(let elements) = entries[1].value.value, elements.count == 2,
            case .mapping(let inner) = elements[1].value
        else {
            Issue.record("another shape: \(written(node))")
            return
        }
        #expect(node.place.description == "t.yaml:1:1")
        // Columns count characters, not bytes.
        #expect(entries[0].value.place.description == "t.yaml:1:4")
        #expect(entries[1].place.description == "t.yaml:2:1")
        #expect(elements[0].place.description == "t.yaml:3:5")
        #expect(inner[0].place.description == "t.yaml:4:5")
        #expect(inner[0].value.place.description == "t.yaml:4:8")
    }

    @Test func windowsLineEndsCountOnce() {
        #expect(located(read("a: 1\r\nb: 2\r\nc: \u{7}").problems) == ["yaml-encoding 3:4"])
        #expect(located(read("a: 1\r\nb: 2\r\n\tc: 3").problems) == ["yaml-syntax 3:1"])
    }
}
