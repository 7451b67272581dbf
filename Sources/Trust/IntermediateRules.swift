import Model

/// The judge of what comes back for a request of ours: the certificate of a CA that signs the leaves of one trust domain.
/// Who signed it may sit elsewhere and is believed in nothing but its signature. One small function a rule, each with a
/// code of its own.
package struct IntermediateRules: Sendable {
    /// A CA that ends sooner is not begun with.
    package static let minimumValidity = Milliseconds.days(30)

    package let certificate: Certificate
    /// The one trust domain that the CA is for.
    package let domain: String
    /// The key of the request.
    package let key: PublicKey
    /// Where the path has to end.
    package let roots: [Certificate]
    package let now: Instant

    package init(certificate: Certificate, domain: String, key: PublicKey, roots: [Certificate], now: Instant) {
        self.certificate = certificate
        self.domain = domain
        self.key = key
        self.roots = roots
        self.now = now
    }

    /// - Throws: The first rule that does not hold: `other-key`, `not-a-ca`, `wrong-key-usage`, `wrong-purpose`,
    ///   `no-key-identifier`, `weak-signature`, `not-yet-valid`, `expired`, `ends-soon`, `short-serial`,
    ///   `unknown-critical-extension`, `wrong-path-length`, `no-name-constraints`, `name-constraints-not-critical`,
    ///   `wrong-name-constraints`, `not-signed-by-root`, `bad-path`.
    package func judge() throws(TrustError) {
        try AuthorityRules(certificate: certificate, key: key, now: now).judge()
        try checkPathLength()
        try checkNameConstraints()
        try checkRoot()
        try checkPath()
    }

    private func checkPathLength() throws(TrustError) {
        guard certificate.pathLength == 0 else {
            throw TrustError(
                "wrong-path-length",
                "the CA may have \(certificate.pathLength.map { "\($0)" } ?? "any number of") CAs below it, not 0",
                hint: "it signs leaves only: ask for `CA:TRUE, pathlen:0`")
        }
    }

    private func checkNameConstraints() throws(TrustError) {
        let found = try AuthorityRules.criticalNameConstraints(of: certificate, domain: domain)
        let expected = NameConstraints(domain: domain)
        guard Set(found.permitted) == Set(expected.permitted), Set(found.excluded) == Set(expected.excluded) else {
            throw TrustError(
                "wrong-name-constraints", "the CA's name constraints are \(found), not \(expected)",
                hint: "they have to name \(backticked(domain)) alone, for URI, DNS and e-mail, and exclude all IP")
        }
    }

    private func checkRoot() throws(TrustError) {
        guard roots.contains(where: { certificate.isIssued(by: $0) }) else {
            let names = roots.map { backticked($0.subject) }.joined(separator: ", ")
            throw TrustError(
                "not-signed-by-root", "\(backticked(certificate.issuer)) signed the CA, which is not \(names)",
                hint: "the request is for the root that the trust manifest names")
        }
    }

    /// What others will do with it, strictly: a root that ended, or an identifier that is missing, is found here.
    private func checkPath() throws(TrustError) {
        let anchors = try TrustAnchors(domain: domain, roots: roots, serveSeveralDomains: true)
        try anchors.path(of: certificate, intermediates: [], purpose: nil, now: now)
    }
}
