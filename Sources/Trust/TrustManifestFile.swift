import Model

extension TrustManifest {
    /// A manifest that whoever verifies something offline brought along: signed by its own keys, which nothing here vouches for.
    /// - Parameter bytes: JSON of its envelope.
    /// - Throws: `bad-envelope`, `bad-manifest`, and what verifying throws.
    package init(selfSigned bytes: [UInt8]) throws {
        let envelope = try DSSEEnvelope(parsing: bytes)
        let claimed = try JSONCoding.decodeCanonical(TrustManifest.self, from: Base64.decode(envelope.payload) ?? [])
        _ = try claimed.verify(envelope, payloadType: TrustManifest.payloadType, role: .manifest)
        // Checks what a signature alone does not make true.
        _ = try claimed.rootCertificates()
        self = claimed
    }
}
