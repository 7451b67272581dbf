import Foundation
import Model
import Transport
import Trust

/// Keeps the context of a long `nave connect` young: a client may leave it running for weeks.
struct ConnectRenewal: Sendable {
    private static let pause = Swift.Duration.seconds(60)

    let path: String
    let time: RenewalTime
    let resolver: Resolver
    let connections: SpokeConnections
    let terminal: Terminal

    /// Runs until its task is cancelled. Looks once a minute, and an hour after a failure while the certificate is good; the
    /// first time at once.
    func run(_ opened: OpenedContext) async {
        var opened = opened
        while !Task.isCancelled {
            let before = opened
            let leaf = before.identity.leaf
            // Another command may have renewed the same file, or followed the trust manifest in it, as the resolver does.
            if let stored = try? OpenedContext(path: path),
                stored.identity.notAfter > leaf.notAfter || stored.manifest.version > before.manifest.version
            {
                opened = stored
            }
            let isDue = time.isDue(opened.identity.leaf, now: .now)
            if isDue { opened = await ContextRenewal.renewedIfDue(opened, at: path, time, terminal, now: .now) }
            if opened.identity.leaf != leaf || opened.manifest != before.manifest,
                (try? await connections.show(opened)) != nil
            {
                await resolver.show(opened)
            }
            let isWaiting = isDue && opened.identity.leaf == leaf && Instant.now < leaf.notAfter
            let wait = isWaiting ? Self.pause * 60 : Self.pause
            do { try await Task.sleep(for: wait) } catch { return }
        }
    }
}
