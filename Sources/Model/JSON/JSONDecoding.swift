/// Swift's `Decoder` over a JSON tree. It records which keys were asked for; after a type has been decoded, every key of
/// its object that nothing asked for is refused.
final class JSONTreeDecoder: Decoder {
    let json: JSON
    let path: JSONPath
    private var members: JSONMembers?
    /// Those of nested containers.
    private var nested: [JSONMembers] = []

    init(json: JSON, path: JSONPath) {
        self.json = json
        self.path = path
    }

    static func decode<T: Decodable>(_ type: T.Type, from json: JSON, at path: JSONPath) throws -> T {
        let decoder = JSONTreeDecoder(json: json, path: path)
        do {
            let value = try T(from: decoder)
            try decoder.refuseUnasked()
            return value
        } catch {
            throw path.locate(error)
        }
    }

    var codingPath: [any CodingKey] { path.codingPath }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        if let members { return KeyedDecodingContainer(KeyedDecoding(members: members, owner: self)) }
        guard case .object(let object) = json else { throw path.wrongType("an object", json) }
        let opened = JSONMembers(object: object, path: path)
        members = opened
        return KeyedDecodingContainer(KeyedDecoding(members: opened, owner: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try UnkeyedDecoding(json: json, path: path, owner: self)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { SingleValueDecoding(decoder: self) }

    /// The whole tree below here, every key of it asked for.
    func takeWhole() -> JSON {
        members?.takeAll()
        return json
    }

    /// Opens an object whose keys this decoder will answer for.
    fileprivate func open(_ json: JSON, at path: JSONPath) throws -> JSONMembers {
        guard case .object(let object) = json else { throw path.wrongType("an object", json) }
        let opened = JSONMembers(object: object, path: path)
        nested.append(opened)
        return opened
    }

    private func refuseUnasked() throws {
        try members?.refuseUnasked()
        for members in nested { try members.refuseUnasked() }
    }
}

/// One object and what was asked of it.
final class JSONMembers {
    let object: JSONObject
    let path: JSONPath
    /// A bit for each of the first 64 members, and the positions of the others.
    private var asked: UInt64 = 0
    private var askedBeyond: Set<Int> = []
    /// Asked for by name while absent: candidates for a suggestion only.
    private var absent: [String] = []

    init(object: JSONObject, path: JSONPath) {
        self.object = object
        self.path = path
    }

    /// The member of that name, which counts as asked for.
    func take(_ key: String) -> JSON? {
        guard let position = object.position(of: key) else {
            absent.append(key)
            return nil
        }
        if position < 64 { asked |= 1 << UInt64(position) } else { askedBeyond.insert(position) }
        return object.pairs[position].value
    }

    /// Whether it is there; that alone asks for nothing.
    func holds(_ key: String) -> Bool {
        if object.position(of: key) != nil { return true }
        absent.append(key)
        return false
    }

    func takeAll() {
        asked = .max
        askedBeyond = Set(0..<object.count)
    }

    func refuseUnasked() throws {
        guard asked.nonzeroBitCount + askedBeyond.count < object.count else { return }
        for (position, pair) in object.pairs.enumerated() {
            if position < 64 ? asked & 1 << UInt64(position) != 0 : askedBeyond.contains(position) { continue }
            throw path.failure(
                "unknown-key", "the key `\(pair.key.prefix(64))` is not known here",
                hint: suggestionHint(for: pair.key, among: Set(absent).subtracting(object.keys)))
        }
    }
}

extension JSONPath {
    fileprivate func wrongType(_ expected: String, _ json: JSON) -> LocatedModelError {
        failure("wrong-type", "\(expected) is expected, this is of kind \(json.kind)")
    }

    /// Of a text that whoever decodes may not compare and hash.
    fileprivate var unsafeText: LocatedModelError {
        failure("unknown-value", "the text holds more than 30 combining marks in a row")
    }
}

private struct KeyedDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let members: JSONMembers
    let owner: JSONTreeDecoder

    var codingPath: [any CodingKey] { members.path.codingPath }
    var allKeys: [Key] { members.object.keys.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { members.holds(key.stringValue) }

    func decodeNil(forKey key: Key) throws -> Bool { try value(key).isNull }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try scalar(key, "true or false", \.bool) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try text(try value(key), key) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try scalar(key, "a whole number", \.integer) }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        try JSONTreeDecoder.decode(type, from: value(key), at: path(key))
    }

