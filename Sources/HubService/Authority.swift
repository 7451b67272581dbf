import Model
import NIOConcurrencyHelpers
import Storage
import Trust

/// The hub's certification authorities: issues leaves by the active intermediate of their trust domain, and intermediates by
/// the active root. Every leaf is built from the hub's template and judged by `CertificateRules` before it leaves, every CA by
/// `IntermediateRules`, `RootRules` and `CrossRules`.
///
/// The ledger says which certificate of a name is active; the directory holds the keys, and copies of certificates for
/// operators. After every entry about an authority `follow` brings keys and memory to what the ledger says, and so does the
/// next start, where the process died in between.
package final class Authority: Sendable {
    package static let leafValidity = Milliseconds.days(7)

    package let organization: String
    let directory: HubDirectory
    let held: NIOLockedValueBox<Held>

    struct Held: Sendable {
        var records: [AuthorityRecord]
        /// Of the active root; nil where it lies elsewhere.
        var rootAuthority: CertificateAuthority?
        var root: Certificate
        /// By trust domain, the active ones.
        var intermediates: [String: CertificateAuthority] = [:]
        /// Every one that the ledger names, by serial number.
        var certificates: [String: Certificate] = [:]
    }

    package struct Leaf: Sendable {
        package var certificate: Certificate
        /// Leaf, intermediate, and while a root is followed by another: that one's key under the root before it.
        package var chain: [Certificate]

        package var chainPEM: String { chain.map(\.pem).joined() }
    }

    /// Reads the keys of a data directory.
    /// - Parameter records: What the ledger says; what it does not name yet is taken from the directory.
    package init(directory: HubDirectory, organization: String, records: [AuthorityRecord] = []) throws {
        self.directory = directory
        self.organization = organization
        held = NIOLockedValueBox(try Self.read(directory, organization, records, after: nil))
    }

    /// Makes the root and the organization's own intermediate in an empty directory.
    static func create(in directory: HubDirectory, organization: String, now: Instant) throws {
        let root = try CertificateAuthority.makeRoot(
            organization: organization, name: "\(organization) root 1", key: try directory.newAuthorityKey("root"),
            serial: try randomBytes(16), now: now)
        try directory.keep(root.certificate, as: "root")
        let key = try directory.newAuthorityKey("organization").publicKey
        let intermediate = try root.judgedIntermediate(domain: organization, key: key, now: now)
        try directory.keep(intermediate, as: "organization")
    }

    /// What new chains end at and new join tokens pin.
    package var root: Certificate { held.withLockedValue { $0.root } }

    /// Where the root's key lies elsewhere, intermediates are requested.
    package var holdsRootKey: Bool { held.withLockedValue { $0.rootAuthority != nil } }

    /// Gives a zone its first intermediate, unless it has one, or the root's key is not here: then the zone stays without.
    /// - Throws: `ends-soon`, and what making and keeping a key throws.
    package func ensureZone(_ zone: String, now: Instant) throws {
        let domain = AuthorityName(zone).domain(organization)
        try held.withLockedValue { held in
            guard held.intermediates[domain] == nil, let root = held.rootAuthority else { return }
            // One that was there once and lost its key is for its owner to replace, step by step.
            guard !held.records.contains(where: { $0.name == zone }) else { return }
            // The certificate makes the pair count: if the process dies before it is there, the key is made anew.
            let key = try directory.newAuthorityKey("zones/\(zone)")
            let certificate = try root.judgedIntermediate(domain: domain, key: key.publicKey, now: now)
            try directory.keep(certificate, as: "zones/\(zone)")
            held.intermediates[domain] = try CertificateAuthority(certificate: certificate, key: key)
        }
    }

    /// - Parameter dns: The one DNS name of a serving leaf.
    /// - Throws: `no-intermediate`; what `CertificateAuthority` throws.
    package func issue(
        _ kind: CertificateTemplate.Kind, to identity: SPIFFEID, dns: String? = nil, key: PublicKey,
        validity: Milliseconds = leafValidity, now: Instant
    ) throws -> Leaf {
        let authority = try demandIntermediate(of: identity.trustDomain)
        let template = CertificateTemplate(
            kind: kind, id: identity, dns: dns, publicKey: key, validity: validity, serial: try randomBytes(16))
        let leaf = try authority.issueLeaf(template, now: now)
        return Leaf(certificate: leaf, chain: [leaf] + above(authority.certificate))
    }

    /// The CA that signs for a trust domain.
    package func intermediate(of domain: String) -> CertificateAuthority? {
        held.withLockedValue { $0.intermediates[domain] }
    }

    /// - Throws: `no-intermediate`.
    @discardableResult
    package func demandIntermediate(of domain: String) throws(HubError) -> CertificateAuthority {
        if let authority = intermediate(of: domain) { return authority }
        let zone = String(domain.prefix { $0 != "." })
        throw HubError(
            .conflict, "no-intermediate", "no CA here signs for \(quoted(domain))",
            hint: domain == "\(zone).\(organization)" ? "`nave authority prepare \(zone)` begins one" : nil)
    }

    /// The chain of a certificate that was issued before, also by an authority that is not active any more.
    package func chain(of certificate: Certificate, identity: SPIFFEID) -> Leaf {
        let candidates = held.withLockedValue { held in
            [held.intermediates[identity.trustDomain]?.certificate].compactMap(\.self)
                + held.records.reversed().compactMap { held.certificates[$0.serial] }
        }
        let issuer = candidates.first { certificate.isIssued(by: $0) }
        return Leaf(certificate: certificate, chain: [certificate] + (issuer.map(above) ?? []))
    }

    /// The intermediate, and what leads on to the root before its own as long as that one is not retired.
    private func above(_ intermediate: Certificate) -> [Certificate] {
        held.withLockedValue { held in
            let issuer = held.records.first { $0.serial == intermediate.serial }?.issuer
            guard let root = held.records.first(where: { $0.serial == issuer }),
                let cross = root.cross.flatMap({ Base64.decode($0) }).flatMap({ try? Certificate(der: $0) }),
                held.records.contains(where: { record in
                    record.name == AuthorityName.root && [.old, .tainted].contains(record.state)
                        && held.certificates[record.serial].map { cross.isIssued(by: $0) } ?? false
                })
            else { return [intermediate] }
            return [intermediate, cross]
        }
    }
}

