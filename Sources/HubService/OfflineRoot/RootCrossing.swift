import Foundation
import Model
import Trust

/// `nave-hub root cross`: certifies the key of the root that is to follow, so that who knows only this root finds the way to
/// it. Of what is handed in only name, key and constraints are taken over, after `RootRules` judged them.
package struct RootCrossing: Sendable {
    /// What would be signed. Nothing has been written yet.
    package struct Proposal: Sendable {
        package let next: Certificate
        package let notAfter: Instant
        fileprivate let authority: CertificateAuthority

        /// For people, before they say yes.
        package var text: String {
            """
            a cross certificate, signed by \(authority.certificate.subject)
              for the root: \(next.subject)
              its key:      \(next.publicKey.spkiDigest)
              valid until:  \(notAfter)
              names:        \(next.nameConstraints.map { "\($0)" } ?? "any")
              means:        whoever trusts this root believes what that one signs
            """
        }
    }

    private let root: OfflineRoot
    private let next: String
    private let out: String?
    private let isAgain: Bool

    /// - Parameters:
    ///   - next: File with the certificate of the root that is to follow, PEM.
    ///   - out: File to make for the cross certificate; nil if the caller takes it.
    ///   - isAgain: Also a key that the root certified before.
    package init(root: OfflineRoot, next: String, out: String?, isAgain: Bool = false) {
        self.root = root
        self.next = next
        self.out = out
        self.isAgain = isAgain
    }

    /// - Throws: `not-a-root`, `root-waiting`, `exists`, `own-key`, `other-name`, `already-signed`, `expired`, what
    ///   `RootRules` say, and what opening the key throws.
    package func propose(now: Instant) throws -> Proposal {
        if let out, FileManager.default.fileExists(atPath: out) {
            throw HubError(.conflict, "exists", "\(quoted(out)) exists", hint: "name a new file with --out")
        }
        let certificate = try PEMFile.certificate(next)
        let authority = try root.authority()
        let present = authority.certificate
        guard certificate.publicKey != present.publicKey else {
            throw HubError(
                .invalid, "own-key", "\(quoted(next)) holds this root's own key",
                hint: "the root that follows has a key of its own: nave-hub root init in another directory")
        }
        try RootRules(
            certificate: certificate, organization: try root.settings().organization, key: certificate.publicKey,
            now: now
        ).judge()
        guard certificate.subject == present.subject else {
            throw HubError(
                .invalid, "other-name",
                "\(quoted(next)) is the root \(quoted(certificate.subject)), this one is \(quoted(present.subject))",
                hint: "a root that follows bears the same subject; `nave-hub root init` gives it for one organization")
        }
        try root.demandUnsigned(certificate.publicKey, unless: isAgain)
        return Proposal(
            next: certificate, notAfter: min(certificate.notAfter, present.notAfter), authority: authority)
    }

    /// - Returns: The cross certificate, PEM.
    /// - Throws: `not-writable`, `disk-full`, and what `CertificateAuthority` and `CrossRules` throw.
    package func sign(_ proposal: Proposal, now: Instant) throws -> String {
        let organization = try root.settings().organization
        let cross = try proposal.authority.crossCertify(proposal.next, serial: try randomBytes(16), now: now)
        try CrossRules(
            certificate: cross, root: proposal.next, present: proposal.authority.certificate,
            organization: organization, now: now
        ).judge()
        try root.log(
            OfflineRoot.SignedLine(
                kind: .cross, serial: cross.serial, domain: organization, key: cross.publicKey.spkiDigest, at: now))
        // If the process dies here: the log names a certificate that nobody has.
        if let out { try PrivateFile.create(out, Array(cross.pem.utf8)) }
        return cross.pem
    }
}
