import Foundation
import Model
import Transport
import Trust

/// Keeps the certificate of a long `nave connect` young: a client may leave it running for weeks.
struct ConnectRenewal: Sendable {
    private static let pause = Swift.Duration.seconds(60)

    let path: String
    let time: RenewalTime
    let resolver: Resolver
    let connections: SpokeConnections
    let terminal: Terminal

    /// Runs until its task is cancelled. Looks once a minute, and an hour after a failure; the first time at once.
    func run(_ opened: OpenedContext) async {
        var opened = opened
        while !Task.isCancelled {
            let leaf = opened.identity.leaf
            let isDue = time.isDue(leaf, now: .now)
            if isDue {
                // Another command may have renewed the same file.
                if let stored = try? OpenedContext(path: path), stored.identity.notAfter > leaf.notAfter {
                    opened = stored
                } else {
                    opened = await ContextRenewal.renewedIfDue(opened, at: path, time, terminal, now: .now)
                }
            }
            let isRenewed = opened.identity.leaf != leaf
            if isRenewed, (try? await connections.show(opened)) != nil { await resolver.show(opened) }
            let wait = isDue && !isRenewed ? Self.pause * 60 : Self.pause
            do { try await Task.sleep(for: wait) } catch { return }
        }
    }
}
