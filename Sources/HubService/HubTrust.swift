import Model
import NIOConcurrencyHelpers
import Storage
import Transport
import Trust

/// Whom the mTLS listener believes, following the ledger: the organization's domain and its zones', less what is revoked.
///
/// On every change of that the TLS generation is swapped, so that no older session is resumed, and connections of peers
/// that are no longer believed are closed.
package final class HubTrust: Sendable {
    package let listener: TLSContextBox
    package let front: TLSContextBox
    package let connections = OpenConnections()

    private struct State {
        var size: Int64
        var basis: Basis
        var verifier: PeerVerifier
        var identity: TLSIdentity
    }

    /// What the verifier is made of.
    private struct Basis: Hashable {
        var roots: [Certificate]
        var zones: [String]
        /// Serial numbers, and keys of CAs.
        var denied: [String]
        var identities: [IdentityRevocation]

        init(_ snapshot: Snapshot, roots: [Certificate]) {
            self.roots = roots
            zones = snapshot.state.topology.zones.map(\.name).sorted()
            denied = snapshot.state.denied
            identities = snapshot.state.revokedIdentities
        }
    }

    private let organization: String
    private let now: @Sendable () -> Instant
    private let state: NIOLockedValueBox<State>

    /// - Parameter roots: Of the trust manifest in force.
    package init(
        organization: String, roots: [Certificate], identity: TLSIdentity, snapshot: Snapshot,
        now: @escaping @Sendable () -> Instant
    ) throws {
        self.organization = organization
        self.now = now
        let basis = Basis(snapshot, roots: roots)
        state = NIOLockedValueBox(
            State(
                size: snapshot.size, basis: basis, verifier: try Self.verifier(organization, basis),
                identity: identity))
        listener = TLSContextBox(try MutualTLS.serverGeneration(identity))
        front = TLSContextBox(try Self.frontGeneration(identity, roots))
    }

    package var verifier: PeerVerifier { state.withLockedValue { $0.verifier } }

    /// Takes over what the ledger says now; an older snapshot than the one held is passed over.
    package func follow(_ snapshot: Snapshot) throws {
        try change { state in
            guard snapshot.size > state.size else { return nil }
            state.size = snapshot.size
            return Basis(snapshot, roots: state.basis.roots)
        }
    }

    /// Believes the roots of another version of the trust manifest.
    func believe(_ roots: [Certificate]) throws {
        try change { state in
            var basis = state.basis
            basis.roots = roots
            return basis
        }
        try state.withLockedValue { front.swap(try Self.frontGeneration($0.identity, $0.basis.roots)) }
    }

    // Generations are swapped under the lock: of two changes at once the one that comes last is shown.
    private func change(_ next: (inout State) -> Basis?) throws {
        let verifier = try state.withLockedValue { state -> PeerVerifier? in
            guard let basis = next(&state), basis != state.basis else { return nil }
            state.verifier = try Self.verifier(organization, basis)
            state.basis = basis
            listener.swap(try MutualTLS.serverGeneration(state.identity))
            return state.verifier
        }
        if let verifier { connections.closeUnbelieved(verifier, now: now()) }
    }

    /// Shows a renewed certificate on both listeners.
    package func show(_ identity: TLSIdentity) throws {
        let listening = try MutualTLS.serverGeneration(identity)
        try state.withLockedValue { state in
            let fronting = try Self.frontGeneration(identity, state.basis.roots)
            state.identity = identity
            listener.swap(listening)
            front.swap(fronting)
        }
    }

    /// Every zone is a trust domain of its own under the same roots, so every leaf's issuer has to name its domain.
    private static func verifier(_ organization: String, _ basis: Basis) throws -> PeerVerifier {
        let domains = [organization] + basis.zones.map { "\($0).\(organization)" }
        return try PeerVerifier(
            anchors: Dictionary(domains.map { ($0, basis.roots) }) { first, _ in first },
            denied: Set(basis.denied),
            deniedIdentities: Dictionary(basis.identities.map { ($0.identity, $0.issuedBefore) }, uniquingKeysWith: max)
        )
    }

    /// The front listener shows the roots too: who enrols has only a digest, to find one by. They come last: a path begins with
    /// what certifies the step before, and one that meets the newer root would end there.
    private static func frontGeneration(_ identity: TLSIdentity, _ roots: [Certificate]) throws -> TLSGeneration {
        try MutualTLS.frontGeneration(try TLSIdentity(key: identity.key, chain: identity.chain + roots))
    }
}
