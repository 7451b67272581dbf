import Logging
import Model
import Storage

/// Takes in what spokes tell.
package struct ReportService: Sendable {
    private let ledger: HubLedger
    private let usage: UsageStore
    private let checkpoints: CheckpointComparison
    private let publisher: Publisher
    private let anchoring: JournalAnchoring
    private let now: @Sendable () -> Instant
    private let log: Logger

    package init(
        ledger: HubLedger, usage: UsageStore, checkpoints: CheckpointComparison, publisher: Publisher,
        anchoring: JournalAnchoring, now: @escaping @Sendable () -> Instant, log: Logger
    ) {
        self.ledger = ledger
        self.usage = usage
        self.checkpoints = checkpoints
        self.publisher = publisher
        self.anchoring = anchoring
        self.now = now
        self.log = log
    }

    /// - Throws: `not-registered`, `bad-report`, and what `UsageStore.merge` throws.
    package func merge(_ report: Report, from spoke: Member) async throws -> ReportAnswer {
        let snapshot = ledger.snapshot
        guard snapshot.state.topology.spokes.contains(where: { $0.fullName == spoke.fullName }) else {
            throw HubError(.conflict, "not-registered", "the topology has no spoke `\(spoke.fullName)`")
        }
        try Self.check(report, zone: spoke.zone, now: now())
        let seen = await checkpoints.compare(report.checkpoint, from: "spoke \(spoke.fullName)")
        await publisher.heard(spoke.fullName, holding: seen.size, isNew: false)
        if let refused = report.refused {
            log.warning(
                "a spoke refuses its delivery",
                metadata: ["spoke": "\(spoke.fullName)", "code": "\(refused.code)", "detail": "\(refused.detail)"])
        }
        var believed = report
        if let tools = report.tools {
            let placed = snapshot.state.topology.servers.filter { $0.fullSpokes.contains(spoke.fullName) }
            let names = Set(placed.map(\.fullName))
            // What is told of a tool is approved for every spoke: nobody speaks of tools that others serve.
            believed.tools = tools.filter { names.contains($0.server) }
        }
        let answer = ReportAnswer(sequence: try await usage.merge(believed, spoke: spoke.fullName, now: now()))
        if let trouble = report.trouble {
            log.warning(
                "alarm: a spoke's journal has no room",
                metadata: [
                    "spoke": "\(spoke.fullName)", "state": "\(trouble.state.rawValue)", "lost": "\(trouble.lost)",
                ])
        }
        if let head = report.head {
            let organization = snapshot.state.topology.organization.domain
            await anchoring.take(head, journal: report.journal, from: spoke, organization: organization)
        }
        // Proofs began at checkpoints that this spoke does not hold; now it is known which one it does.
        // It could not check what it got.
        if report.refused?.code == "checkpoint-unproved" { await publisher.push(spoke.fullName) }
        return answer
    }

    /// A spoke speaks for its own zone, and not from the future.
    static func check(_ report: Report, zone: String, now: Instant) throws(HubError) {
        guard report.v == Report.version, (1...64).contains(report.journal.utf8.count), report.sequence >= 0
        else {
            throw HubError(.invalid, "bad-report", "the report names no journal and sequence of this version")
        }
        guard report.wire.count <= 64 else {
            throw HubError(.invalid, "bad-report", "the report names \(report.wire.count) wire versions")
        }
        guard report.at <= now + .minutes(5) else {
            throw HubError(
                .invalid, "bad-report", "the report is of \(report.at), it is \(now)", hint: "set the host's clock")
        }
        for server in report.servers where !server.name.hasPrefix("\(zone)/") {
            throw HubError(.invalid, "bad-report", "the server \(quoted(server.name)) is not of the zone `\(zone)`")
        }
    }
}
