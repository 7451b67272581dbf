import Model

/// The newest certificate of every identity: a dictionary in many small parts, so that a commit copies those that it changes
/// and leaves the others to the snapshot before.
package struct NewestCertificates: Sequence, Sendable {
    package typealias Part = [SPIFFEID: CertificateIssued]

    private var parts = [Part](repeating: [:], count: 256)

    init(_ certificates: [CertificateIssued]) {
        for certificate in certificates { self[certificate.identity] = certificate }
    }

    package internal(set) subscript(identity: SPIFFEID) -> CertificateIssued? {
        get { parts[index(identity)][identity] }
        set { parts[index(identity)][identity] = newValue }
    }

    package var values: [CertificateIssued] { parts.flatMap(\.values) }
    package var isEmpty: Bool { parts.allSatisfy(\.isEmpty) }

    package func makeIterator() -> FlattenSequence<[Part]>.Iterator { parts.joined().makeIterator() }

    private func index(_ identity: SPIFFEID) -> Int { Int(UInt(bitPattern: identity.hashValue) % UInt(parts.count)) }
}
