import Model
import Trust

/// What is revoked, as every row of a list looks it up.
package struct Revocations: Hashable, Sendable {
    /// Serial numbers.
    package let serials: Set<String>
    /// Identities whose certificates issued before the moment are not believed.
    package let identities: [SPIFFEID: Instant]

    init(_ state: RegistryState) {
        serials = Set(state.revokedSerials)
        identities = Dictionary(
            state.revokedIdentities.map { ($0.identity, $0.issuedBefore) }, uniquingKeysWith: max)
    }

    /// By its serial number, or with its identity.
    package func contains(_ issued: CertificateIssued) -> Bool {
        if serials.contains(issued.serial) { return true }
        guard let before = identities[issued.identity] else { return false }
        return CertificateAuthority.wasIssued(from: issued.notBefore, before: before)
    }
}
