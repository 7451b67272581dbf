import Model

/// Header fields in the order they came; names are compared without regard to ASCII case, values as they are.
package struct HTTPHeaders: Sendable {
    package private(set) var fields: [(name: String, value: String)]

    package init(_ fields: [(String, String)] = []) { self.fields = fields.map { (name: $0.0, value: $0.1) } }

    package mutating func add(_ name: String, _ value: String) { fields.append((name, value)) }

    /// Replaces every field of that name by one.
    package mutating func set(_ name: String, _ value: String) {
        remove(name)
        add(name, value)
    }

    package mutating func remove(_ name: String) { fields.removeAll { sameHeaderName($0.name, name) } }

    /// Removes every field whose name begins so, `Mcp-` for example.
    package mutating func remove(prefix: String) {
        fields.removeAll { hasHeaderPrefix($0.name, prefix) }
    }

    /// All values of that name, in order.
    package func values(_ name: String) -> [String] {
        var values: [String] = []
        var next = position(of: name)
        while let position = next {
            values.append(fields[position].value)
            next = self.position(of: name, from: position + 1)
        }
        return values
    }

    /// How many fields of that name there are.
    package func count(of name: String) -> Int {
        var count = 0
        for position in fields.indices where sameHeaderName(fields[position].name, name) { count += 1 }
        return count
    }

    /// The first value of that name. Where a second one could mislead, ask ``only(_:)``.
    package subscript(_ name: String) -> String? {
        position(of: name).map { fields[$0].value }
    }

    /// Fields are looked at where they lie: every request is asked for a dozen names.
    private func position(of name: String, from start: Int = 0) -> Int? {
        for position in start..<fields.count where sameHeaderName(fields[position].name, name) { return position }
        return nil
    }

    /// The value of that name; nil when there is none. Throws `http-repeated-header` when there are several.
    package func only(_ name: String) throws(MCPError) -> String? {
        guard let position = position(of: name) else { return nil }
        guard self.position(of: name, from: position + 1) == nil else {
            throw MCPError(.repeatedHeader, "the header \(quoted(name)) stands more than once")
        }
        return fields[position].value
    }

    /// Whether some field of that name lists the word, as `Connection: keep-alive, close` lists `close`.
    package func lists(_ name: String, _ word: String) -> Bool {
        values(name).contains { value in
            value.utf8.split(separator: UInt8(ascii: ",")).contains { element in
                sameASCII(trimmed(element), word.utf8)
            }
        }
    }
}

extension HTTPHeaders: Equatable {
    package static func == (left: HTTPHeaders, right: HTTPHeaders) -> Bool {
        left.fields.elementsEqual(right.fields) { sameBytes($0.name, $1.name) && sameBytes($0.value, $1.value) }
    }
}

/// ASCII letters compare without regard to case.
package func sameHeaderName(_ left: String, _ right: String) -> Bool {
    left.utf8.count == right.utf8.count && hasHeaderPrefix(left, right)
}

func hasHeaderPrefix(_ name: String, _ prefix: String) -> Bool {
    withBytes(name, prefix) { name, prefix in
        guard name.count >= prefix.count else { return false }
        for index in prefix.indices where lowerASCII(name[index]) != lowerASCII(prefix[index]) { return false }
        return true
    }
}

/// Whether the word stands somewhere in the value of a field; ASCII letters compare without regard to case.
package func holdsWord(_ value: String, _ word: String) -> Bool {
    withBytes(value, word) { value, word in
        guard value.count >= word.count else { return false }
        return (0...value.count - word.count).contains { start in
            for index in word.indices where lowerASCII(value[start + index]) != lowerASCII(word[index]) { return false }
            return true
        }
    }
}

func sameASCII(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
    left.count == right.count && zip(left, right).allSatisfy { lowerASCII($0) == lowerASCII($1) }
}

func lowerASCII(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}

/// Without spaces and tabs at either end (RFC 9110, section 5.6.3, OWS).
func trimmed<Bytes: BidirectionalCollection<UInt8>>(_ bytes: Bytes) -> Bytes.SubSequence {
    var rest = bytes[...]
    while let first = rest.first, first == 0x20 || first == 0x09 { rest = rest.dropFirst() }
    while let last = rest.last, last == 0x20 || last == 0x09 { rest = rest.dropLast() }
    return rest
}

/// A `tchar` of RFC 9110, section 5.6.2.
func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"),
        UInt8(ascii: "%"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
        UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"),
        UInt8(ascii: "|"), UInt8(ascii: "~"):
        true
    default: false
    }
}

func isToken(_ bytes: some Collection<UInt8>) -> Bool { !bytes.isEmpty && bytes.allSatisfy(isTokenByte) }
