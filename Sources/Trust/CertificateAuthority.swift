import Model

/// A CA certificate and its key: a root, which signs intermediates only, or an intermediate, which signs the leaves of one
/// trust domain. Every leaf is built from a template, read again from its bytes, and judged by `CertificateRules` before it
/// leaves.
package struct CertificateAuthority: Sendable {
    /// Starts lie this far in the past, for peers whose clock is behind.
    package static let backdating = Milliseconds.minutes(5)

    /// Whether a leaf was issued before a moment, from which on no older one of its identity is believed. Its start is
    /// backdated and cut to whole seconds: a leaf of the very second counts as earlier.
    package static func wasIssued(from notBefore: Instant, before moment: Instant) -> Bool {
        notBefore + backdating < moment
    }

    package static let rootValidity = Milliseconds.days(3652)
    package static let intermediateValidity = Milliseconds.days(1095)
    package static let maximumLeafValidity = Milliseconds.days(397)

    package let certificate: Certificate
    let key: PrivateKey

    /// - Throws: `not-a-ca`, `wrong-key`.
    package init(certificate: Certificate, key: PrivateKey) throws(TrustError) {
        guard certificate.isCA, certificate.keyUsage?.contains(.keyCertSign) ?? false else {
            throw TrustError("not-a-ca", "the certificate of \(backticked(certificate.subject)) is not a CA's")
        }
        guard certificate.publicKey == key.publicKey else {
            throw TrustError(
                "wrong-key", "the key is not that of the certificate of \(backticked(certificate.subject))")
        }
        self.certificate = certificate
        self.key = key
    }

    /// The one domain that an intermediate signs for; nil for a root, also for one that is bound to an organization.
    package var domain: String? {
        guard let domains = certificate.nameConstraints?.uriDomains, domains.count == 1 else { return nil }
        return domains[0]
    }

    /// A root for ten years, path length 1.
    /// - Parameters:
    ///   - organization: The organization's domain, `corp.example`.
    ///   - name: What people call this root, such as `Example Corp root 2026`.
    ///   - isConstrained: Whether it says of itself that it stands for the organization's domains only.
    ///   - serial: 16 to 20 random bytes.
    /// - Throws: `bad-template`, `weak-key`.
    package static func makeRoot(
        organization: String, name: String, key: PrivateKey, isConstrained: Bool = false, serial: [UInt8], now: Instant
    ) throws(TrustError) -> CertificateAuthority {
        var draft = try rootDraft(organization: organization, name: name, key: key, serial: serial, now: now)
        if isConstrained { draft.nameConstraints = NameConstraints(organization: organization) }
        return try CertificateAuthority(certificate: try draft.signed(by: key, issuer: nil), key: key)
    }

    /// A request for a root that another CA signs, as PEM: it asks for a CA of the organization and no more.
    /// - Throws: As `makeRoot`.
    package static func requestRoot(
        organization: String, name: String, key: PrivateKey, serial: [UInt8], now: Instant
    ) throws(TrustError) -> String {
        var draft = try rootDraft(organization: organization, name: name, key: key, serial: serial, now: now)
        draft.nameConstraints = NameConstraints(organization: organization)
        return try CertificateRequest.makePEM(key: key, like: try draft.signed(by: key, issuer: nil))
    }

    private static func rootDraft(
        organization: String, name: String, key: PrivateKey, serial: [UInt8], now: Instant
    ) throws(TrustError) -> CertificateDraft {
        guard isDomainName(organization), !name.isEmpty else {
            throw TrustError("bad-template", "\(backticked(organization)) is not the domain of an organization")
        }
        try demandP256(key.publicKey)
        var draft = CertificateDraft(
            organization: organization, commonName: name, serial: try dated(serial, now), notBefore: now - backdating,
            notAfter: now + rootValidity, publicKey: key.publicKey, keyUsage: [.keyCertSign, .crlSign])
        draft.isCA = true
        draft.pathLength = 1
        return draft
    }

    /// When an intermediate ends that is issued now.
    package func intermediateEnd(now: Instant) -> Instant { min(now + Self.intermediateValidity, certificate.notAfter) }

    /// The certificate of an intermediate for one trust domain: three years, path length 0, critical name constraints on
    /// every name type.
    /// - Throws: `bad-template`, `weak-key`, `not-a-root`, `expired`.
    package func issueIntermediate(
        domain: String, publicKey: PublicKey, serial: [UInt8], now: Instant
    ) throws(TrustError) -> Certificate {
        guard isDomainName(domain) else {
            throw TrustError("bad-template", "\(backticked(domain)) is not a trust domain")
        }
        guard self.domain == nil, certificate.pathLength != 0 else {
            throw TrustError("not-a-root", "\(backticked(certificate.subject)) signs leaves, not intermediates")
        }
        try Self.demandP256(publicKey)
        try demandValid(at: now)
        let end = intermediateEnd(now: now)
        var draft = CertificateDraft(
            organization: domain,
            commonName: "Nave intermediate \(Hex.encode(SHA256.hash(publicKey.spkiDER).prefix(4)))",
            serial: try Self.dated(serial, now), notBefore: now - Self.backdating, notAfter: end, publicKey: publicKey,
            keyUsage: [.keyCertSign, .crlSign])
        draft.isCA = true
        draft.pathLength = 0
        draft.nameConstraints = NameConstraints(domain: domain)
        return try draft.signed(by: key, issuer: certificate)
    }

    /// The key of the root that follows this one, certified by this one: who knows only this root finds a path to what the
    /// next one signs ("new with old" of RFC 4210, section 4.4). Both have one name, so that it is self-issued and no step
    /// of a path's length (RFC 5280, section 4.2.1.9).
    /// - Throws: `bad-template`, `not-a-root`, `expired`.
    package func crossCertify(_ next: Certificate, serial: [UInt8], now: Instant) throws(TrustError) -> Certificate {
        guard domain == nil, certificate.pathLength != 0 else {
            throw TrustError("not-a-root", "\(backticked(certificate.subject)) is no root")
        }
        guard next.subject == certificate.subject, next.isAnchor else {
            throw TrustError(
                "bad-template", "\(backticked(next.subject)) is no root named \(backticked(certificate.subject))")
        }
        try demandValid(at: now)
        var draft = CertificateDraft(
            organization: "", commonName: "", serial: try Self.dated(serial, now), notBefore: now - Self.backdating,
            notAfter: min(next.notAfter, certificate.notAfter), publicKey: next.publicKey,
            keyUsage: [.keyCertSign, .crlSign])
        draft.subjectOf = next
        // What it signs names its key as it names it itself; who else signed it may have chosen another identifier than we.
        draft.subjectKeyID = next.subjectKeyID
        draft.isCA = true
        draft.pathLength = certificate.pathLength
        draft.nameConstraints = next.nameConstraints
        return try draft.signed(by: key, issuer: certificate)
    }

    /// The root that follows this one, under the same name with another key.
    /// - Throws: As `makeRoot`, and `not-a-root`.
    package func makeSuccessor(key: PrivateKey, serial: [UInt8], now: Instant) throws(TrustError)
        -> CertificateAuthority
    {
        guard domain == nil, certificate.pathLength != 0 else {
            throw TrustError("not-a-root", "\(backticked(certificate.subject)) is no root")
        }
        try Self.demandP256(key.publicKey)
        var draft = CertificateDraft(
            organization: "", commonName: "", serial: try Self.dated(serial, now), notBefore: now - Self.backdating,
            notAfter: now + Self.rootValidity, publicKey: key.publicKey, keyUsage: [.keyCertSign, .crlSign])
        draft.subjectOf = certificate
        draft.isCA = true
        draft.pathLength = 1
        return try CertificateAuthority(certificate: try draft.signed(by: key, issuer: nil), key: key)
    }

    /// A leaf of this intermediate's domain.
    /// - Throws: `bad-template`, `weak-key`, `expired`, `foreign-trust-domain`, `not-an-intermediate`, and what
    ///   `CertificateRules` says.
    package func issueLeaf(_ template: CertificateTemplate, now: Instant) throws(TrustError) -> Certificate {
        guard domain != nil else {
            throw TrustError("not-an-intermediate", "\(backticked(certificate.subject)) is bound to no trust domain")
        }
        guard template.validity > Milliseconds(0), template.validity <= Self.maximumLeafValidity else {
            throw TrustError("bad-template", "a leaf lives up to \(Self.maximumLeafValidity), not \(template.validity)")
        }
        try Self.demandP256(template.publicKey)
        try demandValid(at: now)
        var draft = CertificateDraft(
            organization: template.id.trustDomain, commonName: template.id.name,
            serial: try Self.dated(template.serial, now),
            notBefore: now - Self.backdating, notAfter: min(now + template.validity, certificate.notAfter),
            publicKey: template.publicKey, keyUsage: .digitalSignature)
        draft.names = [GeneralName(.uri, template.id.description)]
        if let dns = template.dns { draft.names.append(GeneralName(.dns, dns)) }
        draft.extendedKeyUsage = template.kind.purposes.map(\.extendedKeyUsage)
        // Read from its bytes: what was built is not what is judged.
        let leaf = try Certificate(
            leafDER: try draft.der(signedBy: key, issuer: certificate), issuer: certificate,
            expecting: template.publicKey)
        let rules = CertificateRules(
            leaf: leaf, issuer: certificate, issuerMustNameDomain: true, purposes: template.kind.purposes, now: now)
        guard try rules.judge() == template.id else {
            throw TrustError("bad-template", "the leaf does not name \(backticked(template.id.description))")
        }
        return leaf
    }

    func demandValid(at now: Instant) throws(TrustError) {
        guard now < certificate.notAfter else {
            throw TrustError("expired", "the CA \(backticked(certificate.subject)) ended at \(certificate.notAfter)")
        }
    }

    private static func demandP256(_ key: PublicKey) throws(TrustError) {
        guard key.algorithm == .p256 else {
            throw TrustError("weak-key", "certificates are issued for P-256 keys only")
        }
    }

    /// A serial number of random bytes whose first six give way to the millisecond, with the second bit set: positive, of the
    /// same length, and at least 80 bits of it random (RFC 5280, section 4.1.2.2). Numbers that grow with time are
    /// stored side by side, where random ones would touch a page of an index each.
    /// - Parameter random: 16 to 20 random bytes.
    /// - Throws: `bad-template`.
    package static func dated(_ random: [UInt8], _ now: Instant) throws(TrustError) -> [UInt8] {
        guard (16...20).contains(random.count), random.contains(where: { $0 != 0 }) else {
            throw TrustError("bad-template", "a serial number has 16 to 20 random bytes, not \(random.count)")
        }
        let time = UInt64(clamping: now.milliseconds) & (1 << 46 - 1) | 1 << 46
        return (0..<6).map { UInt8(truncatingIfNeeded: time >> UInt64(40 - 8 * $0)) } + random.dropFirst(6)
    }
}
