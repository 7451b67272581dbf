import Model
import NIOConcurrencyHelpers
import NIOCore
import Trust

/// The connections that are open now and who is at their other end, so that a revocation can close them.
package final class OpenConnections: Sendable {
    private struct Member: Sendable {
        var peer: VerifiedPeer
        var channel: any Channel
    }

    private let members = NIOLockedValueBox<[ObjectIdentifier: Member]>([:])

    package init() {}

    /// Identities with at least one open connection.
    package var identities: Set<SPIFFEID> { members.withLockedValue { Set($0.values.map(\.peer.id)) } }

    func add(_ peer: VerifiedPeer, _ channel: any Channel) {
        members.withLockedValue { $0[ObjectIdentifier(channel)] = Member(peer: peer, channel: channel) }
    }

    func remove(_ channel: any Channel) {
        members.withLockedValue { _ = $0.removeValue(forKey: ObjectIdentifier(channel)) }
    }

    /// Cuts off every connection whose peer the verifier no longer believes: revoked, expired, or of a domain that is gone.
    /// - Returns: Who was cut off.
    @discardableResult
    package func closeUnbelieved(_ verifier: PeerVerifier, now: Instant) -> [VerifiedPeer] {
        let all = members.withLockedValue { Array($0.values) }
        var closed: [VerifiedPeer] = []
        for member in all {
            do throws(TrustError) {
                try verifier.recheck(member.peer, now: now)
            } catch {
                member.channel.cutOff(error.code)
                closed.append(member.peer)
            }
        }
        return closed
    }
}

/// Tells the handlers of a connection that it ends now, because its peer is not believed any more.
package struct PeerCutOff: Sendable {
    /// As `PeerVerifier.recheck` has it: `revoked`, `expired`, `unknown-trust-domain`, `bad-path`.
    package let code: String
}

extension Channel {
    /// Says why first: a peer that does not answer the end of TLS would keep what it began for seconds more.
    func cutOff(_ code: String) {
        pipeline.fireUserInboundEventTriggered(PeerCutOff(code: code))
        close(mode: .all, promise: nil)
    }
}
