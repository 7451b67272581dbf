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
