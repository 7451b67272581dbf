import Model

/// When the catalog of a server is fetched again: after a minute, or at once for a reason, but not twice within five seconds,
/// as both a server and a caller could give reasons without end. Pure.
package enum CatalogPace {
    package static let regular = Milliseconds.seconds(60)
    package static let least = Milliseconds.seconds(5)

    /// How long to hold back a fetch that somebody has a reason for. The reason is not lost meanwhile.
    package static func hold(sinceLast elapsed: Milliseconds) -> Milliseconds {
        max(Milliseconds(0), min(least, Milliseconds(least.count - elapsed.count)))
    }
}

/// Tells at that pace what callers are listed that is news: at once after a quiet time, and what comes sooner in one go. Pure.
package struct NewsPace: Sendable {
    private var told: Instant?
    private var isDue = false

    package init() {}

    /// - Returns: after how long it is to be told; nil when that is about to happen anyway.
    package mutating func noticed(now: Instant) -> Milliseconds? {
        guard !isDue else { return nil }
        isDue = true
        return told.map { CatalogPace.hold(sinceLast: now - $0) } ?? Milliseconds(0)
    }

    /// Called before it is told: what is noticed from here on is told again.
    package mutating func tell(now: Instant) {
        isDue = false
        told = now
    }
}

/// A server's word that a list is not what it was.
package enum ListChange {
    static let methods: [(kind: CapabilityKind, name: String)] = [
        (.tool, "notifications/tools/list_changed"), (.prompt, "notifications/prompts/list_changed"),
        (.resource, "notifications/resources/list_changed"),
    ]

    package static func isTold(by method: String?) -> Bool { methods.contains { $0.name == method } }
}
