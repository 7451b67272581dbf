extension JSON {
    /// No spaces, minimal escapes, keys in their own order: what is re-sent after it was understood.
    package var bytes: [UInt8] {
        var writer = JSONWriter(sortsKeys: false)
        writer.write(self)
        return writer.bytes
    }

    /// RFC 8785: keys sorted by UTF-16 units, minimal escapes, no spaces. Numbers keep their text, so this is the
    /// canonical form only of what holds integers, as all of our own formats do.
    package var canonicalBytes: [UInt8] {
        var writer = JSONWriter(sortsKeys: true)
        writer.write(self)
        return writer.bytes
    }
}

struct JSONWriter: ~Copyable {
    private(set) var bytes: [UInt8] = []
    private let sortsKeys: Bool

    init(sortsKeys: Bool) {
        self.sortsKeys = sortsKeys
        bytes.reserveCapacity(1024)
    }

    mutating func write(_ value: JSON) {
        switch value {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let number): bytes.append(contentsOf: number.text.utf8)
        case .string(let text): write(text)
        case .array(let elements): write(elements)
        case .object(let object): write(object)
        }
    }

    private mutating func write(_ elements: [JSON]) {
        bytes.append(UInt8(ascii: "["))
        var first = true
        for element in elements {
            if !first { bytes.append(UInt8(ascii: ",")) }
            first = false
            write(element)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private mutating func write(_ object: JSONObject) {
        // What was read from canonical text is in order already.
        let isSorted =
            !sortsKeys || zip(object.pairs, object.pairs.dropFirst()).allSatisfy { precedesInUTF16($0.key, $1.key) }
        let pairs = isSorted ? object.pairs : object.pairs.sorted { precedesInUTF16($0.key, $1.key) }
        bytes.append(UInt8(ascii: "{"))
        var first = true
        for pair in pairs {
            if !first { bytes.append(UInt8(ascii: ",")) }
            first = false
            write(pair.key)
            bytes.append(UInt8(ascii: ":"))
            write(pair.value)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        // Nearly every string is contiguous and needs no escape; then it is one copy.
        let copied = text.utf8.withContiguousStorageIfAvailable { content in
            // Without an early end the loop takes many bytes at once.
            guard content.reduce(UInt8(0), { $0 | needsEscape($1) }) == 0 else { return false }
            bytes.append(contentsOf: content)
            return true
        }
        if copied != true {
            for byte in text.utf8 { escape(byte) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Not 0 for one that does.
    private func needsEscape(_ byte: UInt8) -> UInt8 {
        (byte < 0x20 ? 1 : 0) | (byte == UInt8(ascii: "\"") ? 1 : 0) | (byte == UInt8(ascii: "\\") ? 1 : 0)
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): bytes.append(contentsOf: "\\\"".utf8)
        case UInt8(ascii: "\\"): bytes.append(contentsOf: "\\\\".utf8)
        case 0x08: bytes.append(contentsOf: "\\b".utf8)
        case 0x09: bytes.append(contentsOf: "\\t".utf8)
        case 0x0A: bytes.append(contentsOf: "\\n".utf8)
        case 0x0C: bytes.append(contentsOf: "\\f".utf8)
        case 0x0D: bytes.append(contentsOf: "\\r".utf8)
        case 0..<0x20:
            bytes.append(contentsOf: "\\u00".utf8)
            bytes.append(contentsOf: (byte < 0x10 ? "0" : "1").utf8)
            bytes.append(contentsOf: String(byte & 0xF, radix: 16).utf8)
        default: bytes.append(byte)
        }
    }
}

/// The order of UTF-16 units, told from UTF-8 bytes: it differs from their order only where a supplementary character
/// (a surrogate pair, 0xD800...) meets U+E000...U+FFFF, whose first bytes are 0xEE and 0xEF.
private func precedesInUTF16(_ left: String, _ right: String) -> Bool {
    var left = left.utf8.makeIterator()
    var right = right.utf8.makeIterator()
    while true {
        guard let second = right.next() else { return false }
        guard let first = left.next() else { return true }
        if first != second {
            let swapped = first >= 0xEE && second >= 0xEE && (first >= 0xF0) != (second >= 0xF0)
            return swapped ? first > second : first < second
        }
    }
}
