import COpenSSL
import Model

/// A peer whose certificate was believed at one moment.
package struct VerifiedPeer: Hashable, Sendable {
    package var id: SPIFFEID
    /// Lower-case hexadecimal.
    package var serial: String
    /// The start of the leaf, five minutes before it was issued.
    package var notBefore: Instant
    /// When the connection has to end at the latest.
    package var notAfter: Instant
    package var dns: [String]
    /// Serial numbers of the certificates above the leaf, its issuer first, the root last.
    package var issuers: [String]
    /// `sha256:…` of their keys, in that order: one key may have several certificates.
    package var issuerKeys: [String]
    /// `sha256:…` of the leaf's DER bytes: whoever mints with a stolen CA can copy a serial number, but not these.
    package var leaf: String

    /// Without a start, any revocation of the identity counts.
    package init(
        id: SPIFFEID, serial: String, notBefore: Instant = Instant(milliseconds: 0), notAfter: Instant, dns: [String],
        issuers: [String], issuerKeys: [String] = [], leaf: String = ""
    ) {
        self.id = id
        self.serial = serial
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.dns = dns
        self.issuers = issuers
        self.issuerKeys = issuerKeys
        self.leaf = leaf
    }
}

/// Decides who a peer is: the path to a root of the leaf's own trust domain, then `CertificateRules`, then what is revoked.
/// A value of one moment's trust; made anew on every change of it.
package struct PeerVerifier: Sendable {
    /// A leaf and the intermediates that a peer may show.
    package static let maximumChain = 8

    private let anchors: [String: TrustAnchors]
    private let denied: Set<String>
    private let deniedIdentities: [SPIFFEID: Instant]
    /// Of this value and its copies only: another moment's trust begins with none.
    private let known = KnownChains()

    /// - Parameters:
    ///   - anchors: The roots of each trust domain. An organization has one entry for its own domain and one for each of its
    ///     zones, all with the same roots; then an intermediate has to name its domain.
    ///   - denied: Of leaves and CAs, lower-case hexadecimal, as `Certificate.serial` writes them; and `sha256:…` of
    ///     keys of CAs, any certificate of which is refused.
    ///   - deniedIdentities: Identities whose certificates issued before the moment are revoked.
    /// - Throws: `bad-anchor` for an anchor that is not a root CA.
    package init(
        anchors: [String: [Certificate]], denied: Set<String> = [], deniedIdentities: [SPIFFEID: Instant] = [:]
    ) throws(TrustError) {
        var domainsOfRoot: [Certificate: Int] = [:]
        for root in anchors.values.flatMap(Set.init) { domainsOfRoot[root, default: 0] += 1 }
        var stores: [String: TrustAnchors] = [:]
        for (domain, roots) in anchors {
            let shared = roots.contains { domainsOfRoot[$0, default: 0] > 1 }
            stores[domain] = try TrustAnchors(domain: domain, roots: roots, serveSeveralDomains: shared)
        }
        self.anchors = stores
        self.denied = denied
        self.deniedIdentities = deniedIdentities
    }

    /// - Parameter chainDER: The leaf first, then the intermediates that the peer showed, in any order.
    /// - Throws: `no-certificate`, `long-chain`, `bad-certificate`, `not-one-uri`, `bad-spiffe-id`, `unknown-trust-domain`,
    ///   `bad-path`, `expired`, `not-yet-valid`, the codes of `CertificateRules`, `revoked`.
    package func verify(
        chainDER: [[UInt8]], purpose: CertificatePurpose, now: Instant
    ) throws(TrustError) -> VerifiedPeer {
        guard let first = chainDER.first else { throw TrustError("no-certificate", "the peer showed no certificate") }
        guard chainDER.count <= Self.maximumChain else {
            throw TrustError(
                "long-chain", "the peer showed \(chainDER.count) certificates, more than \(Self.maximumChain)")
        }
        if let chain = known.find(chainDER, purpose, now: now) {
            try checkRevocation(chain.peer)
            return chain.peer
        }
        let leaf = try Certificate(der: first)
        var intermediates: [Certificate] = []
        for der in chainDER.dropFirst() {
            if let issuer = known.issuer(der) {
                intermediates.append(issuer)
            } else {
                intermediates.append(try Certificate(der: der))
            }
        }

        let claimed = try Self.claimedID(of: leaf)
        guard let anchors = anchors[claimed.trustDomain] else {
            throw TrustError(
                "unknown-trust-domain", "no root is known for the trust domain \(backticked(claimed.trustDomain))")
        }
        let path = try anchors.path(of: leaf, intermediates: intermediates, purpose: purpose, now: now)
        guard let issuer = path.first else { throw TrustError("bad-path", "the certificate is its own issuer") }
        let rules = CertificateRules(
            leaf: leaf, issuer: issuer, issuerMustNameDomain: anchors.serveSeveralDomains, purposes: [purpose],
            now: now)
        let id = try rules.judge()
        let peer = VerifiedPeer(
            id: id, serial: leaf.serial, notBefore: leaf.notBefore, notAfter: leaf.notAfter, dns: leaf.dnsSANs,
            issuers: path.map(\.serial), issuerKeys: path.map(\.publicKey.spkiDigest), leaf: digestText(of: first))
        try checkRevocation(peer)
        known.keep(issuers: path)
        known.keep(
            KnownChain(
                peer: peer, begins: ([leaf] + path).map(\.notBefore).max() ?? now,
                ends: ([leaf] + path).map(\.notAfter).min() ?? now),
            chainDER, purpose)
        return peer
    }

    /// Checks again what can change while a connection lives, or before a resumed session is believed.
    /// - Throws: `expired`, `revoked`, `unknown-trust-domain`, `bad-path` when its root is gone.
    package func recheck(_ peer: VerifiedPeer, now: Instant) throws(TrustError) {
        guard let anchors = anchors[peer.id.trustDomain] else {
            throw TrustError(
                "unknown-trust-domain", "no root is known for the trust domain \(backticked(peer.id.trustDomain))")
        }
        guard anchors.roots.contains(where: { $0.serial == peer.issuers.last }) else {
            throw TrustError("bad-path", "the root of \(backticked(peer.id.description)) is not believed any more")
        }
        guard now < peer.notAfter else { throw TrustError("expired", "the certificate ended at \(peer.notAfter)") }
        try checkRevocation(peer)
    }

    /// The identity that decides which roots are asked; nothing is believed yet.
    private static func claimedID(of leaf: Certificate) throws(TrustError) -> SPIFFEID {
        guard leaf.uriSANs.count == 1 else {
            throw TrustError("not-one-uri", "the certificate has \(leaf.uriSANs.count) URI names, not one")
        }
        guard let id = leaf.spiffeID else {
            throw TrustError("bad-spiffe-id", "\(backticked(leaf.uriSANs[0])) is not a SPIFFE ID in its one spelling")
        }
        return id
    }

    private func checkRevocation(_ peer: VerifiedPeer) throws(TrustError) {
        try checkSerial(peer.serial)
        for issuer in peer.issuers { try checkSerial(issuer) }
        for key in peer.issuerKeys {
            guard !denied.contains(key) else {
                throw TrustError("revoked", "the CA with the key \(backticked(key)) has retired")
            }
        }
        try checkIdentity(peer.id, notBefore: peer.notBefore)
    }

    private func checkSerial(_ serial: String) throws(TrustError) {
        guard !denied.contains(serial) else {
            throw TrustError("revoked", "the certificate \(backticked(serial)) is revoked")
        }
    }

    private func checkIdentity(_ id: SPIFFEID, notBefore: Instant) throws(TrustError) {
        guard let issuedBefore = deniedIdentities[id] else { return }
        guard CertificateAuthority.wasIssued(from: notBefore, before: issuedBefore) else { return }
        throw TrustError(
            "revoked", "certificates of \(backticked(id.description)) issued before \(issuedBefore) are revoked")
    }
}
