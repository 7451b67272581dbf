/// Reads a mapping of known keys; made by `NodeReader.mapping`.
///
/// It remembers which keys were asked for: the others are unknown, and the known ones are what a misspelt key is
/// compared with. So every key must be asked for whatever the others say.
package final class MappingReader {
    package let place: Place
    package let problems: Problems
    private let expected: String
    private let entries: [Node.Entry]
    private let index: [String: Int]
    private var asked: Set<String> = []
    /// Keys that may not stand here, because another of their kind does.
    private var excluded: Set<String> = []
    private let shape: Shape?

    init(_ expected: String, at place: Place, _ entries: [Node.Entry], _ problems: Problems) {
        self.expected = expected
        self.place = place
        self.entries = entries
        self.problems = problems
        shape = nil
        index = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.key, $0) })
    }

    /// See `NodeReader.init(noting:)`.
    init(_ expected: String, noting shape: Shape) {
        self.expected = expected
        self.shape = shape
        place = Place(file: "", line: 0, column: 0)
        entries = []
        index = [:]
        problems = Problems()
    }

    package func has(_ key: String) -> Bool {
        if let shape {
            _ = shape.key(key)
            return true
        }
        asked.insert(key)
        return index[key] != nil
    }

    /// Where the key stands, or the mapping when it is absent.
    package func place(of key: String) -> Place { index[key].map { entries[$0].place } ?? place }

    /// The value of a key, nil when the key is absent; not a problem.
    package func value(_ key: String) -> NodeReader? {
        if let shape { return NodeReader(noting: shape.key(key)) }
        asked.insert(key)
        return index[key].map { NodeReader(entries[$0].value, problems) }
    }

    /// Nil when the key is absent, or when `read` reported a problem.
    package func optional<Value>(_ key: String, _ read: (NodeReader) -> Value?) -> Value? {
        value(key).flatMap(read)
    }

    /// `missing-key` when the key is absent. Nil means that a problem was reported.
    package func required<Value>(_ key: String, _ read: (NodeReader) -> Value?) -> Value? {
        shape?.require(key)
        guard let reader = value(key) else {
            problems.add("missing-key", "\(expected) needs \(backticked(key))", at: place)
            return nil
        }
        return read(reader)
    }

    /// Exactly one of `keys` must be there (`missing-key`, `bad-value`): the first that is, with its value.
    package func oneOf(_ keys: [String]) -> (key: String, value: NodeReader)? {
        if let shape, let first = keys.first {
            shape.alternate(keys)
            return (first, NodeReader(noting: shape.key(first)))
        }
        let present = keys.filter { has($0) }
        let names = keys.map { backticked($0) }.joined(separator: " or ")
        guard let key = present.first, let value = value(key) else {
            problems.add("missing-key", "\(expected) needs \(names)", at: place)
            return nil
        }
        excluded.formUnion(keys.filter { $0 != key })
        if let second = present.dropFirst().first {
            problems.add("bad-value", "\(expected) has \(names), not both", at: self.place(of: second))
        }
        return (key, value)
    }

    /// The keys that are there, in the file's order.
    package var keys: [String] { entries.map(\.key) }

    /// Leaves every other key unjudged: for a mapping whose kind is not known, so that nothing more can be said of it.
    package func acceptRest() { asked.formUnion(keys) }

    /// `unknown-key` for every key that nobody asked for.
    func finish() {
        for entry in entries where !asked.contains(entry.key) {
            let known = asked.subtracting(excluded)
            let meant = suggestion(for: entry.key, among: known).map { "did you mean \(backticked($0))?" }
            problems.add(
                "unknown-key", "\(expected) has no key \(backticked(entry.key))",
                hint: meant ?? suggestionHint(for: entry.key, among: known.filter { index[$0] == nil }), at: entry.place
            )
        }
    }
}
