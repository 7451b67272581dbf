/// A value that is being encoded: Swift's `Encoder` over a JSON tree. Containers write into their node, so that
/// nested and super containers may be filled in any order.
final class JSONNode: Encoder {
    enum Content {
        case empty
        case value(JSON)
        case keyed([(key: String, member: Member)])
        case unkeyed([Member])
    }

    /// A scalar is there at once; a node may be filled later.
    enum Member {
        case value(JSON)
        case node(JSONNode)

        var json: JSON {
            switch self {
            case .value(let json): json
            case .node(let node): node.json
            }
        }
    }

    var content = Content.empty
    let path: JSONPath

    init(path: JSONPath) { self.path = path }

    static func encoding(_ value: some Encodable, at path: JSONPath) throws -> JSONNode {
        let node = JSONNode(path: path)
        do { try value.encode(to: node) } catch { throw path.locate(error) }
        return node
    }

    /// What was encoded; a type that wrote nothing is an empty object, as Swift's own encoders have it.
    var json: JSON {
        switch content {
        case .empty: .object(JSONObject())
        case .value(let json): json
        case .keyed(let members): .object(JSONObject(members.map { ($0.key, $0.member.json) }))
        case .unkeyed(let nodes): .array(nodes.map(\.json))
        }
    }

    var codingPath: [any CodingKey] { path.codingPath }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        beginKeyed()
        return KeyedEncodingContainer(KeyedEncoding(node: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        beginUnkeyed()
        return UnkeyedEncoding(node: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { SingleValueEncoding(node: self) }

    fileprivate func beginKeyed() {
        if case .empty = content { content = .keyed([]) }
    }

    fileprivate func beginUnkeyed() {
        if case .empty = content { content = .unkeyed([]) }
    }

    fileprivate func add(_ member: Member, key: String) throws {
        guard case .keyed(var members) = content else { throw mixed }
        content = .empty
        // Of a key written twice the object keeps the later value.
        members.append((key, member))
        content = .keyed(members)
    }

    fileprivate func add(_ member: Member) throws {
        guard case .unkeyed(var nodes) = content else { throw mixed }
        content = .empty
        nodes.append(member)
        content = .unkeyed(nodes)
    }

    fileprivate var count: Int {
        guard case .unkeyed(let nodes) = content else { return 0 }
        return nodes.count
    }

    private var mixed: LocatedModelError { path.failure("not-encodable", "one value is encoded as two kinds") }
}

private struct KeyedEncoding<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: JSONNode
    var codingPath: [any CodingKey] { node.codingPath }

    mutating func encodeNil(forKey key: Key) throws {
        try child(key).content = .value(.null)
    }

    mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try node.add(
            .node(.encoding(value, at: .key(key.stringValue, in: node.path))), key: key.stringValue)
    }

    mutating func encode(_ value: String, forKey key: Key) throws {
        try node.add(.value(.string(value)), key: key.stringValue)
    }

    mutating func encode(_ value: Bool, forKey key: Key) throws {
        try node.add(.value(.bool(value)), key: key.stringValue)
    }

    mutating func encode(_ value: Int64, forKey key: Key) throws {
        try node.add(.value(.number(JSONNumber(value))), key: key.stringValue)
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy keyType: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        orphaned(key).container(keyedBy: keyType)
    }

    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        orphaned(key).unkeyedContainer()
    }

    mutating func superEncoder() -> any Encoder { orphaned(JSONKey(stringValue: "super")) }
    mutating func superEncoder(forKey key: Key) -> any Encoder { orphaned(key) }

    private func child(_ key: any CodingKey) throws -> JSONNode {
        let child = JSONNode(path: .key(key.stringValue, in: node.path))
        try node.add(.node(child), key: key.stringValue)
        return child
    }

    /// These calls cannot throw; a node that cannot be added here was refused already where the kinds were mixed.
    private func orphaned(_ key: any CodingKey) -> JSONNode {
        (try? child(key)) ?? JSONNode(path: .key(key.stringValue, in: node.path))
    }
}

private struct UnkeyedEncoding: UnkeyedEncodingContainer {
    let node: JSONNode
    var codingPath: [any CodingKey] { node.codingPath }
    var count: Int { node.count }

    mutating func encodeNil() throws { try child().content = .value(.null) }

    mutating func encode<T: Encodable>(_ value: T) throws {
        try node.add(.node(.encoding(value, at: .index(count, in: node.path))))
    }

    mutating func encode(_ value: String) throws { try node.add(.value(.string(value))) }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy keyType: Nested.Type) -> KeyedEncodingContainer<Nested> {
        orphaned().container(keyedBy: keyType)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { orphaned().unkeyedContainer() }
    mutating func superEncoder() -> any Encoder { orphaned() }

    private func child() throws -> JSONNode {
        let child = JSONNode(path: .index(count, in: node.path))
        try node.add(.node(child))
        return child
    }

    private func orphaned() -> JSONNode { (try? child()) ?? JSONNode(path: .index(count, in: node.path)) }
}

private struct SingleValueEncoding: SingleValueEncodingContainer {
    let node: JSONNode
    var codingPath: [any CodingKey] { node.codingPath }

    mutating func encodeNil() throws { node.content = .value(.null) }
    mutating func encode(_ value: Bool) throws { node.content = .value(.bool(value)) }
    mutating func encode(_ value: String) throws { node.content = .value(.string(value)) }
    mutating func encode(_ value: Double) throws { throw fraction }
    mutating func encode(_ value: Float) throws { throw fraction }
    mutating func encode(_ value: Int) throws { try encode(integer: value) }
    mutating func encode(_ value: Int8) throws { try encode(integer: value) }
    mutating func encode(_ value: Int16) throws { try encode(integer: value) }
    mutating func encode(_ value: Int32) throws { try encode(integer: value) }
    mutating func encode(_ value: Int64) throws { try encode(integer: value) }
    mutating func encode(_ value: UInt) throws { try encode(integer: value) }
    mutating func encode(_ value: UInt8) throws { try encode(integer: value) }
    mutating func encode(_ value: UInt16) throws { try encode(integer: value) }
    mutating func encode(_ value: UInt32) throws { try encode(integer: value) }
    mutating func encode(_ value: UInt64) throws { try encode(integer: value) }
    mutating func encode<T: Encodable>(_ value: T) throws { try value.encode(to: node) }

    private func encode(integer value: some BinaryInteger) throws {
        guard let exact = Int64(exactly: value) else {
            throw node.path.failure("not-encodable", "\(value) does not fit 64 bits")
        }
        node.content = .value(.number(JSONNumber(exact)))
    }

    private var fraction: LocatedModelError {
        node.path.failure("not-encodable", "our formats hold integers only, not fractions")
    }
}
