import Foundation

/// When in the week a rule holds, on the clock of a place: `Mon-Fri 07:00-19:00 Europe/Berlin`. Written and sent as its text.
package struct Hours: Hashable, Sendable, Codable, CustomStringConvertible {
    package let description: String
    /// Days of the week that count, 0 = Monday … 6 = Sunday.
    private let days: Set<Int>
    /// Minutes after local midnight, from inclusive, to exclusive.
    private let from: Int
    private let to: Int
    /// Of the IANA time zone database.
    package let zone: String
    private let place: TimeZone

    private static let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

    /// - Throws: `bad-hours`.
    package init(_ text: String) throws(ModelError) {
        let problem = ModelError(
            "bad-hours", "`\(text.prefix(80))` names no hours", hint: "as `Mon-Fri 07:00-19:00 Europe/Berlin`")
        let parts = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let days = Self.days(parts[0]), let place = TimeZone(identifier: parts[2])
        else {
            throw problem
        }
        let times = parts[1].split(separator: "-").map { Self.minutes(String($0)) }
        guard times.count == 2, let from = times[0], let to = times[1], from < to else { throw problem }
        self.days = days
        self.from = from
        self.to = to
        zone = parts[2]
        self.place = place
        description = text
    }

    package func contain(_ now: Instant) -> Truth {
        let seconds = Int64((Double(now.milliseconds) / 1000).rounded(.down))
        let local = seconds + Int64(place.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds))))
        let day = Int64((Double(local) / 86_400).rounded(.down))
        let minute = Int((local - day * 86_400) / 60)
        // 1970-01-01 was a Thursday.
        let weekday = Int(((day + 3) % 7 + 7) % 7)
        return days.contains(weekday) && (from..<to).contains(minute) ? .yes : .no
    }

    /// Where the hours begin or end in the week after a moment; empty where the place is not known.
    package func edges(after now: Instant) -> [Instant] {
        guard let zone = TimeZone(identifier: zone) else { return [] }
        let start = Int64((Double(now.milliseconds) / 1000).rounded(.down))
        func offset(_ seconds: Int64) -> Int64 {
            Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds))))
        }
        let today = Int64((Double(start + offset(start)) / 86_400).rounded(.down))
        return (today...today + 7).flatMap { day in
            [from, to].map { minute in
                let local = day * 86_400 + Int64(minute) * 60
                // Once more with the offset of that time: between now and then clocks may change.
                let near = local - offset(local - offset(start))
                return Instant(milliseconds: near * 1000)
            }
        }.filter { $0 > now }
    }

    private static func days(_ text: String) -> Set<Int>? {
        var days: Set<Int> = []
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = item.split(separator: "-", omittingEmptySubsequences: false).map {
                names.firstIndex(of: String($0))
            }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first <= last else {
                return nil
            }
            days.formUnion(first...last)
        }
        return days
    }

    private static func minutes(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count == 5, bytes[2] == UInt8(ascii: ":"), let hour = Int(text.prefix(2)),
            let minute = Int(text.suffix(2)),
            (0...24).contains(hour), (0...59).contains(minute), hour < 24 || minute == 0
        else { return nil }
        return hour * 60 + minute
    }

    package init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
