import Model

/// Keeps repeated denials from filling the disk: the first of a kind is a line at once, the same again within ten seconds
/// is counted, and one more line tells the count when the time is over.
package struct DenialTally: Sendable {
    package static let window = Milliseconds.seconds(10)
    /// Kinds counted at once. A caller that makes up more of them gets its lines earlier, not more memory.
    package static let maximumKinds = 4096

    private struct Kind: Hashable, Sendable {
        var caller: String
        /// Strangers have no other name.
        var address: String?
        var server: String
        var aim: String
        var reason: String?
    }

    private struct Count: Sendable {
        var opened: Instant
        var last: DecisionRecord
        var repeats: Int64
    }

    private var counts: [Kind: Count] = [:]

    package init() {}

    /// - Returns: the lines to write now; the number of each is not set yet.
    package mutating func take(_ record: DecisionRecord, now: Instant) -> [DecisionRecord] {
        let kind = Kind(
            caller: record.caller, address: record.caller == "unknown" ? record.address : nil, server: record.server,
            aim: record.aim, reason: record.reason)
        guard var count = counts[kind], now - count.opened < Self.window else {
            var lines = counts.removeValue(forKey: kind).flatMap(Self.summary).map { [$0] } ?? []
            if counts.count >= Self.maximumKinds { lines += drain() }
            counts[kind] = Count(opened: now, last: record, repeats: 0)
            return lines + [record]
        }
        count.repeats += record.count
        count.last = record
        counts[kind] = count
        return []
    }

    /// The summaries whose time is over.
    package mutating func expired(now: Instant) -> [DecisionRecord] {
        let over = counts.filter { now - $0.value.opened >= Self.window }
        for kind in over.keys { counts.removeValue(forKey: kind) }
        return over.values.sorted { $0.opened < $1.opened }.compactMap(Self.summary)
    }

    /// Every summary, at the end or when there are too many kinds.
    package mutating func drain() -> [DecisionRecord] {
        defer { counts = [:] }
        return counts.values.sorted { $0.opened < $1.opened }.compactMap(Self.summary)
    }

    private static func summary(_ count: Count) -> DecisionRecord? {
        guard count.repeats > 0 else { return nil }
        var record = count.last
        record.count = count.repeats
        return record
    }
}
