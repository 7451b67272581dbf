/// `Codable` values to and from JSON, strictly: wire bodies, signed payloads and ledger entries all pass here.
package enum JSONCoding {
    /// Integers of 64 bits only; nil optionals are left out. Throws `not-encodable` for fractions and for what has no JSON.
    package static func encode(_ value: some Encodable) throws(ModelError) -> JSON {
        do { return try JSONNode.encoding(value, at: .root).json } catch { throw modelError(error) }
    }

    /// The RFC 8785 bytes of the value: what is signed, hashed and stored.
    package static func canonical(_ value: some Encodable) throws(ModelError) -> [UInt8] {
        try encode(value).canonicalBytes
    }

    /// Throws `unknown-key` for a key that nothing asked for, at any depth; `missing-key`, `wrong-type`, `unknown-value`;
    /// and what the type's own `init(from:)` throws. Each message begins with the path, `$.rules[2].id`.
    package static func decode<T: Decodable>(_ type: T.Type, from json: JSON) throws(ModelError) -> T {
        do { return try JSONTreeDecoder.decode(type, from: json, at: .root) } catch { throw modelError(error) }
    }

    /// Throws also what ``JSON/init(parsing:limits:)`` throws.
    package static func decode<T: Decodable>(
        _ type: T.Type, from bytes: [UInt8], limits: JSON.Limits = .standard
    ) throws(ModelError) -> T {
        try decode(type, from: JSON(parsing: bytes, limits: limits))
    }

    /// Demands also that the bytes are the canonical encoding of what they mean, else throws `not-canonical`.
    package static func decodeCanonical<T: Codable>(_ type: T.Type, from bytes: [UInt8]) throws(ModelError) -> T {
        let value = try decode(type, from: bytes)
        guard try canonical(value) == bytes else {
            throw ModelError("not-canonical", "the JSON is not in the one canonical form of what it means")
        }
        return value
    }

    private static func modelError(_ error: any Error) -> ModelError {
        switch error {
        case let located as LocatedModelError: located.error
        case let error as ModelError: error
        default: JSONPath.root.locate(error).error
        }
    }
}

/// An error whose message already names the path.
struct LocatedModelError: Error {
    let error: ModelError
}

/// Where in the tree a coder stands; rendered only for a message.
indirect enum JSONPath {
    case root
    case key(String, in: JSONPath)
    case index(Int, in: JSONPath)

    var text: String {
        switch self {
        case .root: "$"
        case .key(let key, let parent): "\(parent.text).\(key.prefix(64))"
        case .index(let index, let parent): "\(parent.text)[\(index)]"
        }
    }

    var codingPath: [any CodingKey] {
        switch self {
        case .root: []
        case .key(let key, let parent): parent.codingPath + [JSONKey(stringValue: key)]
        case .index(let index, let parent): parent.codingPath + [JSONKey(intValue: index)]
        }
    }

    func failure(_ code: String, _ what: String, hint: String? = nil) -> LocatedModelError {
        LocatedModelError(error: ModelError(code, "\(text): \(what)", hint: hint))
    }

    /// Names this path in an error that a type's own coding code threw.
    func locate(_ error: any Error) -> LocatedModelError {
        switch error {
        case let located as LocatedModelError: return located
        case let error as any NaveError: return failure(error.code, error.message, hint: error.hint)
        case DecodingError.keyNotFound(let key, _): return failure("missing-key", "`\(key.stringValue)` is missing")
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            return failure("wrong-type", context.debugDescription)
        case DecodingError.dataCorrupted(let context): return failure("unknown-value", context.debugDescription)
        case EncodingError.invalidValue(_, let context): return failure("not-encodable", context.debugDescription)
        default: return failure("unknown-value", "\(error)")
        }
    }
}

struct JSONKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(stringValue: String) {
        self.stringValue = stringValue
        intValue = nil
    }

    init(intValue: Int) {
        stringValue = String(intValue)
        self.intValue = intValue
    }
}

extension JSON: Codable {
    /// Any JSON at all, taken as it is: for members whose content is not ours. Only ``JSONCoding`` can read it.
    package init(from decoder: any Decoder) throws {
        guard let decoder = decoder as? JSONTreeDecoder else {
            throw ModelError("not-encodable", "a JSON tree can be read by JSONCoding only")
        }
        self = decoder.takeWhole()
    }

    package func encode(to encoder: any Encoder) throws {
        guard let node = encoder as? JSONNode else {
            throw ModelError("not-encodable", "a JSON tree can be written by JSONCoding only")
        }
        node.content = .value(self)
    }
}

extension JSONObject: Codable {
    package init(from decoder: any Decoder) throws {
        guard case .object(let object) = try JSON(from: decoder) else {
            throw ModelError("wrong-type", "an object is expected")
        }
        self = object
    }

    package func encode(to encoder: any Encoder) throws { try JSON.object(self).encode(to: encoder) }
}
