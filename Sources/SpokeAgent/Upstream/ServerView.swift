import MCP
import Model
import NIOConcurrencyHelpers

/// What is known of one upstream now: its catalog and how it answers for names it does not have.
package struct ServerView: Sendable {
    package var state: ServerStatus.State
    package var detail: String?
    /// The last good one; nil until the first.
    package var catalog: Catalog?
    package var catalogAt: Instant?
    /// By era and kind of name.
    package var unknown: [Era: [CapabilityKind: UnknownAnswer]]

    package init(
        state: ServerStatus.State = .unknown, detail: String? = nil, catalog: Catalog? = nil, catalogAt: Instant? = nil,
        unknown: [Era: [CapabilityKind: UnknownAnswer]] = [:]
    ) {
        self.state = state
        self.detail = detail
        self.catalog = catalog
        self.catalogAt = catalogAt
        self.unknown = unknown
    }

    /// The answer for a name that the caller may not know of.
    package func unknownAnswer(_ kind: CapabilityKind, _ era: Era) -> UnknownAnswer {
        unknown[era]?[kind] ?? UnknownAnswer.assumed(kind, era: era)
    }
}

/// The views of all servers of this host, by short name; swapped by their keepers, read once per message.
package final class ServerViews: Sendable {
    private let box: NIOLockedValueBox<[String: ServerView]>

    package init(_ views: [String: ServerView] = [:]) { box = NIOLockedValueBox(views) }

    package subscript(name: String) -> ServerView? {
        get { box.withLockedValue { $0[name] } }
        set { box.withLockedValue { $0[name] = newValue } }
    }

    /// Changes what is known of a server; nothing is known of one that is not served.
    func update(_ name: String, _ change: (inout ServerView) -> Void) {
        box.withLockedValue { views in
            if var view = views[name] {
                change(&view)
                views[name] = view
            }
        }
    }

    package var all: [String: ServerView] { box.withLockedValue(\.self) }
}
