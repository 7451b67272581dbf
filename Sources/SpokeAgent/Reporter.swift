import Logging
import Model
import NIOConcurrencyHelpers
import Transport

/// Tells the hub what is in force, what the servers offer, what was decided and what was used; on news and at intervals.
struct Reporter: Sendable {
    /// Of decisions in one report; the usage that they made takes about as much again, within the hub's limit of 1 MiB.
    private static let decisionBytes = 350 << 10

    let link: HubLink
    let journal: Journal
    let applier: DeliveryApplier
    let services: Services
    let wakeup: Wakeup
    let interval: Milliseconds
    let listener: String
    let ceiling: ReportedCeiling
    let logger: Logger
    /// The newest head that the hub has taken in.
    let told = NIOLockedValueBox<JSON?>(nil)
    let tools = NIOLockedValueBox(ToldTools())

    /// Runs until its task is cancelled.
    func run() async {
        var wasAway = false
        while !Task.isCancelled {
            let hub = link.current
            do {
                while try await report(), !Task.isCancelled {}
                wasAway = false
            } catch {
                // Broken off by our own change of certificate: told again at once.
                if hub !== link.current { continue }
                let known = error as? any NaveError
                if !wasAway, !Task.isCancelled {
                    logger.warning(
                        "report not taken",
                        metadata: [
                            "code": "\(known?.code ?? "unreachable")", "detail": "\(known?.message ?? "\(error)")",
                        ])
                }
                wasAway = true
            }
            await wakeup.sleep(atMost: interval)
        }
    }

    /// One report.
    /// - Returns: whether more lines wait already.
    @discardableResult
    func report() async throws -> Bool {
        let told = try await journal.unreported(maximumBytes: Self.decisionBytes)
        // After the decisions: it covers at least what is told.
        let head = try await journal.head()
        let known = self.told.withLockedValue(\.self)
        let snapshot = services.snapshots.current
        let views = services.tables.views.all
        let listed = (snapshot?.servers ?? [:]).compactMap { short, server in
            views[short].map { (server.name, $0.definitions) }
        }
        let now = services.now()
        let sightings = tools.withLockedValue {
            $0.next(Dictionary(listed) { first, _ in first }, now: now)
        }
        let report = Report(
            journal: journal.name.name, sequence: told.sequence, applied: snapshot?.delivery.applied,
            refused: await applier.refused, servers: services.upstreams.status(snapshot), usage: told.usage,
            decisions: told.decisions, checkpoint: snapshot?.delivery.note, listener: listener,
            since: journal.name.since,
            at: services.now(), head: head == known ? nil : head, trouble: journal.figures.trouble,
            tools: sightings.isEmpty ? nil : sightings, ceiling: ceiling)
        let answer = try await link.current.post("/v1/spoke/reports", report, as: ReportAnswer.self)
        // If we die here the lines are told again, and the hub knows them.
        tools.withLockedValue { $0.taken(sightings) }
        if let head { self.told.withLockedValue { $0 = head } }
        let isWhole = answer.sequence >= told.sequence
        try await journal.acknowledge(min(answer.sequence, told.sequence), place: isWhole ? told.place : nil)
        return (told.hasMore && isWhole) || !sightings.isEmpty
    }
}
