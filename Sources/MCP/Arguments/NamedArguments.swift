import Model

/// What stands under a name among the arguments of a call: `url`, or `options.url` for a member of an object.
enum NamedArguments {
    /// Everything that some server could read as that argument: a key with dots as it is and as a path, and whatever the
    /// case of its letters, as some readers of JSON do not look at it.
    static func values(_ name: String, in arguments: JSONObject) -> [JSON] {
        var found = members(name, of: .object(arguments))
        let path = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard path.count > 1 else { return found }
        var level = [JSON.object(arguments)]
        for key in path { level = level.flatMap { members(key, of: $0) } }
        found += level
        return found
    }

    private static func members(_ key: String, of value: JSON) -> [JSON] {
        guard case .object(let object) = value else { return [] }
        return object.pairs.filter { sameASCII($0.key.utf8, key.utf8) }.map(\.value)
    }

    /// Every string of a value, however deep it lies; the keys of objects too, as they are words of the caller.
    static func strings(_ value: JSON) -> [String] {
        var found: [String] = []
        var rest = [value]
        while let next = rest.popLast() {
            switch next {
            case .string(let text): found.append(text)
            case .array(let elements): rest += elements
            case .object(let object):
                found += object.pairs.map(\.key)
                rest += object.values
            case .null, .bool, .number: break
            }
        }
        return found
    }
}
