import Model
import Trust

/// What a caller proved who they are with.
package enum Credential: Sendable {
    /// Of the connection, at the listener for certificates.
    case certificate(VerifiedPeer)
    /// Of the one request, at the listener for tokens.
    case token(AccessToken)

    package var caller: Caller {
        switch self {
        case .certificate(let peer): Caller(workload: peer.id)
        case .token(let token): Caller(user: token.user)
        }
    }

    /// When it ends by itself.
    package var expires: Instant {
        switch self {
        case .certificate(let peer): peer.notAfter
        case .token(let token): token.expires
        }
    }
}
