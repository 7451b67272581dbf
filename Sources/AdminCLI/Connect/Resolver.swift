import Foundation
import Model
import Transport
import Trust

/// Where a server is and who must answer there: asked of the hub, kept until the answer expires, also on disk, so that
/// a client finds its server while the hub is away.
actor Resolver {
    private let server: MemberName
    private let path: String
    private let terminal: Terminal
    private var opened: OpenedContext
    /// Nil where there is no place for it.
    private let file: String?
    private let now: @Sendable () -> Instant
    private var held: Resolution?

    /// - Parameter path: Of the context's file, in which the trust manifest is followed.
    init(
        server: MemberName, path: String, opened: OpenedContext, cache: String?, terminal: Terminal,
        now: @escaping @Sendable () -> Instant = { .now }
    ) {
        self.server = server
        self.path = path
        self.terminal = terminal
        self.opened = opened
        self.now = now
        // Another identity or hub may have another answer.
        let owner = "\(opened.context.identity) \(opened.context.hub)"
        let directory = Hex.encode(SHA256.hash(Array(owner.utf8)).prefix(8))
        file = cache.map { "\($0)/resolutions/\(directory)/\(server.zone).\(server.name).json" }
    }

    /// The hub is asked under another certificate from now on.
    func show(_ renewed: OpenedContext) { opened = renewed }

    /// - Throws: The hub's refusal; `unreachable` when neither the hub nor an answer that still holds is there.
    func resolution() async throws -> Resolution {
        if let held, held.expires > now() { return held }
        if let stored = stored() {
            held = stored
            return stored
        }
        return try await asked()
    }

    /// Asks the hub whatever is held: nobody answers where the last answer said.
    func refreshed() async throws -> Resolution { try await asked() }

    private func asked() async throws -> Resolution {
        try opened.checkExpiry(now())
        let server = server
        // Renewing is `ConnectRenewal`'s.
        let (answer, followed) = try await opened.hub(at: path, nil, terminal) {
            try await $0.get("/v1/resolve/\(server.zone)/\(server.name)", as: Resolution.self)
        }
        // What the walk wrote to the file, `ConnectRenewal` shows to the connections; another ask begins behind it.
        if followed.manifest.version > opened.manifest.version { opened = followed }
        guard answer.server == server.description, !answer.endpoints.isEmpty else {
            throw AdminError("no-endpoint", "the hub knows no endpoint of \(backticked(server.description))")
        }
        held = answer
        // Without the file the next start asks the hub: no reason to fail now.
        if let file, let json = try? JSONCoding.encode(answer) {
            try? PrivateFile.replace(file, with: Array(jsonText(json).utf8))
        }
        return answer
    }

    /// What lies on disk, if it is for this server and has not expired. A damaged file counts as none.
    private func stored() -> Resolution? {
        guard let file, let bytes = try? PrivateFile.read(file),
            let stored = try? JSONCoding.decode(Resolution.self, from: bytes),
            stored.server == server.description, stored.expires > now(), !stored.endpoints.isEmpty
        else { return nil }
        return stored
    }
}
