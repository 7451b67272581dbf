/// `POST /v1/invitations`: who may enrol under which name.
package struct InvitationRequest: Hashable, Sendable, Codable {
    package var kind: Invitation.Kind
    /// Nil for users.
    package var zone: String?
    /// Of the spoke or client; nil for users, who get an opaque id.
    package var name: String?
    /// A user's address.
    package var address: String?
    package var validFor: Milliseconds?
    /// Whether a name that was revoked is given again.
    package var replace: Bool?
    package var why: String?

    package init(
        kind: Invitation.Kind, zone: String? = nil, name: String? = nil, address: String? = nil,
        validFor: Milliseconds? = nil, replace: Bool? = nil, why: String? = nil
    ) {
        self.kind = kind
        self.zone = zone
        self.name = name
        self.address = address
        self.validFor = validFor
        self.replace = replace
        self.why = why
    }
}

package struct InvitationAnswer: Hashable, Sendable, Codable {
    /// `nave-join:…`, one line; the only time the secret is shown.
    package var token: String
    package var identity: SPIFFEID
    package var expires: Instant

    package init(token: String, identity: SPIFFEID, expires: Instant) {
        self.token = token
        self.identity = identity
        self.expires = expires
    }
}

/// `POST /v1/enroll` on the front listener: a token's secret, what the token says it is for, and a request for a certificate.
package struct EnrolRequest: Hashable, Sendable, Codable {
    /// Base64url, as the token carries it.
    package var secret: String
    /// The token's words. A token that was altered must not be spent on something else than its holder believes.
    package var kind: Invitation.Kind
    package var zone: String?
    package var name: String
    /// PKCS#10 DER in Base64 (RFC 2986). Only its key and proof of possession are believed.
    package var csr: String

    package init(secret: String, kind: Invitation.Kind, zone: String?, name: String, csr: String) {
        self.secret = secret
        self.kind = kind
        self.zone = zone
        self.name = name
        self.csr = csr
    }
}

package struct EnrolAnswer: Hashable, Sendable, Codable {
    package var identity: SPIFFEID
    /// Leaf and intermediate, PEM.
    package var chain: String
    package var notAfter: Instant
    /// The trust manifest's DSSE envelope as JSON.
    package var manifest: JSON
    /// The mTLS listener: `https://h1.hub.corp.example:8443`, whose name is to be checked.
    package var hub: String
    /// Where to dial for it: `HOST:PORT`.
    package var address: String
    /// For people: of the organization, where it names one. Their files have to be of the same.
    package var environment: String?

    package init(
        identity: SPIFFEID, chain: String, notAfter: Instant, manifest: JSON, hub: String, address: String,
        environment: String? = nil
    ) {
        self.identity = identity
        self.chain = chain
        self.notAfter = notAfter
        self.manifest = manifest
        self.hub = hub
        self.address = address
        self.environment = environment
    }
}

/// `POST /v1/identities/revoke`: one identity, or whatever enrolled under a person's address.
package struct RevocationRequest: Hashable, Sendable, Codable {
    package var identity: SPIFFEID?
    /// A person's, as they were invited; then there is no identity.
    package var address: String?
    package var why: String?

    package init(identity: SPIFFEID, why: String? = nil) {
        self.identity = identity
        self.why = why
    }

    package init(address: String, why: String? = nil) {
        self.address = address
        self.why = why
    }
}

/// What a changing request did.
package struct ChangeAnswer: Hashable, Sendable, Codable {
    /// Ledger index of the last entry it appended; nil when there was nothing to do.
    package var index: Int64?
    /// Spokes whose bundle it changed, full names.
    package var spokes: [String]

    package init(index: Int64?, spokes: [String] = []) {
        self.index = index
        self.spokes = spokes
    }
}
