import Model

/// When a process may be started: so many a minute for a server, a quarter of them for one caller, and for a caller whose
/// processes end before they say anything, each time later. Pure.
package struct StartPace: Sendable {
    package static let firstPause = Milliseconds.seconds(1)
    package static let longestPause = Milliseconds.seconds(60)
    private static let maximumCallers = 1000

    private struct Failing: Sendable {
        var pause: Milliseconds
        var until: Instant
    }

    private var starts: [(caller: String, at: Instant)] = []
    private var failing: [String: Failing] = [:]

    package init() {}

    /// - Parameters:
    ///   - limit: starts in a minute.
    ///   - caller: what it is counted by.
    package mutating func allows(_ limit: Int, caller: String, now: Instant) -> Bool {
        starts.removeAll { now - $0.at >= .minutes(1) }
        if let failing = failing[caller], now < failing.until { return false }
        // Two at least: to learn how a server answers in each era takes a process each.
        return starts.count < limit && starts.count { $0.caller == caller } < max(2, limit / 4)
    }

    package mutating func started(caller: String, now: Instant) { starts.append((caller, now)) }

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
