/// A value of a configuration file, with the place where it stands: what `YAMLFile` reads and `NodeReader` decodes.
package struct Node: Hashable, Sendable {
    package var value: Value
    package var place: Place

    package init(_ value: Value, at place: Place) {
        self.value = value
        self.place = place
    }

    package enum Value: Hashable, Sendable {
        case null
        case bool(Bool)
        case integer(Int64)
        case string(String, ScalarStyle)
        case sequence([Node])
        /// In the file's order. Keys may repeat here: `MappingReader` reports them, so that they stand in one list with
        /// every other problem of the file.
        case mapping([Entry])
    }

    /// One `key: value` of a mapping. `place` is the key's.
    package struct Entry: Hashable, Sendable {
        package var key: String
        package var place: Place
        package var value: Node

        package init(key: String, place: Place, value: Node) {
            self.key = key
            self.place = place
            self.value = value
        }
    }

    /// How a string was written: a plain one may mean something else to another YAML reader (`plainScalarSurprise`).
    package enum ScalarStyle: Hashable, Sendable {
        case plain
        /// In single or double quotes, or as a block (`|`, `>`).
        case quoted
    }

    /// What the value is, for messages: "the integer `7`", "a list".
    package var found: String {
        switch value {
        case .null: "nothing"
        case .bool(let value): "the boolean `\(value)`"
        case .integer(let value): "the integer `\(value)`"
        case .string(let text, _): "the text \(backticked(text))"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}

/// Input in backticks for a message: at most 80 characters, line breaks and control characters as `\u{…}`.
package func backticked(_ text: some StringProtocol) -> String {
    var shown = ""
    for scalar in text.unicodeScalars.prefix(80) {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
            shown += "\\u{\(String(scalar.value, radix: 16))}"
        default: shown.unicodeScalars.append(scalar)
        }
    }
    return "`\(shown)\(text.unicodeScalars.count > 80 ? "…" : "")`"
}
