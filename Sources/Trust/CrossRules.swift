import Model

/// The judge of a cross certificate: the key of the root that is to follow, certified by the present one, so that who knows
/// only the present root finds a path to what the next one signs ("new with old" of RFC 4210, section 4.4). Made by an offline
/// root or a corporate CA, it is believed in nothing but its signature.
package struct CrossRules: Sendable {
    package let certificate: Certificate
    /// The root that is to follow.
    package let root: Certificate
    /// The root that signed the cross certificate.
    package let present: Certificate
    /// `corp.example`
    package let organization: String
    package let now: Instant
    /// One that ends sooner is not begun with.
    package let minimumValidity: Milliseconds

    package init(
        certificate: Certificate, root: Certificate, present: Certificate, organization: String, now: Instant,
        minimumValidity: Milliseconds = IntermediateRules.minimumValidity
    ) {
        self.certificate = certificate
        self.root = root
        self.present = present
        self.organization = organization
        self.now = now
        self.minimumValidity = minimumValidity
    }

    /// - Throws: The first rule that does not hold: `other-key`, `not-a-ca`, `wrong-key-usage`, `wrong-purpose`,
    ///   `no-key-identifier`, `weak-signature`, `not-yet-valid`, `expired`, `ends-soon`, `short-serial`,
    ///   `unknown-critical-extension`, `other-name`, `other-key-identifier`, `wrong-path-length`, `no-name-constraints`,
    ///   `name-constraints-not-critical`, `wrong-name-constraints`, `not-signed-by-root`, `bad-path`.
    package func judge() throws(TrustError) {
        try AuthorityRules(
            certificate: certificate, key: root.publicKey, now: now, minimumValidity: minimumValidity
        ).judge()
        try checkName()
        try checkKeyIdentifier()
        try checkPathLength()
        // It says no more than the root that it stands for.
        if root.nameConstraints != nil || certificate.nameConstraints != nil {
            try RootRules.checkNameConstraints(of: certificate, organization)
        }
        try checkIssuer()
        try anchors().path(of: certificate, intermediates: [], purpose: nil, now: now)
    }

    /// Whether who knows only the present root believes an intermediate of the next one.
    /// - Throws: `bad-path`, `expired`.
    package func demandPath(of intermediate: Certificate) throws(TrustError) {
        try anchors().path(of: intermediate, intermediates: [certificate], purpose: nil, now: now)
    }

    private func anchors() throws(TrustError) -> TrustAnchors {
        try TrustAnchors(domain: organization, roots: [present], serveSeveralDomains: true)
    }

    private func checkName() throws(TrustError) {
        guard certificate.subject == root.subject else {
            throw TrustError(
                "other-name",
                "the cross certificate is for \(backticked(certificate.subject)), not "
                    + backticked(root.subject),
                hint: "it bears the very subject of the root that is to follow")
        }
    }

    /// Intermediates name their issuer's key by it, and a path is built along those names.
    private func checkKeyIdentifier() throws(TrustError) {
        guard certificate.subjectKeyID == root.subjectKeyID else {
            throw TrustError(
                "other-key-identifier", "the cross certificate has another subject key identifier than the root",
                hint: "copy the root's")
        }
    }

    /// Self-issued, it is no step of a path's length (RFC 5280, section 4.2.1.9); under another name it is one.
    private func checkPathLength() throws(TrustError) {
        let isSelfIssued = certificate.subject == present.subject
        let needed = isSelfIssued ? 1 : 2
        guard certificate.pathLength != 0, present.pathLength.map({ $0 >= needed }) ?? true else {
            throw TrustError(
                "wrong-path-length",
                certificate.pathLength == 0
                    ? "the cross certificate may have no CA below it"
                    : "the present root may have one CA below it, and a root of another name is one itself",
                hint: certificate.pathLength == 0
                    ? "ask for `CA:TRUE, pathlen:1`"
                    : "give the next root the subject \(backticked(present.subject)), or do without a cross certificate"
            )
        }
    }

    private func checkIssuer() throws(TrustError) {
        guard certificate.isIssued(by: present) else {
            throw TrustError(
                "not-signed-by-root",
                "\(backticked(certificate.issuer)) signed the cross certificate, not the root of now, "
                    + backticked(present.subject),
                hint: "`nave-hub root cross` signs it, where the root of now lies")
        }
    }
}
