import Model

/// YAML that every reader understands alike, our own included: sorted keys unless `keepsOrder`, block style, each text
/// that could be read as something else in double quotes.
package func yamlText(_ value: JSON, keepsOrder: Bool = false) -> String {
    YAMLText(keepsOrder: keepsOrder).block(value, "") + "\n"
}

private struct YAMLText {
    let keepsOrder: Bool

    func block(_ value: JSON, _ indent: String) -> String {
        switch value {
        case .array(let elements) where !elements.isEmpty:
            return elements.map { element in
                // The first line of a nested block stands behind the dash.
                "\(indent)- " + String(block(element, indent + "  ").dropFirst(isBlock(element) ? indent.count + 2 : 0))
            }.joined(separator: "\n")
        case .object(let object) where !object.isEmpty:
            let pairs = keepsOrder ? object.pairs : object.pairs.sorted { $0.key < $1.key }
            return pairs.map { pair in
                let key = "\(indent)\(scalar(pair.key)):"
                guard isBlock(pair.value) else { return "\(key) \(block(pair.value, ""))" }
                return "\(key)\n" + block(pair.value, indent + "  ")
            }.joined(separator: "\n")
        case .array: return "[]"
        case .object: return "{}"
        case .string(let text): return scalar(text)
        default: return value.description
        }
    }

    private func isBlock(_ value: JSON) -> Bool {
        switch value {
        case .array(let elements): !elements.isEmpty
        case .object(let object): !object.isEmpty
        default: false
        }
    }

    /// Plain where nothing else can be meant: begins with a letter or `/`, holds only harmless characters, and is no
    /// word or number of any version of YAML.
    private func scalar(_ text: String) -> String {
        let isPlain =
            text.utf8.count <= 200 && !text.hasSuffix(" ")
            && text.utf8.enumerated().allSatisfy { index, byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "/"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                    UInt8(ascii: "@"), UInt8(ascii: " "):
                    index > 0
                default: false
                }
            }
        let words: Set<String> = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "nan"]
        guard isPlain, !text.isEmpty, !words.contains(text.lowercased()) else { return quoted(text) }
        return text
    }

    /// The escapes of JSON's strings are YAML's, too (YAML 1.2.2, section 5.7).
    private func quoted(_ text: String) -> String {
        String(jsonText(.string(text)).dropLast())
    }
}
