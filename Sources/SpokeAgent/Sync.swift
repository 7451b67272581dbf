import Logging
import Model
import Transport

/// Keeps a stream to the hub open and takes in what comes over it. While the hub is away the last good delivery is enforced.
struct Sync: Sendable {
    private static let firstPause = Milliseconds(500)
    /// A hub that returns is found within it.
    private static let longestPause = Milliseconds.seconds(10)

    let link: HubLink
    let applier: DeliveryApplier
    let snapshots: SnapshotBox
    let reporter: Wakeup
    let renewal: RenewalDemand
    let logger: Logger

    /// Runs until its task is cancelled.
    func run() async {
        var backoff = Backoff(first: Self.firstPause, longest: Self.longestPause)
        var wasAway = false
        while !Task.isCancelled {
            let hub = link.current
            do {
                let stream = try await hub.stream(
                    "/v1/spoke/stream?manifest=\(await applier.manifestVersion)",
                    checkpoint: snapshots.current?.delivery.note)
                logger.info("connected to the hub")
                wasAway = false
                backoff.reset()
                reporter.wake()
                var old: HubClient?
                for try await event in stream {
                    await take(event)
                    old = try link.believe(await applier.roots)
                    if old != nil { break }
                }
                if let old {
                    // Every further connection begins at the roots of the newest manifest.
                    await old.shutdown()
                    continue
                }
                logger.info("the hub ended the stream")
            } catch {
                if Task.isCancelled { return }
                // Closed by ourselves: at once again, under the new certificate.
                if hub !== link.current { continue }
                if !wasAway {
                    let known = error as? any NaveError
                    logger.warning(
                        "the hub is away, the last delivery stays in force",
                        metadata: [
                            "code": "\(known?.code ?? "unreachable")", "detail": "\(known?.message ?? "\(error)")",
                        ])
                }
                wasAway = true
            }
            let wait = backoff.next { Int64.random(in: 0...$0) }
            do { try await Task.sleep(for: .milliseconds(wait.count)) } catch { return }
        }
    }

    private func take(_ event: ServerSentEvent) async {
        switch event.name {
        case "delivery": if await applier.apply(Array(event.data.utf8)) { reporter.wake() }
        case "manifest": if await applier.apply(manifests: Array(event.data.utf8)) { reporter.wake() }
        case "renew":
            // A hub that asks without need gets a new certificate's key and no more.
            guard let notice = try? JSONCoding.decode(RenewNotice.self, from: Array(event.data.utf8)) else { return }
            renewal.ask(notice)
        case "ping": break
        default:
            logger.debug("the hub sent an event of an unknown kind", metadata: ["kind": "\(event.name.prefix(40))"])
        }
    }
}
