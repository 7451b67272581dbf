/// Which argument of a call is meant: one at the top by its name (`amount`), or a nested one by a JSON pointer (RFC 6901:
/// `/address/country`, `/items/0/price`). Written and sent as its text.
package struct ArgumentName: Hashable, Sendable, CustomStringConvertible {
    package let description: String
    /// The way down, unescaped.
    let tokens: [String]

    package static let maximumTokens = 16

    /// - Throws: `bad-argument-name`.
    package init(_ text: String) throws(ModelError) {
        description = text
        guard text.hasPrefix("/") else {
            tokens = [text]
            return
        }
        var tokens: [String] = []
        for part in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let token = unescaped(part) else {
                throw ModelError(
                    "bad-argument-name", "\(backticked(text)) is no JSON pointer",
                    hint: "`~0` stands for `~` and `~1` for `/` (RFC 6901)")
            }
            tokens.append(token)
        }
        guard tokens.count <= Self.maximumTokens else {
            throw ModelError(
                "bad-argument-name", "\(backticked(text)) goes deeper than \(Self.maximumTokens) levels")
        }
        self.tokens = tokens
    }

    /// What a call gives under a name.
    package enum Finding: Hashable, Sendable {
        case given(JSON)
        case absent
        /// The way leads through something that holds nothing by that name here, and may for the server: a text that it reads
        /// as JSON, or null.
        case unknown
    }

    package func find(in arguments: JSON) -> Finding {
        var value = arguments
        for token in tokens {
            switch value {
            case .object(let object):
                guard let member = object[token] else { return .absent }
                value = member
            case .array(let elements):
                guard let index = arrayIndex(token) else { return .unknown }
                guard elements.indices.contains(index) else { return .absent }
                value = elements[index]
            case .null, .bool, .number, .string: return .unknown
            }
        }
        return .given(value)
    }
}

/// RFC 6901, section 4: no leading zeros.
private func arrayIndex(_ token: String) -> Int? {
    guard let index = Int(token), index >= 0, String(index) == token else { return nil }
    return index
}

private func unescaped(_ part: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = part.utf8[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "~") else {
            bytes.append(byte)
            continue
        }
        switch rest.popFirst() {
        case UInt8(ascii: "0"): bytes.append(UInt8(ascii: "~"))
        case UInt8(ascii: "1"): bytes.append(UInt8(ascii: "/"))
        default: return nil
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
