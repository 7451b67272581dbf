import Model
import YAMLFile

/// The outcome of reading a text as the file `t.yaml`.
func read(_ text: String) -> (node: Node?, problems: [ModelError]) { readFile(Array(text.utf8)) }

func readFile(_ bytes: [UInt8]) -> (node: Node?, problems: [ModelError]) {
    let problems = Problems()
    let node = YAMLFile.parse(bytes, file: "t.yaml", problems: problems)
    return (node, problems.all)
}

/// `code line:column` of each problem.
func located(_ problems: [ModelError]) -> [String] {
    problems.map { "\($0.code) \($0.place.map { "\($0.line):\($0.column)" } ?? "-")" }
}

/// A node in one line, for comparison: `{a: [1, "b", true, nothing]}`; plain texts bare.
func written(_ node: Node) -> String {
    switch node.value {
    case .null: "nothing"
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .string(let text, .plain): text
    case .string(let text, .quoted): "\"\(text)\""
    case .sequence(let nodes): "[" + nodes.map(written).joined(separator: ", ") + "]"
    case .mapping(let entries):
        "{" + entries.map { "\($0.key): \(written($0.value))" }.joined(separator: ", ") + "}"
    }
}
