import NIOConcurrencyHelpers
import Transport
import Trust

/// The hub client of the moment: exchanged when the spoke's certificate is renewed, and when a version of the trust manifest
/// names other roots. Whoever needs the hub takes it anew for each call.
final class HubLink: Sendable {
    private struct State: Sendable {
        var client: HubClient
        var identity: TLSIdentity
        var roots: [Certificate]
    }

    private let hub: String
    private let address: String
    private let state: NIOLockedValueBox<State>

    /// - Throws: What `HubClient.init` throws.
    init(hub: String, address: String, identity: TLSIdentity, roots: [Certificate]) throws(TransportError) {
        self.hub = hub
        self.address = address
        state = NIOLockedValueBox(
            State(
                client: try HubClient(hub: hub, address: address, identity: identity, roots: roots),
                identity: identity, roots: roots))
    }

    var current: HubClient { state.withLockedValue { $0.client } }

    /// Calls go out under another certificate from now on.
    /// - Returns: the client before, to be shut down.
    func show(_ identity: TLSIdentity) throws -> HubClient {
        try state.withLockedValue { state in
            state.identity = identity
            return try exchange(&state)
        }
    }

    /// The hub has to stand under one of these roots from now on.
    /// - Returns: the client before, to be shut down; nil where these are the roots of before.
    func believe(_ roots: [Certificate]) throws -> HubClient? {
        try state.withLockedValue { state in
            guard state.roots != roots else { return nil }
            state.roots = roots
            return try exchange(&state)
        }
    }

    private func exchange(_ state: inout State) throws(TransportError) -> HubClient {
        let old = state.client
        state.client = try HubClient(hub: hub, address: address, identity: state.identity, roots: state.roots)
        return old
    }
}
