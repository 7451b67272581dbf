import Model

/// JSON for people and programs: sorted keys, two spaces a level, one value a line; ends with a line end.
package func jsonText(_ value: JSON) -> String { nested(value, "") + "\n" }

private func nested(_ value: JSON, _ indent: String) -> String {
    let inner = indent + "  "
    switch value {
    case .array(let elements):
        guard !elements.isEmpty else { return "[]" }
        return "[\n" + elements.map { inner + nested($0, inner) }.joined(separator: ",\n") + "\n\(indent)]"
    case .object(let object):
        guard !object.isEmpty else { return "{}" }
        let members = object.pairs.sorted { $0.key < $1.key }.map { pair in
            "\(inner)\(escapingControls(.string(pair.key))): \(nested(pair.value, inner))"
        }
        return "{\n" + members.joined(separator: ",\n") + "\n\(indent)}"
    default: return escapingControls(value)
    }
}

/// One scalar in JSON's spelling. Beyond what JSON demands, DEL and the controls of Latin-1 are escaped too: on a
/// terminal they act like the others.
private func escapingControls(_ value: JSON) -> String {
    var text = ""
    for scalar in value.description.unicodeScalars {
        if (0x7F...0x9F).contains(scalar.value) {
            text += "\\u00" + String(scalar.value, radix: 16)
        } else {
            text.unicodeScalars.append(scalar)
        }
    }
    return text
}
