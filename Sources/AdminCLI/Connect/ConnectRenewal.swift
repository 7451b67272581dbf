import Foundation
import Model
import Transport
import Trust

/// Keeps the certificate and the roots of a long `nave connect` current: a client may leave it running for weeks.
struct ConnectRenewal: Sendable {
    private static let pause = Swift.Duration.seconds(60)
    /// Turns between two questions to the hub.
    private static let turns = 5

    let path: String
    let time: RenewalTime
    let resolver: Resolver
    let connections: SpokeConnections
    let terminal: Terminal

    /// Runs until its task is cancelled. Looks at the file once a minute, since another command may have changed it, and asks
    /// the hub every five, the first time at once.
    func run(_ opened: OpenedContext) async {
        var opened = opened
        var turn = 0
        while !Task.isCancelled {
            var next = opened
            if let stored = try? OpenedContext(path: path),
                stored.manifest.version >= next.manifest.version,
                stored.identity.notAfter > next.identity.notAfter || stored.manifest.version > next.manifest.version
            {
                next = stored
            }
            if turn % Self.turns == 0 { next = await asked(next) }
            turn += 1
            let isNew = next.identity.leaf != opened.identity.leaf || next.manifest != opened.manifest
            if isNew, (try? await connections.show(next)) != nil {
                await resolver.show(next)
                opened = next
            }
            do { try await Task.sleep(for: Self.pause) } catch { return }
        }
    }

    /// While the hub is away everything stays as it is.
    private func asked(_ opened: OpenedContext) async -> OpenedContext {
        (try? await opened.hub(at: path, time, terminal) { _ in })?.followed ?? opened
    }
}