    // One look-up each, where the protocol's own take three.
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
        guard let json = members.take(key.stringValue), !json.isNull else { return nil }
        return try text(json, key)
    }

    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
        guard let json = members.take(key.stringValue), !json.isNull else { return nil }
        return try JSONTreeDecoder.decode(type, from: json, at: path(key))
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        KeyedDecodingContainer(KeyedDecoding<Nested>(members: try owner.open(value(key), at: path(key)), owner: owner))
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try UnkeyedDecoding(json: value(key), path: path(key), owner: owner)
    }

    func superDecoder() throws -> any Decoder { try inner("super") }
    func superDecoder(forKey key: Key) throws -> any Decoder { try inner(key.stringValue) }

    private func inner(_ key: String) throws -> JSONTreeDecoder {
        throw members.path.failure("wrong-type", "`\(key)`: inherited values are not part of our formats")
    }

    private func path(_ key: Key) -> JSONPath { .key(key.stringValue, in: members.path) }

    private func value(_ key: Key) throws -> JSON {
        guard let value = members.take(key.stringValue) else {
            throw members.path.failure("missing-key", "`\(key.stringValue)` is missing")
        }
        return value
    }

    private func text(_ json: JSON, _ key: Key) throws -> String {
        guard case .string(let text) = json else { throw path(key).wrongType("a string", json) }
        guard isStreamSafe(text) else { throw path(key).unsafeText }
        return text
    }

    private func scalar<T>(_ key: Key, _ expected: String, _ part: (JSON) -> T?) throws -> T {
        let json = try value(key)
        guard let part = part(json) else { throw path(key).wrongType(expected, json) }
        return part
    }
}

private struct UnkeyedDecoding: UnkeyedDecodingContainer {
    let elements: [JSON]
    let path: JSONPath
    let owner: JSONTreeDecoder
    var currentIndex = 0

    init(json: JSON, path: JSONPath, owner: JSONTreeDecoder) throws {
        guard case .array(let elements) = json else { throw path.wrongType("an array", json) }
        self.elements = elements
        self.path = path
        self.owner = owner
    }

    var codingPath: [any CodingKey] { path.codingPath }
    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex >= elements.count }

    /// As the protocol says: moves on only when the element is null.
    mutating func decodeNil() throws -> Bool {
        guard currentIndex < elements.count else { throw path.failure("missing-key", "the array ends too early") }
        guard elements[currentIndex].isNull else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode(_ type: String.Type) throws -> String {
        let here = currentIndex
        let json = try next()
        guard case .string(let text) = json else { throw JSONPath.index(here, in: path).wrongType("a string", json) }
        guard isStreamSafe(text) else { throw JSONPath.index(here, in: path).unsafeText }
        return text
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let here = JSONPath.index(currentIndex, in: path)
        return try JSONTreeDecoder.decode(type, from: next(), at: here)
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        let here = JSONPath.index(currentIndex, in: path)
        return KeyedDecodingContainer(KeyedDecoding(members: try owner.open(next(), at: here), owner: owner))
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let here = JSONPath.index(currentIndex, in: path)
        return try UnkeyedDecoding(json: next(), path: here, owner: owner)
    }

    mutating func superDecoder() throws -> any Decoder {
        throw path.failure("wrong-type", "inherited values are not part of our formats")
    }

    private mutating func next() throws -> JSON {
        guard currentIndex < elements.count else { throw path.failure("missing-key", "the array ends too early") }
        defer { currentIndex += 1 }
        return elements[currentIndex]
    }
}

private struct SingleValueDecoding: SingleValueDecodingContainer {
    let decoder: JSONTreeDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }

    func decodeNil() -> Bool { decoder.json.isNull }
    func decode(_ type: Bool.Type) throws -> Bool { try scalar("true or false", \.bool) }
    func decode(_ type: String.Type) throws -> String {
        guard case .string(let text) = decoder.json else { throw decoder.path.wrongType("a string", decoder.json) }
        guard isStreamSafe(text) else { throw decoder.path.unsafeText }
        return text
    }
    func decode(_ type: Double.Type) throws -> Double { throw fraction }
    func decode(_ type: Float.Type) throws -> Float { throw fraction }
    func decode(_ type: Int.Type) throws -> Int { try integer(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try integer(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try integer(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try integer(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try integer(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try integer(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try integer(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try integer(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try integer(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try integer(type) }

    /// A transparent wrapper: what it decodes answers for the keys of the same object.
    func decode<T: Decodable>(_ type: T.Type) throws -> T { try T(from: decoder) }

    private func scalar<T>(_ expected: String, _ part: (JSON) -> T?) throws -> T {
        guard let part = part(decoder.json) else { throw decoder.path.wrongType(expected, decoder.json) }
        return part
    }

    private func integer<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
        let value = try scalar("a whole number", \.integer)
        guard let exact = T(exactly: value) else {
            throw decoder.path.failure("wrong-type", "\(value) is out of range")
        }
        return exact
    }

    private var fraction: LocatedModelError {
        decoder.path.failure("wrong-type", "our formats hold integers only, not fractions")
    }
}
