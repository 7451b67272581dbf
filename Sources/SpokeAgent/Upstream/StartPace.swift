import Model

/// When a process may be started: so many a minute for a server, and for a caller whose processes end before they say
/// anything, each time later. Pure.
package struct StartPace: Sendable {
    package static let firstPause = Milliseconds.seconds(1)
    package static let longestPause = Milliseconds.seconds(60)
    private static let maximumCallers = 1000

    private struct Failing: Sendable {
        var pause: Milliseconds
        var until: Instant
    }

    private var starts: [Instant] = []
    private var failing: [String: Failing] = [:]

    package init() {}

    /// - Parameter limit: starts in a minute.
    package mutating func allows(_ limit: Int, caller: String, now: Instant) -> Bool {
        starts.removeAll { now - $0 >= .minutes(1) }
        if let failing = failing[caller], now < failing.until { return false }
        return starts.count < limit
    }

    package mutating func started(now: Instant) { starts.append(now) }

    /// - Parameter wasGood: whether the process answered anything, or ended because nobody wanted it any more.
    package mutating func ended(caller: String, wasGood: Bool, now: Instant) {
        guard !wasGood else {
            failing[caller] = nil
            return
        }
        if failing.count >= Self.maximumCallers { failing = failing.filter { now < $0.value.until } }
        let pause = failing[caller].map { min(Self.longestPause, Milliseconds($0.pause.count * 2)) } ?? Self.firstPause
        failing[caller] = Failing(pause: pause, until: now + pause)
    }
}
