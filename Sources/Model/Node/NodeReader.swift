/// The one strict decoder from a `Node`: reads a value as what is expected, or puts what is wrong with it into
/// `problems`, with its place, and answers nil. Nil therefore always means "reported".
package struct NodeReader {
    package let node: Node
    package let problems: Problems

    /// Where what is asked for is noted, by a reader that reads nothing.
    let shape: Shape?

    package init(_ node: Node, _ problems: Problems) {
        self.node = node
        self.problems = problems
        shape = nil
    }

    /// A reader that reads nothing and notes what it is asked for. It answers as though something harmless stood there, so
    /// that whoever asks goes on asking.
    package init(noting shape: Shape) {
        node = Node(.null, at: Place(file: "", line: 0, column: 0))
        problems = Problems()
        self.shape = shape
    }

    package var place: Place { node.place }

    /// Reports a problem of this value.
    package func fail(_ code: String, _ message: String, hint: String? = nil) {
        problems.add(code, message, hint: hint, at: place)
    }

    /// `wrong-type`: says what was expected and what was found.
    private func wrongType<Value>(_ expected: String, hint: String? = nil) -> Value? {
        fail("wrong-type", "expected \(expected), found \(node.found)", hint: hint)
        return nil
    }

    /// `bad-value`: the type is right, the value is not.
    private func badValue<Value>(_ expected: String, hint: String? = nil) -> Value? {
        fail("bad-value", "expected \(expected), found \(node.found)", hint: hint)
        return nil
    }

    // MARK: scalars

    /// Bytes of a text of which nothing else is known.
    package static let maximumTextLength = 4096

    /// A text of 1 to `maximumLength` bytes. One that another YAML reader would take for a number or a boolean must be
    /// in quotes.
    package func string(
        _ expected: String = "text", maximumLength: Int = Self.maximumTextLength, allowsEmpty: Bool = false
    ) -> String? {
        text(expected, maximumLength: maximumLength, allowsEmpty: allowsEmpty, isMoment: false)
    }

    /// - Parameter isMoment: whether a date is expected, which every reader sees in a plain one.
    private func text(_ expected: String, maximumLength: Int, allowsEmpty: Bool, isMoment: Bool) -> String? {
        if let shape {
            shape.note(.text(pattern: nil, maximumLength: maximumLength), expected)
            return "x"
        }
        switch node.value {
        case .string(let text, let style):
            if style == .plain, !isMoment, let surprise = plainScalarSurprise(text) {
                fail(
                    "wrong-type", "\(backticked(text)) is \(surprise) to other readers of YAML, expected \(expected)",
                    hint: "quote it: \"\(text)\"")
                return nil
            }
            guard allowsEmpty || !text.isEmpty else { return badValue("\(expected) that is not empty") }
            guard text.utf8.count <= maximumLength else {
                return badValue("\(expected) of at most \(maximumLength) bytes")
            }
            return text
        case .bool(let value): return wrongType(expected, hint: "quote it: \"\(value)\"")
        case .integer(let value): return wrongType(expected, hint: "quote it: \"\(value)\"")
        case .null, .sequence, .mapping: return wrongType(expected)
        }
    }

    /// A lower-case DNS label (`isLabel`), such as the name of a zone, a server or a rule.
    package func label(_ expected: String = "a name") -> String? {
        if let shape {
            shape.note(.text(pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", maximumLength: nil), expected)
            return "x"
        }
        guard let text = string(expected) else { return nil }
        guard isLabel(text) else {
            return badValue(expected, hint: "lower-case letters, digits and inner hyphens, at most 63")
        }
        return text
    }

    package func integer(in range: ClosedRange<Int64> = Int64.min...Int64.max) -> Int64? {
        if let shape {
            shape.note(.integer(range))
            return range.lowerBound
        }
        guard case .integer(let value) = node.value else { return wrongType("an integer") }
        guard range.contains(value) else {
            return badValue("an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    package func bool() -> Bool? {
        if let shape {
            shape.note(.boolean)
            return true
        }
        guard case .bool(let value) = node.value else {
            return wrongType("a boolean", hint: "write `true` or `false`")
        }
        return value
    }

    /// `300ms`, `10s`, `5m`, `24h`, `7d`.
    package func duration() -> Milliseconds? {
        parsed(
            "a duration", hint: "a whole number and ms, s, m, h or d, such as `30s`", pattern: "^[0-9]+(ms|s|m|h|d)$"
        ) { Milliseconds($0) }
    }

    /// `512B`, `64KiB`, `1MiB`, `2GiB`.
    package func size() -> ByteCount? {
        parsed(
            "a size", hint: "a whole number and B, KiB, MiB or GiB, such as `1MiB`", pattern: "^[0-9]+(B|KiB|MiB|GiB)$"
        ) { ByteCount($0) }
    }

    /// A size within bounds, `bad-value` beyond them.
    package func size(in range: ClosedRange<ByteCount>) -> ByteCount? {
        guard let size = size() else { return nil }
        guard range.contains(size) else {
            fail("bad-value", "expected a size from \(range.lowerBound) to \(range.upperBound), found \(size)")
            return nil
        }
        return size
    }

    /// `2026-11-21`.
    package func date() -> CivilDate? {
        moment("a date", hint: "a day that exists, as YYYY-MM-DD") { CivilDate($0) }
    }

    /// `2026-11-21T08:15:30Z`.
    package func instant() -> Instant? {
        moment("a time", hint: "RFC 3339 in UTC, such as `2026-11-21T08:15:30Z`") { Instant($0) }
    }

    /// One of the raw values of these words.
    package func word<Word: RawRepresentable<String>>(of words: [Word]) -> Word? {
        let known = words.map(\.rawValue)
        if let shape {
            shape.note(.words(known))
            return words.first
        }
        let expected = "one of " + known.map { backticked($0) }.joined(separator: ", ")
        guard let text = string(expected) else { return nil }
        guard let word = words.first(where: { $0.rawValue == text }) else {
            let hint = suggestion(for: text, among: known).map { "did you mean \(backticked($0))?" }
            return badValue(expected, hint: hint)
        }
        return word
    }

    /// One of the raw values of `type`.
    package func word<Word: RawRepresentable<String> & CaseIterable>(_ type: Word.Type) -> Word? {
        word(of: Array(Word.allCases))
    }

    /// A date or a time, which needs no quotes: `bad-value` when `parse` answers nil.
    package func moment<Value>(_ expected: String, hint: String? = nil, _ parse: (String) -> Value?) -> Value? {
        if let shape {
            shape.note(.text(pattern: nil, maximumLength: 64), expected, hint: hint)
            return nil
        }
        guard let text = text(expected, maximumLength: 64, allowsEmpty: false, isMoment: true) else { return nil }
        return parse(text) ?? badValue(expected, hint: hint)
    }

    /// A text that `parse` understands: `bad-value` when it answers nil.
    /// - Parameter pattern: what an editor can know of it.
    package func parsed<Value>(
        _ expected: String, hint: String? = nil, pattern: String? = nil, _ parse: (String) -> Value?
    ) -> Value? {
        if let shape {
            shape.note(.text(pattern: pattern, maximumLength: nil), expected, hint: hint)
            return nil
        }
        guard let text = string(expected) else { return nil }
        return parse(text) ?? badValue(expected, hint: hint)
    }

    /// A text that a throwing parser of `Model` understands; its error is reported as it is, at this place.
    package func parsed<Value>(_ expected: String, throwing parse: (String) throws(ModelError) -> Value) -> Value? {
        guard let text = string(expected) else { return nil }
        do {
            return try parse(text)
        } catch {
            problems.add(error, at: place)
            return nil
        }
    }

    // MARK: collections

    /// The elements that could be read; `[]` when this is no list, or one of less than `minimum` elements.
    package func list<Element>(minimum: Int = 0, maximum: Int = 10_000, _ read: (NodeReader) -> Element?) -> [Element] {
        if let shape {
            let element = Shape()
            shape.note(.list(element, count: minimum...maximum))
            return [read(NodeReader(noting: element))].compactMap(\.self)
        }
        guard case .sequence(let nodes) = node.value else {
            let hint =
                if case .string(let text, _) = node.value { "write `[\(text.prefix(80))]`" } else { String?.none }
            let none: [Element]? = wrongType("a list", hint: hint)
            return none ?? []
        }
        guard nodes.count <= maximum else {
            fail("bad-value", "expected at most \(maximum) elements, found \(nodes.count)")
            return []
        }
        guard nodes.count >= minimum else {
            fail("bad-value", "expected at least \(minimum) element\(minimum == 1 ? "" : "s"), found \(nodes.count)")
            return []
        }
        return nodes.compactMap { read(NodeReader($0, problems)) }
    }

    /// The entries of a mapping whose keys are names of the user's, such as `servers:`; `[]` when this is no mapping.
    /// A key that occurs twice is reported and read once.
    package func entries<Value>(
        maximum: Int = 10_000, _ read: (_ key: NodeReader, _ value: NodeReader) -> Value?
    ) -> [Value] {
        if let shape {
            let value = Shape()
            shape.note(.entries(value))
            return [read(NodeReader(noting: Shape()), NodeReader(noting: value))].compactMap(\.self)
        }
        guard case .mapping(let entries) = node.value else {
            let none: [Value]? = wrongType("a mapping")
            return none ?? []
        }
        guard entries.count <= maximum else {
            fail("bad-value", "expected at most \(maximum) entries, found \(entries.count)")
            return []
        }
        return unique(entries, problems).compactMap { entry in
            // YAMLFile has refused keys that are not texts, so a key is as good as quoted.
            let key = Node(.string(entry.key, .quoted), at: entry.place)
            return read(NodeReader(key, problems), NodeReader(entry.value, problems))
        }
    }

    /// Reads a mapping of known keys. Keys that `read` did not ask for are reported when it returns; nil from it means that
    /// it has reported why.
    ///
    /// - Parameter expected: what this is, for messages: "a server".
    package func mapping<Value>(_ expected: String, _ read: (MappingReader) -> Value?) -> Value? {
        if let shape {
            shape.note(.mapping, expected)
            return read(MappingReader(expected, noting: shape))
        }
        guard case .mapping(let entries) = node.value else { return wrongType("\(expected) (a mapping)") }
        let reader = MappingReader(expected, at: place, unique(entries, problems), problems)
        let value = read(reader)
        reader.finish()
        return value
    }
}

/// Reports every repeated key (`duplicate-key`) and leaves its first entry.
private func unique(_ entries: [Node.Entry], _ problems: Problems) -> [Node.Entry] {
    var first: [String: Place] = [:]
    return entries.filter { entry in
        if let earlier = first[entry.key] {
            problems.add(
                "duplicate-key", "key \(backticked(entry.key)) is here twice",
                hint: "first at line \(earlier.line)", at: entry.place)
            return false
        }
        first[entry.key] = entry.place
        return true
    }
}
