import ArgumentParser
import Model

/// `ZONE/NAME`: a server, a spoke or a client.
struct MemberName: ExpressibleByArgument, Hashable, Sendable, CustomStringConvertible {
    var zone: String
    var name: String

    init?(argument: String) {
        let parts = argument.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, parts.allSatisfy(isLabel) else { return nil }
        zone = parts[0]
        name = parts[1]
    }

    var description: String { "\(zone)/\(name)" }
}

/// `ar-32/3`: the third item of a review.
struct ReviewItemName: ExpressibleByArgument, Hashable, Sendable, CustomStringConvertible {
    var review: String
    var number: Int

    init?(argument: String) {
        let parts = argument.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, isIdentifier(parts[0]), let number = Int(parts[1]), number > 0,
            String(number) == parts[1]
        else { return nil }
        review = parts[0]
        self.number = number
    }

    var description: String { "\(review)/\(number)" }
}

/// The id of a review, safe to stand in a path.
struct ReviewName: ExpressibleByArgument, Hashable, Sendable {
    var id: String

    init?(argument: String) {
        guard isIdentifier(argument) else { return nil }
        id = argument
    }
}

/// `JOURNAL:NUMBER`.
struct DecisionName: ExpressibleByArgument, Hashable, Sendable {
    var id: String

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, isIdentifier(parts[0]), let number = Int64(parts[1]), number > 0 else { return nil }
        id = argument
    }
}

/// `30s`, `5m`, `1h`, `7d`.
struct Duration: ExpressibleByArgument, Hashable, Sendable {
    var span: Milliseconds

    init?(argument: String) {
        guard let span = Milliseconds(argument) else { return nil }
        self.span = span
    }
}

/// A moment until which something holds: a day, meant to its end (UTC), or a time.
package struct Deadline: ExpressibleByArgument, Hashable, Sendable {
    package var moment: Instant
    private var isDay = false

    package init?(argument: String) {
        if let day = CivilDate(argument) {
            isDay = true
            moment = Instant(milliseconds: (day.daysSinceEpoch + 1) * 86_400_000)
        } else if let time = Instant(argument) {
            moment = time
        } else {
            return nil
        }
    }

    /// The moment to ask about: nil for the day that has not ended, for then it is now that is meant.
    package func asked(now: Instant) -> Instant? {
        isDay && moment > now && moment <= now + .hours(24) ? nil : moment
    }
}

/// RFC 3339 in UTC.
struct Time: ExpressibleByArgument, Hashable, Sendable {
    var moment: Instant

    init?(argument: String) {
        guard let moment = Instant(argument) else { return nil }
        self.moment = moment
    }
}

/// `name=value`: the value is JSON where it reads as JSON, else a text.
struct CallArgument: ExpressibleByArgument, Hashable, Sendable {
    var name: String
    var value: JSON

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else { return nil }
        name = String(argument[..<equals])
        let text = String(argument[argument.index(after: equals)...])
        value = (try? JSON(parsing: Array(text.utf8))) ?? .string(text)
    }
}

/// `tool:read_entry`.
struct CapabilityName: ExpressibleByArgument, Hashable, Sendable {
    var text: String

    init?(argument: String) {
        guard (try? Capability(argument)) != nil else { return nil }
        text = argument
    }
}

/// As a rule names it.
struct PrincipalName: ExpressibleByArgument, Hashable, Sendable {
    var principal: Principal

    init?(argument: String) {
        guard let principal = try? Principal(argument) else { return nil }
        self.principal = principal
    }
}

extension Verdict: ExpressibleByArgument {}

/// `[a-zA-Z0-9_-]`, 1 to 64 bytes: what stands in a path without being escaped.
private func isIdentifier(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
        && text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
}
