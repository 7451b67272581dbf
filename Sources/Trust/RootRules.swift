import Model

/// The judge of a root that was made elsewhere, above all of what a corporate CA sent back for the request of one: it may
/// speak for one organization and its zones, and for nobody else. Whoever signed it is believed in nothing: the trust
/// manifest names this certificate, so that no other CA of the same corporate root can speak for our domains.
package struct RootRules: Sendable {
    package let certificate: Certificate
    /// `corp.example`
    package let organization: String
    /// The key of the request.
    package let key: PublicKey
    package let now: Instant

    package init(certificate: Certificate, organization: String, key: PublicKey, now: Instant) {
        self.certificate = certificate
        self.organization = organization
        self.key = key
        self.now = now
    }

    /// - Throws: The first rule that does not hold: `other-key`, `not-a-ca`, `wrong-key-usage`, `wrong-purpose`,
    ///   `no-key-identifier`, `weak-signature`, `not-yet-valid`, `expired`, `ends-soon`, `short-serial`,
    ///   `unknown-critical-extension`, `weak-key`, `wrong-path-length`, `no-name-constraints`,
    ///   `name-constraints-not-critical`, `wrong-name-constraints`.
    package func judge() throws(TrustError) {
        try AuthorityRules(certificate: certificate, key: key, now: now).judge()
        try checkAlgorithm()
        try checkPathLength()
        // A root that signed itself answers to nobody; where it says what it stands for, it has to be this organization.
        if certificate.nameConstraints == nil, certificate.isIssued(by: certificate) { return }
        try Self.checkNameConstraints(of: certificate, organization)
    }

    private func checkAlgorithm() throws(TrustError) {
        guard certificate.publicKey.algorithm == .p256 else {
            throw TrustError("weak-key", "the key of the root \(backticked(certificate.subject)) is not P-256")
        }
    }

    private func checkPathLength() throws(TrustError) {
        guard certificate.pathLength != 0 else {
            throw TrustError(
                "wrong-path-length", "the root may have no CA below it, and needs one for each zone",
                hint: "ask for `CA:TRUE, pathlen:1`")
        }
    }

    /// - Throws: `no-name-constraints`, `name-constraints-not-critical`, `wrong-name-constraints`.
    static func checkNameConstraints(of certificate: Certificate, _ organization: String) throws(TrustError) {
        let found = try AuthorityRules.criticalNameConstraints(of: certificate, domain: organization)
        let allowed: Set = [organization, ".\(organization)"]
        func permitted(_ kind: GeneralName.Kind) -> Set<String> {
            Set(found.permitted.filter { $0.kind == kind }.map(\.value))
        }
        let expected = NameConstraints(organization: organization)
        let kinds: [GeneralName.Kind] = [.uri, .dns, .email]
        // A URI's host is matched whole, so zones need the form with the dot too (RFC 5280, section 4.2.1.10).
        guard permitted(.uri) == allowed,
            kinds.allSatisfy({ !permitted($0).isEmpty && permitted($0).isSubset(of: allowed) }),
            found.permitted.allSatisfy({ kinds.contains($0.kind) }), Set(found.excluded) == Set(expected.excluded)
        else {
            throw TrustError(
                "wrong-name-constraints", "the root's name constraints are \(found), not \(expected)",
                hint:
                    "they have to permit \(backticked(organization)) and what is below it alone, for URI, DNS and e-mail, "
                    + "and exclude all IP")
        }
    }
}
