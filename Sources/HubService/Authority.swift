import Model
import NIOConcurrencyHelpers
import Trust

/// Issues certificates: leaves by the intermediate of their trust domain, and a zone's intermediate by the root when the
/// zone first appears. Every leaf is built from the hub's template and judged by `CertificateRules` before it leaves.
package final class Authority: Sendable {
    package static let leafValidity = Milliseconds.days(7)

    package let organization: String
    package let root: Certificate
    private let directory: HubDirectory
    private let rootAuthority: CertificateAuthority
    /// By trust domain.
    private let intermediates: NIOLockedValueBox<[String: CertificateAuthority]>

    package struct Leaf: Sendable {
        package var certificate: Certificate
        /// Leaf and intermediate.
        package var chain: [Certificate]

        package var chainPEM: String { chain.map(\.pem).joined() }
    }

    /// Reads the keys of a data directory.
    package init(directory: HubDirectory, organization: String) throws {
        self.directory = directory
        self.organization = organization
        rootAuthority = try directory.authority("root")
        root = rootAuthority.certificate
        var found = [organization: try directory.authority("organization")]
        for zone in try directory.zonesWithAuthority() {
            found["\(zone).\(organization)"] = try directory.authority("zones/\(zone)")
        }
        intermediates = NIOLockedValueBox(found)
    }

    /// Makes the root and the organization's own intermediate in an empty directory.
    static func create(in directory: HubDirectory, organization: String, now: Instant) throws {
        let rootKey = try PrivateKey.generateP256()
        let root = try CertificateAuthority.makeRoot(
            organization: organization, name: "\(organization) root 1", key: rootKey, serial: try randomBytes(16),
            now: now)
        try directory.keep(rootKey, as: "root")
        try directory.keep(root.certificate, as: "root")
        let key = try PrivateKey.generateP256()
        let intermediate = try root.issueIntermediate(
            domain: organization, publicKey: key.publicKey, serial: try randomBytes(16), now: now)
        try directory.keep(key, as: "organization")
        try directory.keep(intermediate, as: "organization")
    }

    /// Gives a zone its intermediate, unless it has one.
    package func ensureZone(_ zone: String, now: Instant) throws {
        let domain = "\(zone).\(organization)"
        try intermediates.withLockedValue { found in
            guard found[domain] == nil else { return }
            let key = try PrivateKey.generateP256()
            let certificate = try rootAuthority.issueIntermediate(
                domain: domain, publicKey: key.publicKey, serial: try randomBytes(16), now: now)
            // The certificate makes the pair count: if the process dies before it is there, the key is made anew.
            try directory.keep(key, as: "zones/\(zone)")
            try directory.keep(certificate, as: "zones/\(zone)")
            found[domain] = try CertificateAuthority(certificate: certificate, key: key)
        }
    }

    /// - Parameter dns: The one DNS name of a serving leaf.
    /// - Throws: `no-intermediate` for a domain that is not this organization's; what `CertificateAuthority` throws.
    package func issue(
        _ kind: CertificateTemplate.Kind, to identity: SPIFFEID, dns: String? = nil, key: PublicKey,
        validity: Milliseconds = leafValidity, now: Instant
    ) throws -> Leaf {
        guard let authority = intermediates.withLockedValue({ $0[identity.trustDomain] }) else {
            throw HubError(.conflict, "no-intermediate", "no CA here signs for \(quoted(identity.trustDomain))")
        }
        let template = CertificateTemplate(
            kind: kind, id: identity, dns: dns, publicKey: key, validity: validity, serial: try randomBytes(16))
        let leaf = try authority.issueLeaf(template, now: now)
        return Leaf(certificate: leaf, chain: [leaf, authority.certificate])
    }

    /// The CA that signs for a trust domain.
    package func intermediate(of domain: String) -> CertificateAuthority? {
        intermediates.withLockedValue { $0[domain] }
    }

    /// The chain of a certificate that was issued before.
    package func chain(of certificate: Certificate, identity: SPIFFEID) -> Leaf {
        let intermediate = intermediates.withLockedValue { $0[identity.trustDomain]?.certificate }
        return Leaf(certificate: certificate, chain: [certificate] + (intermediate.map { [$0] } ?? []))
    }
}

extension CertificateIssued {
    init(_ certificate: Certificate, identity: SPIFFEID, invitation: String?) {
        self.init(
            identity: identity, serial: certificate.serial, notBefore: certificate.notBefore,
            notAfter: certificate.notAfter, key: certificate.publicKey.spkiDigest,
            certificate: Base64.encode(certificate.der), invitation: invitation)
    }
}
