import Model

/// Which definitions of tools the hub has taken in, so that a report tells only what is new. Pure.
package struct ToldTools: Sendable {
    /// After that all is told again: the hub may have been restored from an older backup.
    package static let again = Milliseconds.hours(1)
    /// Of definitions in one report.
    package static let maximumBytes = 200 << 10

    private struct Told: Sendable {
        var since: Instant
        /// Told in full; nil while some of it waits.
        var edition: Int?
        /// By tool; without the definitions themselves.
        var tools: [String: [SeenDefinition]] = [:]
    }

    private var servers: [String: Told] = [:]

    package init() {}

    /// What a report should tell now.
    /// - Parameter known: by the server's full name.
    package mutating func next(_ known: [String: ToolDefinitions], now: Instant) -> [ToolSighting] {
        servers = servers.filter { known[$0.key] != nil && now - $0.value.since < Self.again }
        var next: [ToolSighting] = []
        var size = 0
        for (server, definitions) in known.sorted(by: { $0.key < $1.key }) {
            var told = servers[server] ?? Told(since: now)
            guard told.edition != definitions.edition else { continue }
            let sightings = definitions.sightings(server: server)
            // A tool that went was forgotten by the hub: back again, it is news.
            let names = Set(sightings.map(\.tool))
            told.tools = told.tools.filter { names.contains($0.key) }
            var isWhole = true
            for sighting in sightings where told.tools[sighting.tool] != bare(sighting) {
                let bytes = sighting.definitions.reduce(200) { $0 + 300 + ($1.definition?.bytes.count ?? 0) }
                isWhole = isWhole && (size + bytes <= Self.maximumBytes || next.isEmpty)
                guard isWhole else { break }
                size += bytes
                next.append(sighting)
            }
            // All of it is in this report, or was told before: nothing is left once the hub has taken it.
            told.edition = isWhole && next.allSatisfy { $0.server != server } ? definitions.edition : nil
            servers[server] = told
        }
        return next
    }

    /// The hub has taken these.
    package mutating func taken(_ sightings: [ToolSighting]) {
        for sighting in sightings {
            let bare = bare(sighting)
            servers[sighting.server]?.tools[sighting.tool] = bare
        }
    }

    private func bare(_ sighting: ToolSighting) -> [SeenDefinition] {
        sighting.definitions.map {
            SeenDefinition(digest: $0.digest, readOnly: $0.readOnly, versions: $0.versions, definition: nil)
        }
    }
}
