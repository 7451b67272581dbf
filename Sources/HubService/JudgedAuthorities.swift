import Model
import Trust

/// What a root with this hub signs is judged from its bytes, as what comes from elsewhere is, before anybody sees it.
extension CertificateAuthority {
    /// The intermediate of one trust domain.
    /// - Throws: `ends-soon`, and what `issueIntermediate` and `IntermediateRules` throw.
    func judgedIntermediate(domain: String, key: PublicKey, now: Instant) throws -> Certificate {
        let intermediate = try issueIntermediate(
            domain: domain, publicKey: key, serial: try randomBytes(16), now: now)
        guard intermediate.notAfter - now >= IntermediateRules.minimumValidity else {
            throw HubError(
                .conflict, "ends-soon", "the root ends at \(certificate.notAfter): no CA begins under it any more",
                hint: "`nave authority prepare root` begins the root that follows")
        }
        try IntermediateRules(
            certificate: intermediate, domain: domain, key: key, roots: [certificate], now: now
        ).judge()
        return intermediate
    }

    /// The key of the root that follows, under this one. It ends with this one, however soon that is: until then it leads whoever
    /// knows only this one.
    /// - Throws: What `crossCertify` and `CrossRules` throw.
    func judgedCross(_ next: Certificate, organization: String, now: Instant) throws -> Certificate {
        let cross = try crossCertify(next, serial: try randomBytes(16), now: now)
        try CrossRules(
            certificate: cross, root: next, present: certificate, organization: organization, now: now,
            minimumValidity: Milliseconds(0)
        ).judge()
        return cross
    }
}
