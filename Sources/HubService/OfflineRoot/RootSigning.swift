import Foundation
import Model
import Trust

/// `nave-hub root sign`: an intermediate for one trust domain. Of the request only its key is believed, and that its sender
/// holds it; everything else comes from our own template.
package struct RootSigning: Sendable {
    /// What would be signed. Nothing has been written yet.
    package struct Proposal: Sendable {
        package let domain: String
        package let key: PublicKey
        package let notAfter: Instant
        fileprivate let authority: CertificateAuthority
        fileprivate let before: [OfflineRoot.SignedLine]

        /// For people, before they say yes.
        package var text: String {
            let last = before.last.map {
                ", the last at \($0.at) for \($0.key == key.spkiDigest ? "this key" : $0.key)"
            }
            return """
                an intermediate CA, signed by \(authority.certificate.subject)
                  domain:      \(domain)
                  key:         \(key.spkiDigest)
                  valid until: \(notAfter)
                  names:       \(NameConstraints(domain: domain))
                  may sign:    leaves only (path length 0)
                  before:      \(before.count) certificates for this domain\(last ?? "")
                """
        }
    }

    private let root: OfflineRoot
    private let domain: String
    private let request: String
    private let out: String?
    private let isAgain: Bool

    /// - Parameters:
    ///   - request: File with a PKCS#10 request, PEM.
    ///   - out: File to make for the certificate; nil if the caller takes it.
    ///   - isAgain: Also a key that the root certified before.
    package init(root: OfflineRoot, domain: String, request: String, out: String?, isAgain: Bool = false) {
        self.root = root
        self.domain = domain
        self.request = request
        self.out = out
        self.isAgain = isAgain
    }

    /// - Throws: `not-a-root`, `root-waiting`, `foreign-domain`, `exists`, `own-key`, `already-signed`, `expired`, what is
    ///   wrong with the request, and what opening the key throws.
    package func propose(now: Instant) throws -> Proposal {
        try demandDomain()
        if let out, FileManager.default.fileExists(atPath: out) {
            throw HubError(.conflict, "exists", "\(quoted(out)) exists", hint: "name a new file with --out")
        }
        let asked = try PEMFile.request(request)
        let authority = try root.authority()
        guard asked.publicKey != authority.certificate.publicKey else {
            throw HubError(
                .invalid, "own-key", "\(quoted(request)) asks for the root's own key",
                hint: "an intermediate has a key of its own")
        }
        try root.demandUnsigned(asked.publicKey, unless: isAgain)
        let end = authority.intermediateEnd(now: now)
        guard end - now >= IntermediateRules.minimumValidity else {
            throw HubError(
                .conflict, "ends-soon", "the root ends at \(authority.certificate.notAfter)",
                hint: "nothing that it signs now would be taken: make a new root")
        }
        return Proposal(
            domain: domain, key: asked.publicKey, notAfter: end, authority: authority,
            before: try root.signed().filter { $0.domain == domain && $0.kind == nil })
    }

    /// - Returns: The certificate, PEM.
    /// - Throws: `not-writable`, `disk-full`, and what `CertificateAuthority` and `IntermediateRules` throw.
    package func sign(_ proposal: Proposal, now: Instant) throws -> String {
        let certificate = try proposal.authority.issueIntermediate(
            domain: proposal.domain, publicKey: proposal.key, serial: try randomBytes(16), now: now)
        try IntermediateRules(
            certificate: certificate, domain: proposal.domain, key: proposal.key,
            roots: [proposal.authority.certificate], now: now
        ).judge()
        try root.log(
            OfflineRoot.SignedLine(
                serial: certificate.serial, domain: proposal.domain, key: proposal.key.spkiDigest, at: now))
        // If the process dies here: the log names a certificate that nobody has.
        if let out { try PrivateFile.create(out, Array(certificate.pem.utf8)) }
        return certificate.pem
    }

    private func demandDomain() throws {
        let organization = try root.settings().organization
        guard domain != "hub.\(organization)" else {
            throw HubError(
                .invalid, "foreign-domain", "\(quoted(domain)) is where hubs have their names, not a zone's",
                hint: "the hub's own CA is that of `\(organization)`")
        }
        let zone = domain.hasSuffix(".\(organization)") ? domain.dropLast(organization.utf8.count + 1) : ""
        guard domain == organization || isLabel(String(zone)) else {
            throw HubError(
                .invalid, "foreign-domain",
                "\(quoted(domain)) is neither `\(organization)` nor the domain of one of its zones",
                hint: "as `finance.\(organization)`")
        }
    }
}
