/// A decimal number, compared exactly: no rounding to a double lets 1000.0000000000000001 pass a bound of 1000, and
/// integers beyond 2^53 stay apart.
package struct DecimalNumber: Hashable, Comparable, Sendable {
    private let isNegative: Bool
    /// Significant digits without zeros at either end; empty for zero.
    private let digits: [UInt8]
    /// The value is 0.DIGITS × 10^exponent.
    private let exponent: Int

    /// Reads `-12`, `1.50`, `2e3`; nil for anything else, and for an exponent that no honest number has (over a million).
    package init?(_ text: some StringProtocol) {
        var rest = Substring(text).utf8[...]
        let negative = rest.first == UInt8(ascii: "-")
        if negative { rest.removeFirst() }
        let whole = rest.prefix(while: isDigit)
        rest = rest.dropFirst(whole.count)
        var fraction = rest.prefix(0)
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix(while: isDigit)
            rest = rest.dropFirst(1 + fraction.count)
        }
        guard !whole.isEmpty || !fraction.isEmpty else { return nil }
        var power = 0
        if let mark = rest.first {
            guard mark | 0x20 == UInt8(ascii: "e") else { return nil }
            let written = rest.dropFirst()
            let unsigned =
                written.first.map { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") } == true
                ? written.dropFirst() : written
            guard !unsigned.isEmpty, unsigned.allSatisfy(isDigit), let value = Int(String(Substring(written))),
                (-1_000_000...1_000_000).contains(value)
            else { return nil }
            power = value
        }
        let all = Array(whole) + Array(fraction)
        let significant = all.drop { $0 == UInt8(ascii: "0") }
        let length = (significant.lastIndex { $0 != UInt8(ascii: "0") } ?? significant.startIndex - 1) + 1
        digits = Array(significant[..<max(length, significant.startIndex)])
        exponent = digits.isEmpty ? 0 : whole.count + power - (all.count - significant.count)
        isNegative = negative && !digits.isEmpty
    }

    package static func < (left: DecimalNumber, right: DecimalNumber) -> Bool {
        if left.isNegative != right.isNegative { return left.isNegative }
        return left.isNegative ? right.isSmallerInSize(than: left) : left.isSmallerInSize(than: right)
    }

    private func isSmallerInSize(than other: DecimalNumber) -> Bool {
        if digits.isEmpty || other.digits.isEmpty { return digits.isEmpty && !other.digits.isEmpty }
        if exponent != other.exponent { return exponent < other.exponent }
        return digits.lexicographicallyPrecedes(other.digits)
    }
}
