/// One JSON value (RFC 8259): the tree behind wire bodies, ledger entries, bundles and MCP messages.
///
/// Strings are compared byte for byte (UTF-8), never by Unicode's canonical equivalence: U+212A is not `K` here.
package enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSON])
    case object(JSONObject)
}

/// A number as it was written; what does not fit 64 bits is kept, never rounded.
package struct JSONNumber: Hashable, Sendable {
    /// The RFC 8259 spelling: `-12`, `1.50`, `2e3`.
    package let text: String

    package init(_ value: Int64) { text = String(value) }

    /// Takes one RFC 8259 number; nil when the text is anything else, or is too large for a double.
    package init?(text: String) {
        guard case .number(let number)? = try? JSON(parsing: Array(text.utf8)), number.text == text else { return nil }
        self = number
    }

    init(checked text: String) { self.text = text }

    /// The value when it is written without fraction and exponent and fits 64 bits; else nil (`1.0` is nil).
    package var integer: Int64? { Int64(text) }

    /// The nearest double; finite for every number that was parsed.
    package var double: Double { Double(text) ?? .nan }
}

extension JSON {
    /// The member of that name; nil unless this is an object holding it.
    package subscript(key: String) -> JSON? {
        guard case .object(let object) = self else { return nil }
        return object[key]
    }

    /// An object of texts, without those that are nil.
    /// - Parameter pairs: unique keys.
    static func texts(_ pairs: [(key: String, text: String?)]) -> JSON {
        .object(JSONObject(unique: pairs.compactMap { pair in pair.text.map { (pair.key, .string($0)) } }))
    }

    /// The element at a 0-based index; nil unless this is an array that long.
    package subscript(index: Int) -> JSON? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    package var isNull: Bool { self == .null }

    package var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    package var number: JSONNumber? {
        guard case .number(let value) = self else { return nil }
        return value
    }

    /// See ``JSONNumber/integer``.
    package var integer: Int64? { number?.integer }

    package var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    package var array: [JSON]? {
        guard case .array(let value) = self else { return nil }
        return value
    }

    package var object: JSONObject? {
        guard case .object(let value) = self else { return nil }
        return value
    }

    /// The name of the kind, for messages: `null`, `bool`, `number`, `string`, `array`, `object`.
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "bool"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    package static func == (left: JSON, right: JSON) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): sameBytes(left, right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .number(let number): hasher.combine(bytesOf: number.text)
        case .string(let text): hasher.combine(bytesOf: text)
        case .array(let elements): hasher.combine(elements)
        case .object(let object): hasher.combine(object)
        }
    }
}

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByStringInterpolation,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(nilLiteral: ()) { self = .null }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int64) { self = .number(JSONNumber(value)) }
    package init(floatLiteral value: Double) { self = JSONNumber(text: "\(value)").map(JSON.number) ?? .null }
    package init(stringLiteral value: String) { self = .string(value) }
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSON)...) { self = .object(JSONObject(elements)) }
}

extension JSON: CustomStringConvertible {
    /// The text of ``bytes``.
    package var description: String { String(decoding: bytes, as: UTF8.self) }
}
