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

/// A server's word that a list is not what it was.
package enum ListChange {
    static let methods: [(kind: CapabilityKind, name: String)] = [
        (.tool, "notifications/tools/list_changed"), (.prompt, "notifications/prompts/list_changed"),
        (.resource, "notifications/resources/list_changed"),
    ]

    package static func isTold(by method: String?) -> Bool { methods.contains { $0.name == method } }
}
