extension JSON {
    /// RFC 8785 for JSON of others: numbers too are written as ECMAScript writes them, so that `1.0` and `1` are one.
    /// Only an integer that ECMAScript would write as another keeps its digits, for two of them must not become one.
    package var interchangeBytes: [UInt8] { withCanonicalNumbers.canonicalBytes }

    private var withCanonicalNumbers: JSON {
        switch self {
        case .null, .bool, .string: self
        case .number(let number): .number(JSONNumber(checked: number.canonicalText))
        case .array(let elements): .array(elements.map(\.withCanonicalNumbers))
        case .object(let object): .object(JSONObject(object.pairs.map { ($0.key, $0.value.withCanonicalNumbers) }))
        }
    }
}

extension JSONNumber {
    /// The text of RFC 8785, section 3.2.2.3 (ECMA-262, `Number::toString`).
    var canonicalText: String {
        if let integer, Double(exactly: integer) != nil, integer.magnitude < 1_000_000_000_000_000 {
            return String(integer)
        }
        let value = double
        guard value.isFinite, value != 0 else { return value == 0 ? "0" : text }
        let sign = value < 0 ? "-" : ""
        let (digits, point) = value.magnitude.shortestDigits
        if text.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            text != sign + digits + String(repeating: "0", count: max(0, point - digits.count))
        {
            return text
        }
        switch point {
        case digits.count...21: return sign + digits + String(repeating: "0", count: point - digits.count)
        case 1...21: return sign + digits.prefix(point) + "." + digits.dropFirst(point)
        case -5...0: return sign + "0." + String(repeating: "0", count: -point) + digits
        default:
            let fraction = digits.count > 1 ? "." + digits.dropFirst() : ""
            let exponent = point - 1
            return "\(sign)\(digits.prefix(1))\(fraction)e\(exponent < 0 ? "-" : "+")\(exponent.magnitude)"
        }
    }
}

extension Double {
    /// The fewest digits that read back as this positive number, without zeros around them, and where the decimal point
    /// stands: 0.d1d2… times ten to the power of `point`.
    fileprivate var shortestDigits: (digits: String, point: Int) {
        // Swift writes the shortest text that reads back, as `12.5`, `1e-07` or `1.5e+300`.
        let parts = description.split(separator: "e", maxSplits: 1)
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let mantissa = parts[0].split(separator: ".", maxSplits: 1)
        let whole = mantissa[0]
        let fraction = mantissa.count > 1 ? mantissa[1] : ""
        let all = whole + fraction
        let leading = all.prefix { $0 == "0" }.count
        var digits = all.dropFirst(leading)
        while digits.last == "0" { digits.removeLast() }
        return (String(digits), whole.count + exponent - leading)
    }
}
