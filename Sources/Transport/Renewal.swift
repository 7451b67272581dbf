import Model
import Trust

extension HubClient {
    /// Asks for a new certificate of our own identity. To be done from the third day of a leaf that lives seven.
    /// - Parameter key: A new key, made where it is used.
    /// - Throws: `forbidden`, `not-registered`, `client-ended`, `weak-key`, and what `post` throws.
    package func renew(with key: PrivateKey) async throws(TransportError) -> EnrolAnswer {
        let csr: [UInt8]
        do throws(TrustError) {
            csr = try CertificateRequest.make(key: key)
        } catch { throw TransportError("cannot ask for a new certificate", because: error) }
        return try await post(
            "/v1/certificates/renew", RenewRequest(csr: Base64.encode(csr)), as: EnrolAnswer.self)
    }
}