// MARK: following the ledger

extension Authority {
    /// Entries that tell the ledger of authorities which it does not name yet: those of `init`, and of new zones.
    /// - Parameter records: As the ledger has them. A root may have followed another since an intermediate was made: it is
    ///   recorded under the one that signed it, and not at all under one that retired.
    package func unrecorded(_ records: [AuthorityRecord]) -> [Event] {
        let (root, intermediates) = held.withLockedValue { ($0.root, $0.intermediates) }
        let known = Self.believedRoots(records)
        let roots = known.isEmpty ? [root] : known
        var missing: [(String, Certificate)] = []
        func add(_ name: String, _ certificate: Certificate) {
            if !records.contains(where: { $0.name == name }) { missing.append((name, certificate)) }
        }
        add(AuthorityName.root, root)
        for (domain, authority) in intermediates.sorted(by: { $0.key < $1.key }) {
            add(AuthorityName(ofDomain: domain, organization).text, authority.certificate)
        }
        return missing.flatMap { name, certificate -> [Event] in
            let issuer = name == AuthorityName.root ? root : roots.first { certificate.isIssued(by: $0) }
            guard let issuer else { return [] }
            return Self.events(name, certificate, issuer: issuer, cross: nil)
                + [.authorityActivated(AuthorityStep(name: name, serial: certificate.serial))]
        }
    }

    /// Those that have not retired.
    private static func believedRoots(_ records: [AuthorityRecord]) -> [Certificate] {
        records.filter { $0.name == AuthorityName.root && $0.state != .retired }
            .compactMap { try? $0.decoded() }
    }

