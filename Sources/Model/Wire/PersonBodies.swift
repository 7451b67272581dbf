/// `GET /v1/users`: who was invited or enrolled as a person, by address.
package struct UserRow: Hashable, Sendable, Codable {
    package struct HeldRole: Hashable, Sendable, Codable {
        package var role: Role
        /// Nil for the organization.
        package var zone: String?

        package init(role: Role, zone: String?) {
            self.role = role
            self.zone = zone
        }
    }

    package var identity: SPIFFEID
    /// As the person was invited; nil for owners whom no invitation made, and after erasure.
    package var address: String?
    /// Whether there was an address that was erased.
    package var isErased: Bool
    /// Those of the organization first, then by zone.
    package var roles: [HeldRole]
    package var enrolment: MemberRow.Enrolment
    package var certificateUntil: Instant?

    package init(
        identity: SPIFFEID, address: String?, isErased: Bool, roles: [HeldRole], enrolment: MemberRow.Enrolment,
        certificateUntil: Instant?
    ) {
        self.identity = identity
        self.address = address
        self.isErased = isErased
        self.roles = roles
        self.enrolment = enrolment
        self.certificateUntil = certificateUntil
    }
}

/// `POST /v1/persons/erase`: forget a person.
package struct EraseRequest: Hashable, Sendable, Codable {
    package var address: String
    /// Kept with the entry; it must not name the person again.
    package var why: String

    package init(address: String, why: String) {
        self.address = address
        self.why = why
    }
}

package struct EraseAnswer: Hashable, Sendable, Codable {
    /// Ledger index of the last entry; nil when the ledger knew nothing of the person any more.
    package var index: Int64?
    /// What enrolled under the address; revoked with the erasure.
    package var identities: [SPIFFEID]
    /// Texts that were deleted: addresses, and free texts that named the person.
    package var disclosures: Int64
    /// Frozen evidence of reviews that names a pseudonym since.
    package var evidence: Int64

    package init(index: Int64?, identities: [SPIFFEID], disclosures: Int64, evidence: Int64) {
        self.index = index
        self.identities = identities
        self.disclosures = disclosures
        self.evidence = evidence
    }
}
