import MCP
import Model
import NIOConcurrencyHelpers

/// What is known of one upstream now: its catalog and how it answers for names it does not have.
package struct ServerView: Sendable {
    package var state: ServerStatus.State
    package var detail: String?
    /// The last good one; nil until the first.
    package private(set) var catalog: Catalog?
    package private(set) var definitions = ToolDefinitions()
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
        if let catalog { definitions.take(catalog, in: .newest) }
    }

    /// The lists were fetched, in that version.
    mutating func take(_ catalog: Catalog, in version: ProtocolVersion, at moment: Instant) {
        self.catalog = catalog
        catalogAt = moment
        definitions.take(catalog, in: version)
    }

    /// - Returns: whether a definition among these items of a list is news.
    mutating func note(_ items: [JSON], in version: ProtocolVersion) -> Bool { definitions.note(items, in: version) }

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

    /// A caller is about to be listed tools of a server.
    /// - Returns: how its tools are defined now, and whether that is news; nil for a server that is not served.
    package func note(
        _ items: [JSON], of name: String, in version: ProtocolVersion
    ) -> (definitions: ToolDefinitions, isNews: Bool)? {
        box.withLockedValue { views in
            guard let isNews = views[name]?.note(items, in: version), let view = views[name] else { return nil }
            return (view.definitions, isNews)
        }
    }

    package var all: [String: ServerView] { box.withLockedValue(\.self) }
}
