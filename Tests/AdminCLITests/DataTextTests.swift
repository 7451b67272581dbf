import AdminCLI
import Model
import Testing
import YAMLFile

@Suite struct DataTextTests {
    private let value: JSON = [
        "b": ["x", 1, true, nil, [], [:]], "a": ["nested": ["k": "v"], "list": [["p": 1, "q": [2]], "t"]],
        "e\"": "\u{7F}\n",
    ]

    @Test func jsonIsSortedAndIndented() {
        #expect(
            jsonText(value) == """
                {
                  "a": {
                    "list": [
                      {
                        "p": 1,
                        "q": [
                          2
                        ]
                      },
                      "t"
                    ],
                    "nested": {
                      "k": "v"
                    }
                  },
                  "b": [
                    "x",
                    1,
                    true,
                    null,
                    [],
                    {}
                  ],
                  "e\\"": "\\u007f\\n"
                }

                """)
        #expect(jsonText([]) == "[]\n")
    }

    @Test func jsonReadsBack() throws {
        #expect(try JSON(parsing: Array(jsonText(value).utf8)) == value)
    }

    @Test func yamlIsSortedAndQuotedWhereItCouldMeanSomethingElse() {
        #expect(
            yamlText([
                "z": "yes", "a": "10", "m": "plain-text", "n": ["2026-01-01", "*", "null", ""], "o": [["k": "v"]],
            ]) == """
                a: "10"
                m: plain-text
                "n":
                  - "2026-01-01"
                  - "*"
                  - "null"
                  - ""
                o:
                  - k: v
                z: "yes"

                """)
    }

    /// Our own reader is the strictest there is: what it takes, every reader takes alike.
    @Test func yamlReadsBack() throws {
        let texts = [
            "a: b", "#x", "- y", "é", "tool:read_*", "{}", "~", "0x1f", "1_000", "12:30", "on", "@x", "/p", "a b",
        ]
        let value = JSON.object(
            JSONObject(texts.enumerated().map { ("k\($0)", .string($1)) } + [("list", .array(texts.map(JSON.string)))]))
        let problems = Problems()
        let node = YAMLFile.parse(Array(yamlText(value).utf8), file: "x", problems: problems)
        #expect(problems.all == [])
        #expect(node.map(json) == value)
    }

    private func json(_ node: Node) -> JSON {
        switch node.value {
        case .null: .null
        case .bool(let value): .bool(value)
        case .integer(let value): .number(JSONNumber(value))
        case .string(let text, _): .string(text)
        case .sequence(let nodes): .array(nodes.map(json))
        case .mapping(let entries): .object(JSONObject(entries.map { ($0.key, json($0.value)) }))
        }
    }
}
