/// What another YAML reader would take an unquoted text for, or nil when every reader sees the text.
///
/// YAML 1.1 and 1.2 disagree about `no`, `0o7`, `1:30` and more (yaml.org/type/bool.html, int.html, float.html); a
/// policy must not depend on who reads it, so these need quotes; a date needs none where a date is expected.
package func plainScalarSurprise(_ text: String) -> String? {
    let bytes = Array(text.utf8)
    guard bytes.count <= 64, let first = bytes.first else { return nil }
    switch text.lowercased() {
    case "true", "false": return text == text.lowercased() ? nil : "a boolean"
    case "yes", "no", "on", "off", "y", "n": return "a boolean"
    case "null": return text == "null" ? nil : "nothing"
    case "=", "<<": return "a special key"
    case ".nan", ".inf", "+.inf", "-.inf": return "a floating-point number"
    default: break
    }
    let unsigned = first == UInt8(ascii: "+") || first == UInt8(ascii: "-") ? bytes.dropFirst() : bytes[...]
    guard let digit = unsigned.first, isDigit(digit) || (digit == UInt8(ascii: ".") && unsigned.count > 1) else {
        return nil
    }
    if digit == UInt8(ascii: "0"), unsigned.count > 2, let radix = unsigned.dropFirst().first {
        let digits = unsigned.dropFirst(2)
        if radix == UInt8(ascii: "x"), digits.allSatisfy({ isHexDigit($0) || $0 == UInt8(ascii: "_") }) {
            return "a hexadecimal number"
        }
        if radix == UInt8(ascii: "o"), digits.allSatisfy(isDigit) { return "an octal number" }
        if radix == UInt8(ascii: "b"), digits.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: "_") }) {
            return "a binary number"
        }
    }
    if unsigned.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: "_") }) {
        return digit == UInt8(ascii: "0") && unsigned.count > 1 ? "an octal number" : "an integer"
    }
    if isDate(bytes) { return "a date" }
    if isSexagesimal(unsigned) { return "a base-60 number" }
    return isFloat(unsigned) ? "a floating-point number" : nil
}

/// `2026-01-31`, `2026-1-1`, and times that begin so (yaml.org/type/timestamp.html).
private func isDate(_ bytes: [UInt8]) -> Bool {
    let parts = bytes.prefix(while: { $0 | 0x20 != UInt8(ascii: "t") && $0 != UInt8(ascii: " ") })
        .split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    return parts.count == 3 && parts[0].count == 4 && parts.allSatisfy { $0.allSatisfy(isDigit) }
        && parts[1...].allSatisfy { (1...2).contains($0.count) }
}

/// `1:30`, `12:30:45.5`: groups of digits between colons.
private func isSexagesimal(_ bytes: ArraySlice<UInt8>) -> Bool {
    let groups = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard groups.count >= 2, let last = groups.last else { return false }
    let whole = last.prefix { $0 != UInt8(ascii: ".") }
    return groups.dropFirst().dropLast().allSatisfy { (1...2).contains($0.count) && $0.allSatisfy(isDigit) }
        && groups[0].allSatisfy { isDigit($0) || $0 == UInt8(ascii: "_") }
        && (1...2).contains(whole.count) && whole.allSatisfy(isDigit)
        && last.dropFirst(whole.count).dropFirst().allSatisfy { isDigit($0) || $0 == UInt8(ascii: "_") }
}

/// `1.5`, `.5`, `1e3`, `6.02E+23`; `1.2.3` is none.
private func isFloat(_ bytes: ArraySlice<UInt8>) -> Bool {
    let whole = bytes.prefix { isDigit($0) || $0 == UInt8(ascii: "_") }
    var rest = bytes.dropFirst(whole.count)
    var fraction: ArraySlice<UInt8> = []
    if rest.first == UInt8(ascii: ".") {
        fraction = rest.dropFirst().prefix { isDigit($0) || $0 == UInt8(ascii: "_") }
        rest = rest.dropFirst(1 + fraction.count)
    }
    guard !whole.isEmpty || !fraction.isEmpty else { return false }
    guard let mark = rest.first else { return true }
    guard mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") else { return false }
    var exponent = rest.dropFirst()
    if exponent.first == UInt8(ascii: "+") || exponent.first == UInt8(ascii: "-") { exponent = exponent.dropFirst() }
    return !exponent.isEmpty && exponent.allSatisfy(isDigit)
}

private func isHexDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
}
