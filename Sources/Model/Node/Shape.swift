/// What a reader asks a value for, noted while it reads nothing: a reader that is given a `NodeReader(noting:)` fills this
/// instead of reading, and so the schema for editors (`topologySchema`) is made by the readers themselves.
package final class Shape {
    enum Form {
        case text(pattern: String?, maximumLength: Int?)
        case integer(ClosedRange<Int64>)
        case boolean
        case words([String])
        case list(Shape, count: ClosedRange<Int>)
        /// Keys that the reader knows.
        case mapping
        /// Keys that are names of the user's.
        case entries(Shape)
        case anything
    }

    /// What the value may be; a value of which nothing was asked may be anything.
    private(set) var forms: [Form] = []
    /// For people.
    private(set) var title: String?
    private(set) var hint: String?
    /// Of a mapping, in the order in which they were asked for.
    private(set) var keys: [(name: String, shape: Shape)] = []
    private(set) var required: [String] = []
    /// Keys of which exactly one stands.
    private(set) var alternatives: [[String]] = []

    package init() {}

    func note(_ form: Form, _ title: String? = nil, hint: String? = nil) {
        forms.append(form)
        self.title = self.title ?? title
        self.hint = self.hint ?? hint
    }

    func key(_ name: String) -> Shape {
        if let known = keys.first(where: { $0.name == name }) { return known.shape }
        let shape = Shape()
        keys.append((name, shape))
        return shape
    }

    func require(_ name: String) { if !required.contains(name) { required.append(name) } }

    func alternate(_ names: [String]) {
        alternatives.append(names)
        guard let first = names.first else { return }
        let shape = key(first)
        for name in names.dropFirst() where !keys.contains(where: { $0.name == name }) { keys.append((name, shape)) }
    }
}

extension Shape {
    /// As JSON Schema (draft 2020-12).
    package var schema: JSON {
        var schemas = forms.map(schema)
        // The same again, where a reader tried twice.
        schemas = schemas.enumerated().filter { schemas.firstIndex(of: $0.element) == $0.offset }.map(\.element)
        guard let first = schemas.first else { return [:] }
        var object = schemas.count == 1 ? first.object ?? JSONObject() : JSONObject([("anyOf", .array(schemas))])
        let description = [title, hint].compactMap(\.self).joined(separator: ": ")
        if !description.isEmpty { object["description"] = .string(description) }
        return .object(object)
    }

    private func schema(_ form: Form) -> JSON {
        switch form {
        case .anything: return [:]
        case .boolean: return ["type": "boolean"]
        case .words(let words): return ["enum": .array(words.map(JSON.string))]
        case .integer(let range):
            var object = JSONObject([("type", "integer")])
            if range.lowerBound > .min { object["minimum"] = .number(JSONNumber(range.lowerBound)) }
            if range.upperBound < .max { object["maximum"] = .number(JSONNumber(range.upperBound)) }
            return .object(object)
        case .text(let pattern, let maximumLength):
            var object = JSONObject([("type", "string")])
            object["pattern"] = pattern.map(JSON.string)
            object["maxLength"] = maximumLength.map { .number(JSONNumber(Int64($0))) }
            return .object(object)
        case .list(let element, let count):
            var object = JSONObject([("type", "array"), ("items", element.schema)])
            if count.lowerBound > 0 { object["minItems"] = .number(JSONNumber(Int64(count.lowerBound))) }
            object["maxItems"] = .number(JSONNumber(Int64(count.upperBound)))
            return .object(object)
        case .entries(let value): return ["type": "object", "additionalProperties": value.schema]
        case .mapping:
            var object = JSONObject([("type", "object"), ("additionalProperties", false)])
            object["properties"] = .object(JSONObject(keys.map { ($0.name, $0.shape.schema) }))
            if !required.isEmpty { object["required"] = .array(required.map(JSON.string)) }
            let choices = alternatives.map { names -> JSON in
                ["oneOf": .array(names.map { ["required": [.string($0)]] })]
            }
            if !choices.isEmpty { object["allOf"] = .array(choices) }
            return .object(object)
        }
    }
}
