import Model
import Storage

/// The frozen file behind a review: canonical JSON, its SHA-256 in the ledger.
struct FrozenEvidence: Hashable, Codable {
    static let version: Int64 = 1

    var v: Int64
    var zone: String
    var due: Instant
    /// When the evidence was gathered.
    var at: Instant
    var items: [ReviewEvidence]
}

extension ReviewService {
    /// A spoke that said nothing for longer is silent: what it saw since then is not known.
    static let silence = Milliseconds.hours(1)

    /// What is known about the use of each grant, numbered from 1.
    func evidence(for grants: [Grant], in topology: Topology, now: Instant) async throws -> [ReviewEvidence] {
        var observations: [String: Observation] = [:]
        for spoke in topology.spokes {
            observations[spoke.fullName] = try await usage.observation(spoke: spoke.fullName)
        }
        var items: [ReviewEvidence] = []
        for (index, grant) in grants.enumerated() {
            let used = try await usage.usage(
                principal: grant.principal.description, server: grant.server, capabilities: grant.capabilities,
                rule: grant.rule)
            let spokes = topology.servers.first { $0.fullName == grant.server }?.fullSpokes ?? []
            items.append(
                ReviewEvidence(
                    number: index + 1, grant: grant,
                    evidence: Self.judge(used, spokes: spokes, observations: observations, now: now)))
        }
        return items
    }

    /// Use that was seen is used. No use seen is unused only where every spoke of the server has been heard of lately.
    static func judge(
        _ used: GrantUsage, spokes: [String], observations: [String: Observation], now: Instant
    ) -> Evidence {
        let heard = spokes.compactMap { observations[$0] }
        let from = heard.map(\.since).max()
        let to = heard.map(\.last).min()
        if used.count > 0 {
            return Evidence(kind: .used, count: used.count, last: used.last, observedFrom: from, observedTo: to)
        }
        let silent = spokes.filter { spoke in observations[spoke].map { now - $0.last > silence } ?? true }
        guard silent.isEmpty, let from, let to else { return Evidence(kind: .unknown, silent: silent.sorted()) }
        return Evidence(kind: .unused, observedFrom: from, observedTo: to)
    }
}
