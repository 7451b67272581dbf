import Model
import TestSupport
import Trust

/// A root with its key, the intermediate of one zone with its key in hand, and a good draft of a leaf that tests break.
struct TrustPath {
    let root: CertificateAuthority
    let rootKey: PrivateKey
    let intermediate: Certificate
    let intermediateKey: PrivateKey
    let leafKey: PrivateKey

    init(_ domain: String = "finance.corp.example") throws {
        rootKey = try PrivateKey.generateP256()
        root = try CertificateAuthority.makeRoot(
            organization: "corp.example", name: "root", key: rootKey, serial: TestPKI.serial(of: rootKey),
            now: TestPKI.now)
        intermediateKey = try PrivateKey.generateP256()
        intermediate = try root.issueIntermediate(
            domain: domain, publicKey: intermediateKey.publicKey, serial: TestPKI.serial(of: intermediateKey),
            now: TestPKI.now)
        leafKey = try PrivateKey.generateP256()
    }

    var draft: CertificateDraft {
        var draft = CertificateDraft(
            organization: "finance.corp.example", commonName: "fin-1", serial: [UInt8](repeating: 0x41, count: 16),
            notBefore: TestPKI.now - .minutes(5), notAfter: TestPKI.now + .days(7), publicKey: leafKey.publicKey,
            keyUsage: .digitalSignature)
        draft.names = [
            GeneralName(.uri, "spiffe://finance.corp.example/spoke/fin-1"),
            GeneralName(.dns, "fin-1.finance.corp.example"),
        ]
        draft.extendedKeyUsage = [ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth]
        return draft
    }

    func leaf(_ change: (inout CertificateDraft) -> Void = { _ in }) throws -> Certificate {
        var draft = draft
        change(&draft)
        return try draft.signed(by: intermediateKey, issuer: intermediate)
    }

    /// What the rules alone say; nil if all hold.
    func verdict(
        _ leaf: Certificate, purpose: CertificatePurpose = .client, now: Instant = TestPKI.now
    ) -> String? {
        refusal {
            _ = try CertificateRules(
                leaf: leaf, issuer: intermediate, issuerMustNameDomain: true, purposes: [purpose], now: now
            ).judge()
        }
    }

    /// What path validation, rules and deny lists say; nil if all hold.
    func peerVerdict(
        _ leaf: Certificate, purpose: CertificatePurpose = .client, domains: [String] = ["finance.corp.example"],
        now: Instant = TestPKI.now
    ) -> String? {
        refusal {
            let anchors = Dictionary(uniqueKeysWithValues: domains.map { ($0, [root.certificate]) })
            _ = try PeerVerifier(anchors: anchors).verify(
                chainDER: [leaf.der, intermediate.der], purpose: purpose, now: now)
        }
    }
}
