import Model

/// What a leaf is shown for.
package enum CertificatePurpose: String, CaseIterable, Sendable {
    /// Its holder calls.
    case client
    /// Its holder is called.
    case server

    package var extendedKeyUsage: String {
        switch self {
        case .client: ExtendedKeyUsage.clientAuth
        case .server: ExtendedKeyUsage.serverAuth
        }
    }
}

/// The judge of leaves, apart from what issues them and from path validation: our own before they leave, everybody's before
/// they are believed. One small function a rule, each with a code of its own.
package struct CertificateRules: Sendable {
    /// How far a start may lie ahead of our clock. There is none for the end: expired is expired.
    package static let skew = Milliseconds.minutes(5)

    package let leaf: Certificate
    /// The certificate whose key signed the leaf.
    package let issuer: Certificate
    /// True where the root stands for several trust domains: then only the issuer's own words bind it to one.
    package let issuerMustNameDomain: Bool
    /// The leaf has to be good for each of them.
    package let purposes: [CertificatePurpose]
    package let now: Instant

    package init(
        leaf: Certificate, issuer: Certificate, issuerMustNameDomain: Bool, purposes: [CertificatePurpose], now: Instant
    ) {
        self.leaf = leaf
        self.issuer = issuer
        self.issuerMustNameDomain = issuerMustNameDomain
        self.purposes = purposes
        self.now = now
    }

    /// The identity of the leaf, if every rule holds.
    /// - Throws: The first rule that does not, by its code.
    package func judge() throws(TrustError) -> SPIFFEID {
        try checkVersion()
        try checkOneURI()
        let id = try checkSPIFFEID()
        try checkTrustDomain(id)
        try checkDNSNames(id)
        try checkOtherNames()
        try checkNotCA()
        try checkKeyUsage()
        try checkPurpose()
        try checkKey()
        try checkSignatureAlgorithm()
        try checkStart()
        try checkEnd()
        try checkCriticalExtensions()
        try checkSerial()
        return id
    }

    private func checkVersion() throws(TrustError) {
        guard leaf.version == 3 else {
            throw TrustError("old-certificate", "the certificate has X.509 version \(leaf.version), not 3")
        }
    }

    private func checkOneURI() throws(TrustError) {
        guard leaf.uriSANs.count == 1 else {
            throw TrustError("not-one-uri", "the certificate has \(leaf.uriSANs.count) URI names, not one")
        }
    }

    private func checkSPIFFEID() throws(TrustError) -> SPIFFEID {
        guard let id = leaf.spiffeID else {
            throw TrustError(
                "bad-spiffe-id", "\(backticked(leaf.uriSANs.first ?? "")) is not a SPIFFE ID in its one spelling")
        }
        return id
    }

    /// The issuer is bound by its URI name constraints, or by its own SPIFFE ID without a path (X509-SVID, section 4.1).
    private func checkTrustDomain(_ id: SPIFFEID) throws(TrustError) {
        let bound: [String]
        if let constraints = issuer.nameConstraints, !constraints.uriDomains.isEmpty {
            bound = constraints.uriDomains
        } else {
            bound = issuer.uriSANs.filter { $0.hasPrefix("spiffe://") }.map { String($0.dropFirst(9)) }
        }
        if bound.isEmpty, !issuerMustNameDomain { return }
        guard bound == [id.trustDomain] else {
            throw TrustError(
                "foreign-trust-domain",
                "\(backticked(issuer.subject)) may not issue for \(backticked(id.trustDomain)), only for "
                    + "\(bound.isEmpty ? "no domain that it names" : backticked(bound.joined(separator: ", ")))")
        }
    }

    private func checkDNSNames(_ id: SPIFFEID) throws(TrustError) {
        for name in leaf.dnsSANs {
            guard isDomainName(name), name == id.trustDomain || name.hasSuffix(".\(id.trustDomain)") else {
                throw TrustError(
                    "foreign-dns-name", "the DNS name \(backticked(name)) is not inside \(backticked(id.trustDomain))")
            }
        }
        guard leaf.dnsSANs.count <= 1 else {
            throw TrustError(
                "many-dns-names", "the certificate has \(leaf.dnsSANs.count) DNS names, at most one is allowed")
        }
    }

    private func checkOtherNames() throws(TrustError) {
        guard leaf.otherSANKinds.isEmpty else {
            let kinds = leaf.otherSANKinds.map(\.rawValue).sorted().joined(separator: ", ")
            throw TrustError("other-name", "the certificate has names that are neither URI nor DNS: \(kinds)")
        }
    }

    private func checkNotCA() throws(TrustError) {
        guard !leaf.isCA else { throw TrustError("is-ca", "the certificate is a CA's, not a peer's") }
    }

    private func checkKeyUsage() throws(TrustError) {
        guard let usage = leaf.keyUsage, usage.contains(.digitalSignature) else {
            throw TrustError("wrong-key-usage", "the certificate's key is not for signatures")
        }
        guard usage.isDisjoint(with: [.keyCertSign, .crlSign]) else {
            throw TrustError("wrong-key-usage", "the certificate's key may sign certificates or revocation lists")
        }
    }

    private func checkPurpose() throws(TrustError) {
        for purpose in purposes where !(leaf.extendedKeyUsage ?? []).contains(purpose.extendedKeyUsage) {
            throw TrustError("wrong-purpose", "the certificate is not for a \(purpose.rawValue)")
        }
    }

    private func checkKey() throws(TrustError) {
        switch leaf.publicKey.algorithm {
        case .p256, .p384, .p521: return
        case .ed25519, .other: throw TrustError("weak-key", "the certificate's key is not P-256, P-384 or P-521")
        }
    }

    /// By libcrypto's short names; also those that revocation lists may be signed with.
    static let signatureAlgorithms: Set<String> = [
        "ecdsa-with-SHA256", "ecdsa-with-SHA384", "ecdsa-with-SHA512", "RSA-SHA256", "RSA-SHA384", "RSA-SHA512",
        "ED25519",
    ]

    private func checkSignatureAlgorithm() throws(TrustError) {
        guard Self.signatureAlgorithms.contains(leaf.signatureAlgorithm) else {
            throw TrustError("weak-signature", "the certificate is signed with \(backticked(leaf.signatureAlgorithm))")
        }
    }

    private func checkStart() throws(TrustError) {
        guard leaf.notBefore <= now + Self.skew else {
            throw TrustError("not-yet-valid", "the certificate begins at \(leaf.notBefore), it is \(now)")
        }
    }

    private func checkEnd() throws(TrustError) {
        guard now < leaf.notAfter else {
            throw TrustError("expired", "the certificate ended at \(leaf.notAfter), it is \(now)")
        }
    }

    /// Basic constraints, key usage, extended key usage, subject alternative name.
    private static let understoodExtensions: Set<String> = ["2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.17"]

    private func checkCriticalExtensions() throws(TrustError) {
        guard let unknown = leaf.criticalExtensions.first(where: { !Self.understoodExtensions.contains($0) }) else {
            return
        }
        throw TrustError(
            "unknown-critical-extension", "the certificate has the critical extension \(backticked(unknown))")
    }

    private func checkSerial() throws(TrustError) {
        guard leaf.serial.utf8.count >= 16 else {
            throw TrustError("short-serial", "the serial number \(backticked(leaf.serial)) has less than 64 bits")
        }
    }
}
