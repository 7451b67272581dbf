import JWTKit
import Model
import NIOConcurrencyHelpers
import Trust

/// Judges access tokens: what they say, then the signature over it by a key of the issuer that they name.
package final class TokenVerifier: Sendable {
    private static let maximumRemembered = 10_000

    private struct Signed: Hashable, Sendable {
        /// SHA-256 of the token.
        var token: [UInt8]
        var issuer: String
        var generation: Int
    }

    private let rules: TokenRules
    private let keys: [String: IssuerKeys]
    /// Tokens whose signature was checked under the keys that are in force.
    private let signed = NIOLockedValueBox<Set<Signed>>([])

    package init(_ rules: TokenRules, keys: [String: IssuerKeys]) {
        self.rules = rules
        self.keys = keys
    }

    package enum Verdict: Sendable {
        case believed(AccessToken)
        /// Ask again when the issuer's keys have come.
        case waits(Task<Void, Never>)
    }

    /// - Parameter verifying: false where no signature is to be checked any more; what was checked before counts.
    /// - Throws: what `CompactToken` and `TokenRules` throw, `unknown-key`, `bad-signature`, `keys-unavailable`, `not-verified`.
    package func judge(
        _ text: String, for resource: ProtectedResource, now: Instant, verifying: Bool = true
    ) throws(SpokeError) -> Verdict {
        let token = try CompactToken(text)
        let (issuer, algorithm, meaning) = try rules.check(token, for: resource, now: now)
        switch keys[issuer.issuer]?.find(token.key, algorithm) {
        case .key(let key, let generation):
            let mark = Signed(token: SHA256.hash(text.utf8), issuer: issuer.issuer, generation: generation)
            if !signed.withLockedValue({ $0.contains(mark) }) {
                guard verifying else {
                    throw SpokeError("not-verified", "too many tokens of that address were refused of late")
                }
                guard (try? key.verifier.verify(token.signature, signs: token.signed)) == true else {
                    throw SpokeError("bad-signature", "the token's signature is not that of its issuer")
                }
                signed.withLockedValue { signed in
                    if signed.count >= Self.maximumRemembered { signed.removeAll() }
                    signed.insert(mark)
                }
            }
            return .believed(meaning)
        case .unknown(let fetching): return .waits(fetching)
        case .unavailable, nil:
            throw SpokeError("keys-unavailable", "the keys of the token's issuer cannot be fetched now")
        case .some(.none): throw SpokeError("unknown-key", "the token's key is not one of its issuer's")
        }
    }
}
