/// `GET /v1/authorities`: the root first, then the organization's, then the zones'; the newest of a name first.
package struct AuthorityRow: Hashable, Sendable, Codable {
    /// `root`, `organization`, or a zone's name.
    package var name: String
    package var state: AuthorityState
    /// Lower-case hex; nil while it is only requested.
    package var serial: String?
    /// `sha256:…` of the SubjectPublicKeyInfo.
    package var key: String
    package var notAfter: Instant?
    /// Identities whose newest certificate hangs on it, neither revoked nor ended.
    package var leaves: Int
    /// Of a root: whether the trust manifest in force names it.
    package var isInManifest: Bool?

    package init(
        name: String, state: AuthorityState, serial: String?, key: String, notAfter: Instant?, leaves: Int,
        isInManifest: Bool? = nil
    ) {
        self.name = name
        self.state = state
        self.serial = serial
        self.key = key
        self.notAfter = notAfter
        self.leaves = leaves
        self.isInManifest = isInManifest
    }
}

/// `POST /v1/authorities/NAME/prepare`, `/activate`, `/taint`, `/retire`.
package struct AuthorityRequest: Hashable, Sendable, Codable {
    package var why: String?
    /// Say what would be done, and do nothing.
    package var dryRun: Bool?
    /// `retire` only: whatever still hangs on it.
    package var force: Bool?
    /// `prepare` only: what an offline root made of the request, PEM; of `root`, the certificate of one that was made
    /// elsewhere.
    package var certificate: String?
    /// `prepare` of such a root: its key certified by the root of now, PEM.
    package var cross: String?
    /// `activate` of such a root: what it made of the requests, PEM, one certificate each.
    package var certificates: [String]?

    package init(
        why: String? = nil, dryRun: Bool? = nil, force: Bool? = nil, certificate: String? = nil, cross: String? = nil,
        certificates: [String]? = nil
    ) {
        self.why = why
        self.dryRun = dryRun
        self.force = force
        self.certificate = certificate
        self.cross = cross
        self.certificates = certificates
    }
}

/// What a root that lies elsewhere is to sign for one authority.
package struct AuthoritySigningRequest: Hashable, Sendable, Codable {
    /// `organization`, or a zone's name.
    package var name: String
    /// The trust domain to sign for.
    package var domain: String
    /// PKCS#10, PEM.
    package var request: String

    package init(name: String, domain: String, request: String) {
        self.name = name
        self.domain = domain
        self.request = request
    }
}

package struct AuthorityAnswer: Hashable, Sendable, Codable {
    /// Ledger index of the last entry; nil when there was nothing to do, or nothing was done.
    package var index: Int64?
    /// The authorities that the step concerns, as they stand after it.
    package var authorities: [AuthorityRow]
    /// Identities whose newest certificate still hangs on what the step taints or retires.
    package var holders: [SPIFFEID]
    /// `prepare` without the root's key: the PKCS#10 request to be signed, PEM.
    package var request: String?
    /// `prepare` of a root whose key is elsewhere: what it is to sign before it is activated.
    package var requests: [AuthoritySigningRequest]?
    /// `prepare` and `retire` of a root: the next trust manifest, a DSSE envelope without signatures.
    package var manifest: JSON?

    package init(
        index: Int64?, authorities: [AuthorityRow], holders: [SPIFFEID] = [], request: String? = nil,
        requests: [AuthoritySigningRequest]? = nil, manifest: JSON? = nil
    ) {
        self.index = index
        self.authorities = authorities
        self.holders = holders
        self.request = request
        self.requests = requests
        self.manifest = manifest
    }
}

/// Event `renew` of a spoke's stream: whoever shows a certificate under one of these authorities renews now.
package struct RenewNotice: Hashable, Sendable, Codable {
    /// Serial numbers of intermediates, and `sha256:…` of their keys.
    package var issuers: [String]

    package init(issuers: [String]) { self.issuers = issuers }
}
