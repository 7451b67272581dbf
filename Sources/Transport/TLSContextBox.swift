import Model
import NIOConcurrencyHelpers
import NIOSSL
import Trust

/// One generation of a listener's TLS: what it shows, and whom it has verified so far.
///
/// NIOSSL resumes TLS 1.3 sessions and then asks nobody who the peer is. A ticket is good under the context that wrote it
/// only, so a resumed session is believed only if this very generation verified the same leaf before, and is checked again
/// against what is revoked now. Swapping the generation makes every older ticket useless.
package final class TLSGeneration: Sendable {
    /// Leaves remembered for resumption; beyond it a resumed peer has to shake hands in full.
    private static let maximumRemembered = 20_000

    let context: NIOSSLContext
    private let verified = NIOLockedValueBox<[[UInt8]: VerifiedPeer]>([:])

    init(context: NIOSSLContext) { self.context = context }

    func remember(_ peer: VerifiedPeer, leafDER: [UInt8]) {
        verified.withLockedValue { remembered in
            if remembered.count >= Self.maximumRemembered { remembered.removeAll() }
            remembered[leafDER] = peer
        }
    }

    func verifiedBefore(leafDER: [UInt8]) -> VerifiedPeer? { verified.withLockedValue { $0[leafDER] } }
}

/// The TLS generation that new connections get. Connections that are open keep theirs; `OpenConnections` closes those that
/// a change concerns. Swap it on every change of certificate, roots or revocations: building a context costs microseconds.
package final class TLSContextBox: Sendable {
    private let box: NIOLockedValueBox<TLSGeneration>

    package init(_ first: TLSGeneration) { box = NIOLockedValueBox(first) }

    package var current: TLSGeneration { box.withLockedValue { $0 } }

    package func swap(_ next: TLSGeneration) { box.withLockedValue { $0 = next } }
}
