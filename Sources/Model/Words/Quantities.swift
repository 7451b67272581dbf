/// A span of time in whole milliseconds; an integer on the wire, `300ms 10s 5m 24h 7d` in files.
package struct Milliseconds: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package var count: Int64

    package init(_ count: Int64) { self.count = count }

    package static func seconds(_ count: Int64) -> Milliseconds { Milliseconds(count * 1000) }
    package static func minutes(_ count: Int64) -> Milliseconds { Milliseconds(count * 60_000) }
    package static func hours(_ count: Int64) -> Milliseconds { Milliseconds(count * 3_600_000) }
    package static func days(_ count: Int64) -> Milliseconds { Milliseconds(count * 86_400_000) }
    package static func < (left: Milliseconds, right: Milliseconds) -> Bool { left.count < right.count }

    private static let units: [(suffix: String, factor: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// Ten years.
    package static let longest = Milliseconds.days(3650)

    /// Reads a positive whole number and a unit, at most `longest`; nil when it is anything else.
    package init?(_ text: String) {
        guard let (number, factor) = split(text, Self.units), number <= Self.longest.count / factor else { return nil }
        count = number * factor
    }

    /// The largest unit that divides the span: `90s`, `24h`, `7d`.
    package var description: String { written(count, Self.units) }

    package init(from decoder: any Decoder) throws {
        count = try decoder.singleValueContainer().decode(Int64.self)
        guard count >= 0 else { throw ModelError("bad-duration", "a duration of \(count) ms is negative") }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(count)
    }
}

/// A size in bytes; an integer on the wire, `512B 64KiB 1MiB 2GiB` in files.
package struct ByteCount: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package var count: Int64

    package init(_ count: Int64) { self.count = count }

    package static func < (left: ByteCount, right: ByteCount) -> Bool { left.count < right.count }

    private static let units: [(suffix: String, factor: Int64)] = [
        ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30),
    ]

    /// Reads a positive whole number and a unit, at most 1024 GiB; nil when it is anything else.
    package init?(_ text: String) {
        guard let (number, factor) = split(text, Self.units), number <= (1 << 40) / factor else { return nil }
        count = number * factor
    }

    package var description: String { written(count, Self.units) }

    package init(from decoder: any Decoder) throws {
        count = try decoder.singleValueContainer().decode(Int64.self)
        guard count >= 0 else { throw ModelError("bad-size", "a size of \(count) bytes is negative") }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(count)
    }
}

private func split(_ text: String, _ units: [(suffix: String, factor: Int64)]) -> (Int64, Int64)? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard !digits.isEmpty, digits.count <= 12, let number = Int64(digits), number > 0,
        let unit = units.first(where: { $0.suffix == text.dropFirst(digits.count) })
    else { return nil }
    return (number, unit.factor)
}

private func written(_ count: Int64, _ units: [(suffix: String, factor: Int64)]) -> String {
    let unit = units.last { count != 0 && count % $0.factor == 0 } ?? units[0]
    return "\(count / unit.factor)\(unit.suffix)"
}
