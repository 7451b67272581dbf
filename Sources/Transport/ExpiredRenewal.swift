import Model
import Trust

extension FrontClient {
    /// Renews a certificate that has ended, with a signature by its key over a nonce of the hub.
    /// - Parameters:
    ///   - identity: The old key and certificates.
    ///   - key: A new key, made where it is used.
    ///   - hub: `https://h1.hub.corp.example:8443`, the name to be checked.
    ///   - front: Where to dial the front listener.
    /// - Throws: `expired`, `revoked`, `not-registered`, `unknown-certificate`, `bad-nonce`, and what `post` throws.
    package static func renew(
        _ identity: TLSIdentity, with key: PrivateKey, hub: String, front: String, roots: [Certificate]
    ) async throws(TransportError) -> EnrolAnswer {
        let client = try HubClient(hub: hub, address: front, identity: nil, roots: roots)
        return try await client.closed { client throws(TransportError) in
            try await renew(identity, with: key, over: client)
        }
    }

    private static func renew(
        _ identity: TLSIdentity, with key: PrivateKey, over client: HubClient
    ) async throws(TransportError) -> EnrolAnswer {
        let nonce = try await client.post("/v1/certificates/nonce", RenewalNonceRequest(), as: RenewalNonce.self).nonce
        let request: ExpiredRenewRequest
        do throws(TrustError) {
            let csr = Base64.encode(try CertificateRequest.make(key: key))
            request = ExpiredRenewRequest(
                certificate: Base64.encode(identity.leaf.der), nonce: nonce, csr: csr,
                signature: Base64.encode(
                    try identity.key.sign(ExpiredRenewRequest.signedBytes(nonce: nonce, csr: csr))))
        } catch { throw TransportError("cannot ask for a new certificate", because: error) }
        return try await client.post("/v1/certificates/renew-expired", request, as: EnrolAnswer.self)
    }
}
