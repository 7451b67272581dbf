import Model

/// The codec of `Mcp-Name` and `Mcp-Param-*` values (2026-07-28, streamable HTTP, "Value encoding").
package enum MirrorValue {
    /// As it is where it survives an HTTP field, else `=?base64?…?=`.
    package static func encode(_ text: String) -> String {
        let bytes = text.utf8
        let survives =
            bytes.allSatisfy { (0x20...0x7E).contains($0) } && bytes.first != 0x20 && bytes.last != 0x20
            && payload(text) == nil
        return survives ? text : "=?base64?\(Base64.encode(Array(bytes)))?="
    }

    /// Nil for an encoded value that is not canonical base64 of UTF-8, so that it equals nothing.
    package static func decode(_ value: String) -> String? {
        guard let payload = payload(value) else { return value }
        return Base64.decode(payload).flatMap { String(validating: $0, as: UTF8.self) }
    }

    private static func payload(_ value: String) -> ArraySlice<UInt8>? {
        let bytes = Array(value.utf8)
        guard bytes.count >= 11, bytes.starts(with: "=?base64?".utf8), bytes.suffix(2).elementsEqual("?=".utf8) else {
            return nil
        }
        return bytes[9..<bytes.count - 2]
    }
}

/// The arguments of a tool that its definition has mirrored into `Mcp-Param-*` headers (`x-mcp-header`).
package struct MirroredParameters: Hashable, Sendable {
    struct Parameter: Hashable, Sendable {
        var path: [String]
        /// `Mcp-Param-Region`.
        var header: String
        var type: String
    }

    private(set) var parameters: [Parameter] = []
    private var isValid = true

    /// A definition that breaks a rule of annotations mirrors nothing: conforming clients do not use such a tool.
    package init(definition: JSON) {
        if let schema = definition["inputSchema"] { walk(schema, path: []) }
        if !isValid { parameters = [] }
    }

    private static let keywordsWithSchema = [
        "items", "contains", "unevaluatedItems", "additionalProperties", "propertyNames", "unevaluatedProperties",
        "not",
        "if", "then", "else", "contentSchema",
    ]
    private static let types = ["string", "integer", "boolean"]
    private static let keywordsWithList = ["allOf", "anyOf", "oneOf", "prefixItems"]
    private static let keywordsWithMap = ["patternProperties", "dependentSchemas", "$defs", "definitions"]

    /// A nil path: not reachable by `properties` alone, where no annotation may stand.
    private mutating func walk(_ node: JSON, path: [String]?) {
        guard isValid, case .object(let schema) = node else { return }
        if let annotation = schema["x-mcp-header"] { add(annotation, type: schema["type"], path: path) }
        for (keyword, value) in schema.pairs {
            if keyword == "properties", case .object(let properties) = value {
                for (name, property) in properties.pairs { walk(property, path: path.map { $0 + [name] }) }
            } else if Self.keywordsWithSchema.contains(keyword) {
                walk(value, path: nil)
            } else if Self.keywordsWithList.contains(keyword), case .array(let elements) = value {
                for element in elements { walk(element, path: nil) }
            } else if Self.keywordsWithMap.contains(keyword), case .object(let map) = value {
                for member in map.values { walk(member, path: nil) }
            }
        }
    }

    private mutating func add(_ annotation: JSON, type: JSON?, path: [String]?) {
        guard let path, !path.isEmpty, let token = annotation.string, isToken(token.utf8), token.utf8.count <= 128,
            let type = type?.string, Self.types.contains(where: { sameBytes($0, type) }),
            !parameters.contains(where: { sameHeaderName($0.header, "Mcp-Param-\(token)") })
        else {
            isValid = false
            return
        }
        parameters.append(Parameter(path: path, header: "Mcp-Param-\(token)", type: type))
    }

    /// The argument as it is mirrored; nil when it is absent, null or no scalar.
    static func rendered(_ parameter: Parameter, _ arguments: JSONObject) -> String? {
        var value = JSON.object(arguments)
        for key in parameter.path {
            guard let next = value[key] else { return nil }
            value = next
        }
        switch value {
        case .string(let text): return text
        case .bool(let flag): return flag ? "true" : "false"
        case .number(let number): return number.text
        case .null, .array, .object: return nil
        }
    }
}
