import Model

/// Counts of uses, folded from the journal's lines: the same lines give the same counts.
package struct UsageBook: Sendable {
    private struct Key: Hashable, Sendable {
        var day: String
        var rule: String
        var principal: String
        var caller: String
        var server: String
        var capability: String
    }

    private struct Entry: Sendable {
        var count: Int64
        var last: Instant
        /// Number of the line that changed it last.
        var number: Int64
    }

    /// What the snapshot file holds.
    package struct Stored: Hashable, Sendable, Codable {
        package struct Counter: Hashable, Sendable, Codable {
            package var usage: UsageCounter
            package var number: Int64
        }

        /// Of the last line that is folded in.
        package var number: Int64
        /// The last number that the hub acknowledged.
        package var acknowledged: Int64
        package var counters: [Counter]
        /// Where the chain stood, for a journal whose segments are all gone.
        package var line: Int64?
        package var head: String?
        /// Position of the first line that is kept.
        package var first: Int64?
    }

    /// With URIs of 2 KiB each they fit into what a snapshot may hold.
    private static let maximumEntries = 20_000

    private var entries: [Key: Entry] = [:]
    /// Of the last line folded in.
    package private(set) var number: Int64 = 0

    package init() {}

    package init(_ stored: Stored) {
        number = stored.number
        for counter in stored.counters {
            entries[Self.key(counter.usage)] = Entry(
                count: counter.usage.count, last: counter.usage.last, number: counter.number)
        }
    }

    /// Lines must come in order; those already folded in are passed over.
    package mutating func fold(_ record: DecisionRecord) {
        guard record.number > number else { return }
        number = record.number
        guard record.verdict == .allow, record.aim.contains(":"), let rule = record.rule,
            let principal = record.principal
        else {
            return
        }
        var key = Key(
            day: String(record.at.description.prefix(10)), rule: rule, principal: principal, caller: record.caller,
            server: record.server, capability: record.aim)
        // Who may read every URI of a pattern can name ever new ones: beyond this they are counted as one.
        if entries[key] == nil, entries.count >= Self.maximumEntries {
            key.capability = "\(key.capability.prefix { $0 != ":" }):*"
        }
        var entry = entries[key] ?? Entry(count: 0, last: record.at, number: record.number)
        entry.count += 1
        entry.last = max(entry.last, record.at)
        entry.number = record.number
        entries[key] = entry
    }

    /// Counters that changed after a line.
    package func changed(after acknowledged: Int64, upTo number: Int64) -> [UsageCounter] {
        entries.filter { $0.value.number > acknowledged && $0.value.number <= number }
            .sorted { $0.value.number < $1.value.number }
            .map { Self.counter($0.key, $0.value) }
    }

    /// Drops what can change no more: days before yesterday that the hub holds.
    package mutating func forget(acknowledged: Int64, now: Instant) {
        let yesterday = String((now - .days(1)).description.prefix(10))
        entries = entries.filter { $0.key.day >= yesterday || $0.value.number > acknowledged }
    }

    package func stored(acknowledged: Int64, chain: JournalChain, first: Int64) -> Stored {
        Stored(
            number: number, acknowledged: acknowledged,
            counters: entries.map { Stored.Counter(usage: Self.counter($0.key, $0.value), number: $0.value.number) }
                .sorted { ($0.number, $0.usage.capability) < ($1.number, $1.usage.capability) },
            line: chain.line, head: chain.head, first: first)
    }

    private static func key(_ counter: UsageCounter) -> Key {
        Key(
            day: counter.day, rule: counter.rule, principal: counter.principal, caller: counter.caller,
            server: counter.server, capability: counter.capability)
    }

    private static func counter(_ key: Key, _ entry: Entry) -> UsageCounter {
        UsageCounter(
            day: key.day, rule: key.rule, principal: key.principal, caller: key.caller, server: key.server,
            capability: key.capability, count: entry.count, last: entry.last)
    }
}