    static func events(_ name: String, _ certificate: Certificate, issuer: Certificate, cross: Certificate?) -> [Event]
    {
        [
            .authorityPrepared(
                AuthorityPrepared(
                    name: name, serial: certificate.serial, issuer: issuer.serial,
                    certificate: Base64.encode(certificate.der), cross: cross.map { Base64.encode($0.der) }))
        ]
    }

    /// Takes over what the ledger says now: keys that waited for their turn take the place of those before, which are gone
    /// then. Does nothing where nothing changed.
    package func follow(_ records: [AuthorityRecord]) throws {
        try held.withLockedValue { held in
            guard records != held.records else { return }
            held = try Self.read(directory, organization, records, after: held)
        }
    }

    /// Whether a hub could start with the keys of a directory. Changes nothing.
    /// - Throws: `authority-key-missing`, and what opening a key throws.
    static func demandOrganizationKey(in directory: HubDirectory, _ records: [AuthorityRecord]) throws {
        let name = AuthorityName(AuthorityName.organization)
        let record = records.last { $0.name == name.text && $0.state == .active }
        let recorded = try record?.decoded()
        guard let certificate = try recorded ?? directory.certificate(name),
            try directory.heldKey(name, of: certificate) != nil
        else { throw organizationKeyMissing }
    }

    private static let organizationKeyMissing = HubError(
        .broken, "authority-key-missing",
        "the key of the organization's intermediate that the ledger names is not here",
        hint: "the keys are older or newer than the ledger: `nave-hub restore --keys` with those of its time")

    /// - Parameter known: What was held before; keys that are still in use are not read again, which takes long where they are
    ///   encrypted.
    private static func read(
        _ directory: HubDirectory, _ organization: String, _ records: [AuthorityRecord], after known: Held?
    ) throws -> Held {
        let inUse = ([known?.rootAuthority].compactMap(\.self) + (known.map { Array($0.intermediates.values) } ?? []))
        var certificates: [String: Certificate] = [:]
        for record in records {
            certificates[record.serial] =
                try known?.certificates[record.serial] ?? record.decoded()
        }
        let active = Dictionary(
            records.filter { $0.state == .active }.map { ($0.name, $0.serial) }, uniquingKeysWith: { $1 })
        let roots = believedRoots(records)
        func certificate(_ name: AuthorityName) throws -> Certificate? {
            if let serial = active[name.text] { return certificates[serial] }
            guard let made = try directory.certificate(name) else { return nil }
            // One that no entry names, whose root retired meanwhile, is nobody's: the zone gets another.
            guard !name.isZone || roots.isEmpty || roots.contains(where: made.isIssued) else { return nil }
            return made
        }
        func authority(_ name: AuthorityName) throws -> CertificateAuthority? {
            guard let certificate = try certificate(name) else { return nil }
            if let same = inUse.first(where: { $0.certificate == certificate }) { return same }
            return try directory.takeOver(name, certificate).map {
                try CertificateAuthority(certificate: certificate, key: $0)
            }
        }
        guard let root = try certificate(AuthorityName(AuthorityName.root)) else {
            throw HubError(.broken, "no-file", "the directory \(quoted(directory.path)) holds no root certificate")
        }
        var held = Held(
            records: records, rootAuthority: try authority(AuthorityName(AuthorityName.root)), root: root,
            certificates: certificates)
        if held.rootAuthority == nil {
            // Another root signs elsewhere: the key of one that it followed has nothing left to sign.
            let former = records.filter {
                $0.name == AuthorityName.root && [.old, .tainted, .retired].contains($0.state)
            }
            try directory.dropKey(
                AuthorityName(AuthorityName.root), ofAnyOf: former.compactMap { certificates[$0.serial] })
        }
        guard let own = try authority(AuthorityName(AuthorityName.organization)) else {
            throw Self.organizationKeyMissing
        }
        held.intermediates[organization] = own
        let zones = Set(try directory.zonesWithAuthority()).union(active.keys.filter { AuthorityName($0).isZone })
        for zone in zones.sorted() {
            // Without its key a zone has no authority: its owner prepares the next one.
            held.intermediates[AuthorityName(zone).domain(organization)] = try authority(AuthorityName(zone))
        }
        return held
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
