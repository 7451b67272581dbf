/// `GET /v1/certificates`, newest first; `GET /v1/certificates/SERIAL`.
package struct CertificateRow: Hashable, Sendable, Codable {
    package enum State: String, Codable, Hashable, Sendable, CaseIterable {
        /// The newest of its identity, and believed.
        case current
        /// Believed until it ends, though its identity has a newer one.
        case superseded
        /// By its serial number or with its identity.
        case revoked
        case expired
    }

    /// Lower-case hex.
    package var serial: String
    package var identity: SPIFFEID
    package var state: State
    package var notBefore: Instant
    package var notAfter: Instant
    /// `sha256:…` of the SubjectPublicKeyInfo.
    package var key: String
    /// The invitation that it was issued for; nil for a renewal.
    package var invitation: String?
    /// DER in Base64; of one certificate only, not in lists.
    package var certificate: String?

    package init(
        serial: String, identity: SPIFFEID, state: State, notBefore: Instant, notAfter: Instant, key: String,
        invitation: String?, certificate: String? = nil
    ) {
        self.serial = serial
        self.identity = identity
        self.state = state
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.key = key
        self.invitation = invitation
        self.certificate = certificate
    }
}

/// `POST /v1/certificates/revoke`: one certificate by its serial number. Its identity keeps what it has besides.
package struct CertificateRevocationRequest: Hashable, Sendable, Codable {
    package var serial: String
    package var why: String?

    package init(serial: String, why: String? = nil) {
        self.serial = serial
        self.why = why
    }
}

/// An identity whose newest certificate ends soon: its renewal fails, or nobody is there to renew it.
package struct ExpiringCertificate: Hashable, Sendable, Codable {
    package var identity: SPIFFEID
    package var notAfter: Instant

    package init(identity: SPIFFEID, notAfter: Instant) {
        self.identity = identity
        self.notAfter = notAfter
    }
}

/// `POST /v1/certificates/renew`: a new certificate for the identity that asks, over its present one.
package struct RenewRequest: Hashable, Sendable, Codable {
    /// PKCS#10 DER in Base64 (RFC 2986), of a new key.
    package var csr: String

    package init(csr: String) { self.csr = csr }
}

/// `POST /v1/certificates/nonce` on the front listener; the request is `{}`.
package struct RenewalNonceRequest: Hashable, Sendable, Codable {
    package init() {}
}

package struct RenewalNonce: Hashable, Sendable, Codable {
    /// Base64url of 32 random bytes; good once.
    package var nonce: String
    package var expires: Instant

    package init(nonce: String, expires: Instant) {
        self.nonce = nonce
        self.expires = expires
    }
}

/// `POST /v1/certificates/renew-expired` on the front listener: an answer as for `RenewRequest`, for who holds the key of a
/// certificate that ended at most 14 days ago.
package struct ExpiredRenewRequest: Hashable, Sendable, Codable {
    /// The certificate that ended, DER in Base64.
    package var certificate: String
    package var nonce: String
    /// PKCS#10 DER in Base64, of a new key.
    package var csr: String
    /// The old key's over `signedBytes`, in Base64.
    package var signature: String

    package init(certificate: String, nonce: String, csr: String, signature: String) {
        self.certificate = certificate
        self.nonce = nonce
        self.csr = csr
        self.signature = signature
    }

    /// What the old key signs: nothing else that it ever signs begins like this, and the new key cannot be exchanged.
    package static func signedBytes(nonce: String, csr: String) -> [UInt8] {
        Array("nave renewal of an expired certificate v1\n\(nonce)\n\(csr)\n".utf8)
    }
}
