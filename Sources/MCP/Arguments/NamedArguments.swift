import Model

/// What stands under a name among the arguments of a call: `url`, or `options.url` for a member of an object.
///
/// Everything counts that some server could read as that argument: a key with dots as it is and as a path, whatever the case of
/// its letters, every element of a list on the way, and JSON within a string, as clients write objects that way.
enum NamedArguments {
    static func values(_ name: String, in arguments: JSONObject) -> [JSON] {
        var found: [JSON] = []
        collect(name, of: .object(arguments), into: &found)
        let path = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard path.count > 1 else { return found }
        var level = [JSON.object(arguments)]
        for key in path {
            // What looks like JSON and has no one reading stands for the argument itself: who judges it will not like it.
            found += level.compactMap { if case .unreadable(let text)? = inner($0) { .string(text) } else { nil } }
            var next: [JSON] = []
            for value in level { collect(key, of: value, into: &next) }
            level = next
        }
        found += level
        return found
    }

    /// - Parameter isWithin: whether a list on the way holds the value: a number names an element of the list itself only, or each
    ///   one would be found again from every list around it.
    private static func collect(_ key: String, of value: JSON, isWithin: Bool = false, into found: inout [JSON]) {
        switch value {
        case .object(let object):
            for (name, member) in object.pairs where sameASCII(name.utf8, key.utf8) { found.append(member) }
        case .array(let elements):
            for element in elements { collect(key, of: element, isWithin: true, into: &found) }
            let isIndex = !key.isEmpty && key.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            if isIndex, !isWithin { found += elements }
        case .string:
            if case .json(let json)? = inner(value) { collect(key, of: json, isWithin: isWithin, into: &found) }
        case .null, .bool, .number: break
        }
    }

    /// Every string of a value, however deep it lies; the keys of objects too, as they are words of the caller. A string that
    /// holds JSON is one string, and those within it are others.
    static func strings(_ value: JSON) -> [String] {
        var found: [String] = []
        var rest = [value]
        while let next = rest.popLast() {
            switch next {
            case .string(let text):
                found.append(text)
                switch inner(next) {
                case .json(let json): rest.append(json)
                case .unreadable(let text):
                    let quotes: Set<Character> = ["\"", "'"]
                    found += unescaped(text).split(whereSeparator: quotes.contains).map(String.init)
                case nil: break
                }
            case .array(let elements): rest += elements
            case .object(let object):
                found += object.pairs.map(\.key)
                rest += object.values
            case .null, .bool, .number: break
            }
        }
        return found
    }

    private enum Inner {
        case json(JSON)
        /// A lenient reader may find anything in it.
        case unreadable(String)
    }

    /// Nil for a value that is no string that begins as an object or a list. Each level within another costs twice the
    /// backslashes, so that the size of a message bounds how deep this goes.
    private static func inner(_ value: JSON) -> Inner? {
        guard let text = value.string,
            let first = text.utf8.first(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }),
            first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        else { return nil }
        let bytes = Array(text.utf8)
        return (try? JSON(parsing: bytes, limits: .untrusted(maximumBytes: bytes.count))).map(Inner.json)
            ?? .unreadable(text)
    }

    /// With the escapes of JSON read as they would be in a string; what is none stays.
    private static func unescaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let escape = rest.first else {
                bytes.append(byte)
                continue
            }
            switch escape {
            case UInt8(ascii: "u"):
                let digits = rest.dropFirst().prefix(4).compactMap(hexValue)
                guard digits.count == 4,
                    let scalar = Unicode.Scalar(digits.reduce(0 as UInt32) { $0 << 4 | UInt32($1) })
                else {
                    bytes.append(byte)
                    continue
                }
                bytes += Array(String(Character(scalar)).utf8)
                rest = rest.dropFirst(5)
                continue
            case UInt8(ascii: "n"): bytes.append(0x0A)
            case UInt8(ascii: "r"): bytes.append(0x0D)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "\""), UInt8(ascii: "/"), UInt8(ascii: "\\"): bytes.append(escape)
            default:
                bytes.append(byte)
                continue
            }
            rest = rest.dropFirst()
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
