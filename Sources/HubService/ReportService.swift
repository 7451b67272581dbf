import Logging
import Model
import Storage
import Trust

/// Takes in what spokes tell.
package struct ReportService: Sendable {
    private let ledger: HubLedger
    private let usage: UsageStore
    private let chain: ManifestChainBox
    private let now: @Sendable () -> Instant
    private let log: Logger

    package init(
        ledger: HubLedger, usage: UsageStore, chain: ManifestChainBox, now: @escaping @Sendable () -> Instant,
        log: Logger
    ) {
        self.ledger = ledger
        self.usage = usage
        self.chain = chain
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
        compare(report.checkpoint, snapshot, spoke)
        if let refused = report.refused {
            log.warning(
                "a spoke refuses its delivery",
                metadata: ["spoke": "\(spoke.fullName)", "code": "\(refused.code)", "detail": "\(refused.detail)"])
        }
        return ReportAnswer(sequence: try await usage.merge(report, spoke: spoke.fullName, now: now()))
    }

    /// A spoke speaks for its own zone, and not from the future.
    static func check(_ report: Report, zone: String, now: Instant) throws(HubError) {
        guard report.v == PolicyBundle.wireVersion, (1...64).contains(report.journal.utf8.count), report.sequence >= 0
        else {
            throw HubError(.invalid, "bad-report", "the report names no journal and sequence of this version")
        }
        guard report.at <= now + .minutes(5) else {
            throw HubError(
                .invalid, "bad-report", "the report is of \(report.at), it is \(now)", hint: "set the host's clock")
        }
        for server in report.servers where !server.name.hasPrefix("\(zone)/") {
            throw HubError(.invalid, "bad-report", "the server \(quoted(server.name)) is not of the zone `\(zone)`")
        }
    }

    /// A head that we signed for more entries than we hold shows that the spoke saw another ledger than this one.
    private func compare(_ checkpoint: String?, _ snapshot: Snapshot, _ spoke: Member) {
        guard let checkpoint else { return }
        let manifest = chain.current
        let problem: String
        do {
            let seen = try manifest.verifyCheckpoint(checkpoint)
            let ours = try manifest.verifyCheckpoint(snapshot.checkpoint)
            if seen.size < ours.size || (seen.size == ours.size && seen.root == ours.root) { return }
            // The spoke may have seen a commit that came after this snapshot.
            let newest = try manifest.verifyCheckpoint(ledger.snapshot.checkpoint)
            if seen.size < newest.size || (seen.size == newest.size && seen.root == newest.root) { return }
            problem = "it is of size \(seen.size), the ledger has \(newest.size)"
        } catch {
            problem = "\(error)"
        }
        log.error(
            "alarm: a spoke holds a checkpoint that this ledger does not explain",
            metadata: ["spoke": "\(spoke.fullName)", "problem": "\(problem)"])
    }
}
