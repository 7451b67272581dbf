import Model
import NIOConcurrencyHelpers
import Trust

/// Issues certificates: leaves by the intermediate of their trust domain, and, where the root's key lies here, a zone's
/// intermediate when the zone first appears. Every leaf is built from the hub's template and judged by `CertificateRules` before it leaves.
package final class Authority: Sendable {
    package static let leafValidity = Milliseconds.days(7)

    package let organization: String
    package let root: Certificate
    private let directory: HubDirectory
    /// Nil where the root is offline: then intermediates come from elsewhere.
    private let rootAuthority: CertificateAuthority?
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
        root = try directory.certificate("root")
        rootAuthority = directory.holdsKey("root") ? try directory.authority("root") : nil
        var found = [organization: try directory.authority("organization")]
        for zone in try directory.zonesWithAuthority() {
            found["\(zone).\(organization)"] = try directory.authority("zones/\(zone)")
        }
        intermediates = NIOLockedValueBox(found)
    }

    /// Makes the root and the organization's own intermediate in an empty directory.
    static func create(in directory: HubDirectory, organization: String, now: Instant) throws {
        let root = try CertificateAuthority.makeRoot(
            organization: organization, name: "\(organization) root 1", key: try directory.newAuthorityKey("root"),
            serial: try randomBytes(16), now: now)
        try directory.keep(root.certificate, as: "root")
        let intermediate = try root.issueIntermediate(
            domain: organization, publicKey: try directory.newAuthorityKey("organization").publicKey,
            serial: try randomBytes(16), now: now)
        try directory.keep(intermediate, as: "organization")
    }

    /// False where every new zone needs an intermediate that was signed elsewhere.
    package var holdsRootKey: Bool { rootAuthority != nil }

    /// Gives a zone its intermediate, unless it has one, or the root is offline: then the zone stays without one.
    package func ensureZone(_ zone: String, now: Instant) throws {
        guard let rootAuthority else { return }
        let domain = "\(zone).\(organization)"
        try intermediates.withLockedValue { found in
            guard found[domain] == nil else { return }
            // The certificate makes the pair count: if the process dies before it is there, the key is made anew.
            let key = try directory.newAuthorityKey("zones/\(zone)")
            let certificate = try rootAuthority.issueIntermediate(
                domain: domain, publicKey: key.publicKey, serial: try randomBytes(16), now: now)
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
            throw HubError(
                .conflict, "no-intermediate", "no CA here signs for \(quoted(identity.trustDomain))",
                hint: holdsRootKey ? nil : "the root is offline: it has to sign an intermediate for the zone first")
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
