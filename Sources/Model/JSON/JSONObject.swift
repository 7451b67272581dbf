/// The members of a JSON object: unique keys, in the order they came. Equality ignores the order.
package struct JSONObject: Hashable, Sendable {
    package private(set) var pairs: [(key: String, value: JSON)]
    /// Where each key lies, once there are enough of them to pay for it.
    private var positions: [ByteKey: Int]?

    private static let indexed = 16

    /// Of two pairs with one key the later value wins, at the earlier place.
    package init(_ pairs: [(String, JSON)] = []) {
        self.pairs = []
        self.pairs.reserveCapacity(pairs.count)
        for (key, value) in pairs { self[key] = value }
    }

    /// The parser has made sure that no key repeats.
    init(unique pairs: [(key: String, value: JSON)]) {
        self.pairs = pairs
        if pairs.count > Self.indexed { index() }
    }

    package var count: Int { pairs.count }
    package var isEmpty: Bool { pairs.isEmpty }
    package var keys: [String] { pairs.map(\.key) }
    package var values: [JSON] { pairs.map(\.value) }

    /// Setting nil removes; setting a new key appends.
    package subscript(key: String) -> JSON? {
        get { position(of: key).map { pairs[$0].value } }
        set {
            switch (position(of: key), newValue) {
            case (let position?, let value?):
                pairs[position].value = value
            case (let position?, nil):
                pairs.remove(at: position)
                if positions != nil { index() }
            case (nil, let value?):
                pairs.append((key, value))
                if positions != nil {
                    positions?[ByteKey(text: key)] = pairs.count - 1
                } else if pairs.count > Self.indexed {
                    index()
                }
            case (nil, nil):
                break
            }
        }
    }

    private mutating func index() {
        var positions: [ByteKey: Int] = [:]
        positions.reserveCapacity(pairs.count)
        for (position, pair) in pairs.enumerated() { positions[ByteKey(text: pair.key)] = position }
        self.positions = positions
    }

    /// Where the member of that name lies in `pairs`.
    func position(of key: String) -> Int? {
        if let positions { return positions[ByteKey(text: key)] }
        for position in pairs.indices where sameBytes(pairs[position].key, key) { return position }
        return nil
    }

    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.pairs.allSatisfy { right[$0.key] == $0.value }
    }

    package func hash(into hasher: inout Hasher) {
        var combined = 0
        for pair in pairs {
            var member = Hasher()
            member.combine(bytesOf: pair.key)
            member.combine(pair.value)
            combined ^= member.finalize()
        }
        hasher.combine(combined)
        hasher.combine(count)
    }
}
