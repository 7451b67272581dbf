import Foundation

extension JSON {
    /// What a text may cost us before it is understood.
    package struct Limits: Hashable, Sendable {
        package var maximumBytes = 16 << 20
        /// Arrays and objects within each other; never more than 512, since the parser recurses.
        package var maximumDepth = 64
        package var maximumNumberLength = 64
        package var maximumKeysPerObject = 10_000
        /// Refuses objects with keys that a lenient reader could take for each other (`name` and `Name`).
        package var refusesCaseFoldedKeys = false

        /// Of a key; and of one that is not of ASCII alone, which is dearer to compare.
        package static let maximumKeyBytes = 1024
        package static let maximumUnicodeKeyBytes = 128

        package init() {}

        package static let standard = Limits()

        /// What comes from callers and upstreams whose readers we do not know.
        package static func untrusted(maximumBytes: Int) -> Limits {
            var limits = Limits()
            limits.maximumBytes = maximumBytes
            limits.refusesCaseFoldedKeys = true
            return limits
        }
    }

    /// Reads one RFC 8259 text, strictly: UTF-8 without byte order mark, no duplicate keys, no control characters
    /// in keys, no keys over the bounds of ``Limits``, no lone surrogates, nothing after the value.
    ///
    /// Throws `bad-json`, `bad-encoding`, `duplicate-key`, `ambiguous-key`, `bad-key`, `lone-surrogate`, `bad-number`,
    /// `json-too-large`, `json-too-deep` or `json-too-many-keys`.
    package init(parsing bytes: [UInt8], limits: Limits = .standard) throws(ModelError) {
        var parser = JSONParser(bytes: bytes, limits: limits)
        self = try parser.document()
    }

    package init(parsing bytes: some Collection<UInt8>, limits: Limits = .standard) throws(ModelError) {
        try self.init(parsing: Array(bytes), limits: limits)
    }
}

/// A recursive descent over bounds-checked bytes; the depth is bounded before each descent.
struct JSONParser: ~Copyable {
    private let bytes: [UInt8]
    private let limits: JSON.Limits
    private let depthLimit: Int
    private var index = 0
    private var depth = 0
    /// Whether the string just read is printable ASCII and had no escapes: such a key needs no further look.
    private var isPlain = false

    init(bytes: [UInt8], limits: JSON.Limits) {
        self.bytes = bytes
        self.limits = limits
        depthLimit = min(limits.maximumDepth, 512)
    }

    mutating func document() throws(ModelError) -> JSON {
        guard bytes.count <= limits.maximumBytes else {
            throw ModelError("json-too-large", "\(bytes.count) bytes of JSON are more than \(limits.maximumBytes)")
        }
        if let first = bytes.first, first == 0xEF || first == 0xFE || first == 0xFF || first == 0 {
            throw failure("bad-encoding", "the text does not begin as UTF-8 JSON without byte order mark")
        }
        if bytes.count > 1, bytes[1] == 0 { throw failure("bad-encoding", "the text is UTF-16 or UTF-32, not UTF-8") }
        skipSpace()
        let value = try value()
        skipSpace()
        guard index == bytes.count else { throw syntax("there is more after the end of the value") }
        return value
    }

    private mutating func value() throws(ModelError) -> JSON {
        guard index < bytes.count else { throw syntax("the text ends where a value is expected") }
        switch bytes[index] {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw syntax("a value cannot begin with this byte")
        }
    }

