import Model
import Trust

extension TLSIdentity {
    /// A renewed chain for a new key, if it is for whom it must be for: the same SPIFFE ID, the key that was made here, under
    /// the roots that are believed.
    /// - Throws: `unexpected-answer`, and the codes of `PeerVerifier`.
    package init(
        renewed answer: EnrolAnswer, key: PrivateKey, of identity: SPIFFEID, purpose: CertificatePurpose,
        roots: [Certificate], now: Instant
    ) throws(TransportError) {
        do throws(TrustError) {
            let chain = try Certificate.chain(pem: answer.chain)
            let peer = try PeerVerifier(anchors: [identity.trustDomain: roots])
                .verify(chainDER: chain.map(\.der), purpose: purpose, now: now)
            guard peer.id == identity, answer.identity == identity, chain[0].publicKey == key.publicKey else {
                throw TrustError(
                    "unexpected-answer",
                    "the renewed certificate is not for our key and \(quoted(identity.description))")
            }
            try self.init(parsedKey: key, parsedChain: chain)
        } catch { throw TransportError("cannot use the renewed certificate", because: error) }
    }
}
