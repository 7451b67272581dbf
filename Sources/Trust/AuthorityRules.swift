import Model

/// What holds for every CA certificate that others signed for a key of ours, whatever it may sign.
struct AuthorityRules {
    let certificate: Certificate
    /// The key of the request.
    let key: PublicKey
    let now: Instant
    var minimumValidity = IntermediateRules.minimumValidity

    /// - Throws: As `IntermediateRules.judge` says.
    func judge() throws(TrustError) {
        try checkKey()
        try checkCA()
        try checkKeyUsage()
        try checkPurposes()
        try checkKeyIdentifier()
        try checkSignatureAlgorithm()
        try checkStart()
        try checkEnd()
        try checkSerial()
        try checkCriticalExtensions()
    }

    private func checkKey() throws(TrustError) {
        guard certificate.publicKey == key else {
            throw TrustError(
                "other-key",
                "the certificate is for the key \(certificate.publicKey.spkiDigest), not \(key.spkiDigest)",
                hint: "it answers another request")
        }
    }

    private func checkCA() throws(TrustError) {
        guard certificate.isCA, certificate.version == 3, certificate.criticalExtensions.contains("2.5.29.19") else {
            throw TrustError(
                "not-a-ca", "the certificate of \(backticked(certificate.subject)) is not a CA's",
                hint: "it needs the critical basic constraints `CA:TRUE`")
        }
    }

    private func checkKeyUsage() throws(TrustError) {
        guard let usage = certificate.keyUsage, usage.isSuperset(of: [.keyCertSign, .crlSign]) else {
            throw TrustError(
                "wrong-key-usage", "the CA's key may not sign both certificates and revocation lists",
                hint: "it needs the key usage `keyCertSign, cRLSign`")
        }
    }

    /// Validators take extended key usage in a CA as a limit for all below it.
    private func checkPurposes() throws(TrustError) {
        guard let purposes = certificate.extendedKeyUsage else { return }
        for purpose in CertificatePurpose.allCases where !purposes.contains(purpose.extendedKeyUsage) {
            throw TrustError(
                "wrong-purpose", "the CA's extended key usage leaves no room for a \(purpose.rawValue)",
                hint: "leave the extension out, or name clientAuth and serverAuth")
        }
    }

    private func checkKeyIdentifier() throws(TrustError) {
        guard !(certificate.subjectKeyID ?? []).isEmpty else {
            throw TrustError(
                "no-key-identifier", "the CA has no subject key identifier", hint: "RFC 5280, section 4.2.1.2, wants it"
            )
        }
    }

    private func checkSignatureAlgorithm() throws(TrustError) {
        guard CertificateRules.signatureAlgorithms.contains(certificate.signatureAlgorithm) else {
            throw TrustError(
                "weak-signature", "the CA's certificate is signed with \(backticked(certificate.signatureAlgorithm))",
                hint: "use SHA-256 or better")
        }
    }

    private func checkStart() throws(TrustError) {
        guard certificate.notBefore <= now + CertificateRules.skew else {
            throw TrustError(
                "not-yet-valid", "the CA's certificate begins at \(certificate.notBefore), it is \(now)",
                hint: "check both clocks")
        }
    }

    private func checkEnd() throws(TrustError) {
        guard now < certificate.notAfter else {
            throw TrustError(
                "expired", "the CA's certificate ended at \(certificate.notAfter), it is \(now)",
                hint: "ask for a new one, and check the clock")
        }
        guard certificate.notAfter - now >= minimumValidity else {
            throw TrustError(
                "ends-soon",
                "the CA's certificate ends at \(certificate.notAfter), in less than \(minimumValidity)",
                hint: "ask for a longer one")
        }
    }

    private func checkSerial() throws(TrustError) {
        guard certificate.serial.utf8.count >= 16 else {
            throw TrustError(
                "short-serial", "the serial number \(backticked(certificate.serial)) has less than 64 bits",
                hint: "serial numbers are random, 64 bits or more")
        }
    }

    /// Basic constraints, key usage, extended key usage, name constraints.
    private static let understoodExtensions: Set<String> = ["2.5.29.19", "2.5.29.15", "2.5.29.37", nameConstraints]
    private static let nameConstraints = "2.5.29.30"

    private func checkCriticalExtensions() throws(TrustError) {
        guard let unknown = certificate.criticalExtensions.first(where: { !Self.understoodExtensions.contains($0) })
        else { return }
        throw TrustError(
            "unknown-critical-extension", "the CA's certificate has the critical extension \(backticked(unknown))",
            hint: "nobody here knows what it says: leave it out, or do not mark it critical")
    }

    /// - Throws: `no-name-constraints`, `name-constraints-not-critical`.
    static func criticalNameConstraints(
        of certificate: Certificate, domain: String
    ) throws(TrustError) -> NameConstraints {
        guard let constraints = certificate.nameConstraints else {
            throw TrustError(
                "no-name-constraints", "the CA \(backticked(certificate.subject)) may sign for any name",
                hint: "it needs critical name constraints that permit \(backticked(domain)) alone")
        }
        guard certificate.criticalExtensions.contains(nameConstraints) else {
            throw TrustError(
                "name-constraints-not-critical",
                "the CA's name constraints are not critical: some would pass over them",
                hint: "mark the extension critical")
        }
        return constraints
    }
}