    private mutating func skipSpace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0A, 0x0D, 0x09: index += 1
            default: return
            }
        }
    }

    private mutating func literal(_ word: StaticString, _ value: JSON) throws(ModelError) -> JSON {
        let matches = word.withUTF8Buffer { word in
            bytes.count - index >= word.count && bytes[index..<index + word.count].elementsEqual(word)
        }
        guard matches else { throw syntax("this is not the word `\(word)`") }
        index += word.utf8CodeUnitCount
        return value
    }

    private mutating func descend() throws(ModelError) {
        depth += 1
        guard depth <= depthLimit else {
            throw failure("json-too-deep", "arrays and objects are nested deeper than \(depthLimit)")
        }
        index += 1
        skipSpace()
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    private mutating func array() throws(ModelError) -> JSON {
        try descend()
        defer { depth -= 1 }
        if take(UInt8(ascii: "]")) { return .array([]) }
        var elements: [JSON] = []
        while true {
            elements.append(try value())
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(elements) }
            guard take(UInt8(ascii: ",")) else { throw syntax("an array goes on with `,` or `]`") }
            skipSpace()
        }
    }

    private mutating func object() throws(ModelError) -> JSON {
        try descend()
        defer { depth -= 1 }
        if take(UInt8(ascii: "}")) { return .object(JSONObject()) }
        var pairs: [(key: String, value: JSON)] = []
        pairs.reserveCapacity(4)
        var allPlain = true
        while true {
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { throw syntax("a key is a string") }
            let key = try string()
            try checkKey(key)
            if !isPlain { allPlain = false }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw syntax("a key is followed by `:`") }
            skipSpace()
            pairs.append((key, try value()))
            guard pairs.count <= limits.maximumKeysPerObject else {
                throw failure("json-too-many-keys", "an object has more than \(limits.maximumKeysPerObject) keys")
            }
            skipSpace()
            if take(UInt8(ascii: "}")) { break }
            guard take(UInt8(ascii: ",")) else { throw syntax("an object goes on with `,` or `}`") }
            skipSpace()
        }
        try refuseAlike(pairs, allPlain: allPlain)
        return .object(JSONObject(unique: pairs))
    }

    /// Swift normalises the strings that it hashes, compares or folds, and takes time quadratic in a run of combining
    /// marks for it; nothing does so with a key before it has passed here.
    private func checkKey(_ key: String) throws(ModelError) {
        let length = key.utf8.count
        guard length <= JSON.Limits.maximumKeyBytes else {
            throw failure("bad-key", "a key is longer than \(JSON.Limits.maximumKeyBytes) bytes")
        }
        if isPlain { return }
        if !key.utf8.allSatisfy({ $0 < 0x80 }) {
            guard length <= JSON.Limits.maximumUnicodeKeyBytes else {
                throw failure(
                    "bad-key", "a key not of ASCII alone is longer than \(JSON.Limits.maximumUnicodeKeyBytes) bytes")
            }
            guard isStreamSafe(key) else { throw failure("bad-key", "a key holds too many combining marks in a row") }
        }
        if key.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) {
            throw failure("bad-key", "a key holds a control character")
        }
    }

    /// Canonically equivalent keys count as duplicates: Swift's dictionaries could not keep them apart.
    private func refuseAlike(_ pairs: [(key: String, value: JSON)], allPlain: Bool) throws(ModelError) {
        guard pairs.count > 1 else { return }
        if pairs.count <= 12, allPlain {
            for later in 1..<pairs.count {
                for earlier in 0..<later where pairs[earlier].key.utf8.count == pairs[later].key.utf8.count {
                    if sameBytes(pairs[earlier].key, pairs[later].key) { throw duplicate(pairs[later].key) }
                    if limits.refusesCaseFoldedKeys, sameLetters(pairs[earlier].key, pairs[later].key) {
                        throw ambiguous(pairs[later].key)
                    }
                }
            }
            return
        }
        var seen: Set<String> = []
        var folded: Set<String> = []
        for pair in pairs {
            guard seen.insert(pair.key).inserted else { throw duplicate(pair.key) }
            if limits.refusesCaseFoldedKeys, !folded.insert(caseFolded(pair.key)).inserted {
                throw ambiguous(pair.key)
            }
        }
    }

    private func duplicate(_ key: String) -> ModelError {
        failure("duplicate-key", "the key `\(key.prefix(64))` stands twice in one object")
    }

    private func ambiguous(_ key: String) -> ModelError {
        failure("ambiguous-key", "the key `\(key.prefix(64))` differs from another one only in case or form")
    }

    private mutating func number() throws(ModelError) -> JSON {
        let start = index
        _ = take(UInt8(ascii: "-"))
        if take(UInt8(ascii: "0")) {
            if index < bytes.count, isDigit(bytes[index]) { throw syntax("a number has a leading zero") }
        } else {
            try digits()
        }
        if take(UInt8(ascii: ".")) { try digits() }
        var exponent = false
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            exponent = true
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        guard index - start <= limits.maximumNumberLength else {
            throw failure("bad-number", "a number is longer than \(limits.maximumNumberLength) bytes")
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        // Some readers make infinity of it, others an error.
        if exponent, Double(text)?.isFinite != true { throw failure("bad-number", "`\(text)` does not fit a double") }
        return .number(JSONNumber(checked: text))
    }

    private mutating func digits() throws(ModelError) {
        let start = index
        while index < bytes.count, isDigit(bytes[index]) { index += 1 }
        guard index > start else { throw syntax("a number lacks a digit") }
    }

    private mutating func string() throws(ModelError) -> String {
        index += 1
        let start = index
        let end = bytes.count
        var combined: UInt8 = 0
        var hasDelete = false
        // Most of a long text is behind in this one loop; what ends it is looked at below.
        index = bytes.withUnsafeBufferPointer { bytes in
            var index = start
            while index < end {
                let byte = bytes[index]
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
                if byte == 0x7F { hasDelete = true }
                combined |= byte
                index += 1
            }
            return index
        }
        guard index < end else { throw syntax("the text ends within a string") }
        switch bytes[index] {
        case UInt8(ascii: "\""):
            let text = try decoded(bytes[start..<index], ascii: combined < 0x80)
            index += 1
            isPlain = combined < 0x80 && !hasDelete
            return text
        case UInt8(ascii: "\\"):
            let text = try escapedString(from: start)
            isPlain = false
            return text
        default: throw syntax("a control character stands bare in a string")
        }
    }

    private func decoded(_ slice: ArraySlice<UInt8>, ascii: Bool) throws(ModelError) -> String {
        if ascii { return String(decoding: slice, as: UTF8.self) }
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw failure("bad-encoding", "a string is not UTF-8")
        }
        return text
    }

    private mutating func escapedString(from start: Int) throws(ModelError) -> String {
        var content = Array(bytes[start..<index])
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return try decoded(content[...], ascii: false)
            case UInt8(ascii: "\\"): try escape(into: &content)
            case 0..<0x20: throw syntax("a control character stands bare in a string")
            default: content.append(byte)
            }
        }
        throw syntax("the text ends within a string")
    }

    private mutating func escape(into content: inout [UInt8]) throws(ModelError) {
        guard index < bytes.count else { throw syntax("the text ends within an escape") }
        let byte = bytes[index]
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"): content.append(contentsOf: String(Character(try unicodeEscape())).utf8)
        default: throw syntax("`\\` is followed by a byte that escapes nothing")
        }
    }

    private mutating func unicodeEscape() throws(ModelError) -> Unicode.Scalar {
        let unit = try fourHexDigits()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw loneSurrogate }
        let low = try fourHexDigits()
        guard (0xDC00...0xDFFF).contains(low),
            let scalar = Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
        else { throw loneSurrogate }
        return scalar
    }

    private var loneSurrogate: ModelError { failure("lone-surrogate", "a `\\u` escape is half of a surrogate pair") }

    private mutating func fourHexDigits() throws(ModelError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard index < bytes.count else { throw syntax("the text ends within an escape") }
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(byte - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(byte - UInt8(ascii: "A") + 10)
            default: throw syntax("`\\u` is followed by four hexadecimal digits")
            }
            index += 1
        }
        return value
    }

    private func syntax(_ what: String) -> ModelError { failure("bad-json", what) }

    private func failure(_ code: String, _ what: String) -> ModelError {
        ModelError(code, "\(what), at byte \(index)")
    }
}

private func sameLetters(_ left: String, _ right: String) -> Bool {
    zip(left.utf8, right.utf8).allSatisfy { lowered($0) == lowered($1) }
}

private func lowered(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}

/// Full width forms, U+017F and U+212A fold to the ASCII letters that lenient readers take them for.
private func caseFolded(_ key: String) -> String {
    key.precomposedStringWithCompatibilityMapping.uppercased().lowercased()
}
