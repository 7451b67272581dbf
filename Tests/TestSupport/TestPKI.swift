import Model
import Trust

/// The certificates and keys of one organization at a fixed moment, made by the same code as the hub's. Keys differ from
/// run to run; everything else is the same.
package struct TestPKI: Sendable {
    /// 2026-11-21T12:00:00.000Z. Every certificate begins five minutes before it.
    package static let now = Instant(milliseconds: 1_795_262_400_000)

    /// A leaf with its key and the chain that its holder shows.
    package struct Identity: Sendable {
        package let key: PrivateKey
        /// The leaf, then the intermediate.
        package let chain: [Certificate]

        package var leaf: Certificate { chain[0] }
        package var chainDER: [[UInt8]] { chain.map(\.der) }
        package var chainPEM: String { chain.map(\.pem).joined() }
    }

    package let organization: String
    /// When it was made.
    package let now: Instant
    package let root: CertificateAuthority
    package let rootKey: PrivateKey
    /// By trust domain: the organization's own and one for each zone.
    package let intermediates: [String: CertificateAuthority]
    /// Ed25519 keys of the trust manifest's roles, the same in every run.
    package let signingKeys: [TrustRole: PrivateKey]

    /// - Parameter now: Another moment only where a TLS library checks times by the real clock.
    package init(
        organization: String = "corp.example", zones: [String] = ["finance", "analytics"], now: Instant = TestPKI.now
    ) throws {
        self.organization = organization
        self.now = now
        rootKey = try PrivateKey.generateP256()
        root = try CertificateAuthority.makeRoot(
            organization: organization, name: "\(organization) test root", key: rootKey,
            serial: Self.serial(of: rootKey), now: now)
        var intermediates: [String: CertificateAuthority] = [:]
        for domain in [organization] + zones.map({ "\($0).\(organization)" }) {
            let key = try PrivateKey.generateP256()
            let certificate = try root.issueIntermediate(
                domain: domain, publicKey: key.publicKey, serial: Self.serial(of: key), now: now)
            intermediates[domain] = try CertificateAuthority(certificate: certificate, key: key)
        }
        self.intermediates = intermediates
        var signingKeys: [TrustRole: PrivateKey] = [:]
        for role in TrustRole.allCases {
            let seed = SHA256.hash(Array("\(organization) \(role.rawValue)".utf8))
            signingKeys[role] = try PrivateKey(ed25519Seed: seed)
        }
        self.signingKeys = signingKeys
    }

    /// A leaf of a new key, valid for seven days of `now`.
    package func identity(
        _ kind: CertificateTemplate.Kind, _ id: String, dns: String? = nil, validity: Milliseconds = .days(7),
        now: Instant? = nil
    ) throws -> Identity {
        let id = try SPIFFEID(id)
        guard let authority = intermediates[id.trustDomain] else {
            throw TrustError("unknown-trust-domain", "the test PKI has no intermediate for `\(id.trustDomain)`")
        }
        let key = try PrivateKey.generateP256()
        let leaf = try authority.issueLeaf(
            CertificateTemplate(
                kind: kind, id: id, dns: dns, publicKey: key.publicKey, validity: validity, serial: Self.serial(of: key)
            ),
            now: now ?? self.now)
        return Identity(key: key, chain: [leaf, authority.certificate])
    }

    /// The hub's serving leaf: `spiffe://corp.example/hub/h1`, `h1.hub.corp.example`.
    package func hub(_ name: String = "h1") throws -> Identity {
        try identity(.serving, "spiffe://\(organization)/hub/\(name)", dns: "\(name).hub.\(organization)")
    }

    /// `spiffe://finance.corp.example/spoke/fin-1`, `fin-1.finance.corp.example`.
    package func spoke(_ zone: String, _ name: String) throws -> Identity {
        let domain = "\(zone).\(organization)"
        return try identity(.spoke, "spiffe://\(domain)/spoke/\(name)", dns: "\(name).\(domain)")
    }

    /// `spiffe://analytics.corp.example/client/reporting-bot`.
    package func client(_ zone: String, _ name: String) throws -> Identity {
        try identity(.client, "spiffe://\(zone).\(organization)/client/\(name)")
    }

    /// `spiffe://corp.example/user/u1`.
    package func user(_ name: String) throws -> Identity {
        try identity(.client, "spiffe://\(organization)/user/\(name)")
    }

    /// The root, once for each trust domain.
    package var anchors: [String: [Certificate]] { intermediates.mapValues { _ in [root.certificate] } }

    package func verifier(
        denied: Set<String> = [], deniedIdentities: [SPIFFEID: Instant] = [:]
    ) throws -> PeerVerifier {
        try PeerVerifier(anchors: anchors, denied: denied, deniedIdentities: deniedIdentities)
    }

    /// A trust manifest with one key a role and threshold 1, in force for a year.
    package func manifest(version: Int64 = 1) throws -> TrustManifest {
        try TrustManifest(
            version: version, expires: now + .days(365), organization: organization,
            origin: "\(organization)/nave/1", roots: [root.certificate],
            roleKeys: { role in (signingKeys[role].map { [$0.publicKey] } ?? [], 1) })
    }

    /// Version 1, signed.
    package func firstManifest() throws -> DSSEEnvelope {
        try manifest().signed(by: [signingKeys[.manifest]].compactMap { $0 })
    }

    /// Sixteen bytes that differ from key to key.
    package static func serial(of key: PrivateKey) -> [UInt8] {
        Array(SHA256.hash(key.publicKey.spkiDER).prefix(16))
    }
}
