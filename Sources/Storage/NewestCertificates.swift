import Model

/// The newest certificate of every identity: a dictionary in many small parts, so that a commit copies those that it changes
/// and leaves the others to the snapshot before. Each certificate is held by reference: a copied part counts it once, not
/// once for each of its texts.
package struct NewestCertificates: Sendable {
    private final class Held: Sendable {
        let issued: CertificateIssued

        init(_ issued: CertificateIssued) { self.issued = issued }
    }

    /// By the identity's text.
    private var parts = [[String: Held]](repeating: [:], count: 4096)

    init(_ certificates: [CertificateIssued]) {
        for certificate in certificates { insert(certificate) }
    }

    package subscript(identity: SPIFFEID) -> CertificateIssued? { parts[index(identity)][identity.description]?.issued }

    package var values: [CertificateIssued] { parts.flatMap { $0.values.map(\.issued) } }
    package var isEmpty: Bool { parts.allSatisfy(\.isEmpty) }

    mutating func insert(_ issued: CertificateIssued) {
        parts[index(issued.identity)][issued.identity.description] = Held(issued)
    }

    private func index(_ identity: SPIFFEID) -> Int { Int(UInt(bitPattern: identity.hashValue) % UInt(parts.count)) }
}
