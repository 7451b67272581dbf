import Model
import Transport
import Trust

/// The hub's own certificate, which both listeners show.
package struct HubLeaf: Sendable {
    private let settings: HubSettings
    private let authority: Authority
    private let ledger: HubLedger
    private let trust: HubTrust
    private let now: @Sendable () -> Instant

    init(
        settings: HubSettings, authority: Authority, ledger: HubLedger, trust: HubTrust,
        now: @escaping @Sendable () -> Instant
    ) {
        self.settings = settings
        self.authority = authority
        self.ledger = ledger
        self.trust = trust
        self.now = now
    }

    /// Whom it names.
    func identity() throws -> SPIFFEID { try settings.identity() }

    /// Shows a new certificate on both listeners; connections that are open stay.
    package func renew() async throws {
        let (identity, issued) = try Self.made(settings, authority, now())
        try await ledger.append(by: .hub) { _ in [.certificateIssued(issued)] }
        // If the process dies here: a certificate in the ledger that nobody was shown.
        try trust.show(identity)
    }

    /// A new key and certificate for the hub's listeners; the key lives in this process only.
    static func made(
        _ settings: HubSettings, _ authority: Authority, _ now: Instant
    ) throws -> (TLSIdentity, CertificateIssued) {
        let key = try PrivateKey.generateP256()
        let identity = try settings.identity()
        let leaf = try authority.issue(.serving, to: identity, dns: settings.name, key: key.publicKey, now: now)
        return (
            try TLSIdentity(key: key, chain: leaf.chain),
            CertificateIssued(leaf.certificate, identity: identity, invitation: nil)
        )
    }
}
