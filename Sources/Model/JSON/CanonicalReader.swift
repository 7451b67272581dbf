/// Reads canonical JSON (RFC 8785) in one pass, for who knows what comes next: keys in their order, every value in its one
/// spelling, no space. It takes bytes or it stops; what is wrong with those that it does not take, ``JSONCoding`` finds out.
struct CanonicalReader: ~Copyable {
    /// The next bytes are not those that were asked for, or are spelled in a way that is not read here.
    struct Unexpected: Error {}

    private let bytes: [UInt8]
    private var index = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { index == bytes.count }

    /// Whether these bytes come next; then they are behind.
    mutating func take(_ expected: StaticString) -> Bool {
        let end = index + expected.utf8CodeUnitCount
        guard end <= bytes.count else { return false }
        let isThere = bytes.withUnsafeBufferPointer { bytes in
            expected.withUTF8Buffer { expected in
                for offset in expected.indices where bytes[index + offset] != expected[offset] { return false }
                return true
            }
        }
        if isThere { index = end }
        return isThere
    }

    mutating func expect(_ expected: StaticString) throws(Unexpected) {
        guard take(expected) else { throw Unexpected() }
    }

    /// A member that may be absent. `isFirst` tells whether a comma stands before it.
    mutating func takeKey(_ key: StaticString, _ isFirst: inout Bool) -> Bool {
        let start = index
        if (isFirst || take(",")) && take(key) {
            isFirst = false
            return true
        }
        index = start
        return false
    }

    mutating func string() throws(Unexpected) -> String {
        try expect("\"")
        let start = index
        var combined: UInt8 = 0
        let end = bytes.withUnsafeBufferPointer { bytes in
            var end = start
            while end < bytes.count {
                let byte = bytes[end]
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
                combined |= byte
                end += 1
            }
            return end
        }
        // An escape or a bare control character stops it too.
        guard end < bytes.count, bytes[end] == UInt8(ascii: "\"") else { throw Unexpected() }
        index = end + 1
        if combined < 0x80 { return String(decoding: bytes[start..<end], as: UTF8.self) }
        guard let text = String(validating: bytes[start..<end], as: UTF8.self), isStreamSafe(text) else {
            throw Unexpected()
        }
        return text
    }

    mutating func integer() throws(Unexpected) -> Int64 {
        let start = index
        _ = take("-")
        while index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) { index += 1 }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        guard let value = Int64(text), String(value) == text else { throw Unexpected() }
        return value
    }

    mutating func bool() throws(Unexpected) -> Bool {
        if take("true") { return true }
        try expect("false")
        return false
    }

    /// - Parameter size: how many bytes an element takes, where there may be many large ones.
    mutating func array<Element>(
        size: Int? = nil, of element: (inout CanonicalReader) throws(Unexpected) -> Element
    ) throws(Unexpected) -> [Element] {
        try expect("[")
        var elements: [Element] = []
        if take("]") { return elements }
        if let size { elements.reserveCapacity((bytes.count - index) / size) }
        while true {
            elements.append(try element(&self))
            if take("]") { return elements }
            try expect(",")
        }
    }

    /// A value that is written as its text, in one spelling.
    mutating func text<Value: CustomStringConvertible>(
        _ make: (String) throws -> Value?
    ) throws(Unexpected) -> Value {
        let text = try string()
        guard let value = (try? make(text)) ?? nil, sameBytes(value.description, text) else { throw Unexpected() }
        return value
    }

    /// A string, an array or an object of a type that is not met often: as ``JSONCoding`` reads it.
    mutating func coded<Value: Codable>(_ type: Value.Type) throws(Unexpected) -> Value {
        let start = index
        var (depth, isText) = (0, false)
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\\") where isText: index += 1
            case UInt8(ascii: "\""): isText.toggle()
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += isText ? 0 : 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= isText ? 0 : 1
            default: break
            }
            index += 1
            guard depth == 0, !isText else { continue }
            let value = try? JSONCoding.decodeCanonical(type, from: Array(bytes[start..<min(index, bytes.count)]))
            guard let value else { throw Unexpected() }
            return value
        }
        throw Unexpected()
    }

    /// What was made of some bytes, to be had again where the same ones stand.
    struct Memo<Value>: ~Copyable {
        fileprivate var start = 0
        fileprivate var end = 0
        fileprivate var value: Value?
    }

    /// A string, an array or an object that is often the same as the one before: such a value ends where its bytes end.
    mutating func repeated<Value>(
        _ memo: inout Memo<Value>, _ read: (inout CanonicalReader) throws(Unexpected) -> Value
    ) throws(Unexpected) -> Value {
        let length = memo.end - memo.start
        if let value = memo.value, index + length <= bytes.count {
            let isSame = bytes.withUnsafeBufferPointer { bytes in
                for offset in 0..<length where bytes[memo.start + offset] != bytes[index + offset] { return false }
                return true
            }
            if isSame {
                index += length
                return value
            }
        }
        let start = index
        let value = try read(&self)
        (memo.start, memo.end, memo.value) = (start, index, value)
        return value
    }
}
