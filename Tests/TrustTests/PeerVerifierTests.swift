import Model
import TestSupport
import Testing
import Trust

@Suite struct PeerVerifierTests {
    private let pki: TestPKI
    private let now = TestPKI.now

    init() throws { pki = try TestPKI() }

    private func code(
        _ verifier: PeerVerifier, _ chain: [[UInt8]], _ purpose: CertificatePurpose = .client,
        now: Instant = TestPKI.now
    ) -> String? {
        refusal { _ = try verifier.verify(chainDER: chain, purpose: purpose, now: now) }
    }

    @Test func believesWhatTheHubIssues() throws {
        let verifier = try pki.verifier()
        let spoke = try pki.spoke("finance", "fin-1")
        let peer = try verifier.verify(chainDER: spoke.chainDER, purpose: .server, now: now)
        #expect(peer.id.description == "spiffe://finance.corp.example/spoke/fin-1")
        #expect(peer.serial == spoke.leaf.serial && peer.notAfter == spoke.leaf.notAfter)
        #expect(peer.dns == ["fin-1.finance.corp.example"])
        #expect(code(verifier, spoke.chainDER) == nil)
        #expect(code(verifier, try pki.hub().chainDER, .server) == nil)
        #expect(code(verifier, try pki.client("analytics", "reporting-bot").chainDER) == nil)
        #expect(code(verifier, try pki.user("u1").chainDER) == nil)
        // A peer may show the root as well.
        #expect(code(verifier, spoke.chainDER + [pki.root.certificate.der]) == nil)
    }

    @Test func purposeCounts() throws {
        let verifier = try pki.verifier()
        #expect(code(verifier, try pki.hub().chainDER, .client) == "wrong-purpose")
        #expect(code(verifier, try pki.client("finance", "a").chainDER, .server) == "wrong-purpose")
    }

    @Test func rootsCountForTheirOwnDomainOnly() throws {
        let foreign = try TestPKI(organization: "partner.example", zones: ["billing"])
        let imposter = try TestPKI()
        let verifier = try PeerVerifier(
            anchors: pki.anchors.merging(["billing.partner.example": [foreign.root.certificate]]) { $1 })
        #expect(code(verifier, try foreign.client("billing", "a").chainDER) == nil)
        #expect(code(verifier, try foreign.user("u1").chainDER) == "unknown-trust-domain")
        #expect(code(verifier, try imposter.client("finance", "a").chainDER) == "bad-path")
        #expect(code(try PeerVerifier(anchors: [:]), try pki.user("u1").chainDER) == "unknown-trust-domain")
        // The partner's root signs an intermediate for our zone: its root is not asked about our zone.
        let thief = try TrustPath("finance.corp.example")
        let open = try PeerVerifier(
            anchors: pki.anchors.merging(["billing.partner.example": [thief.root.certificate]]) { $1 })
        #expect(code(open, [try thief.leaf().der, thief.intermediate.der]) == "bad-path")
    }

    @Test func zonesOfOneRootAreApart() throws {
        let path = try TrustPath("analytics.corp.example")
        let domains = ["finance.corp.example", "analytics.corp.example"]
        // The leaf names finance, the intermediate may sign for analytics only.
        #expect(path.peerVerdict(try path.leaf(), domains: domains) == "bad-path")

        // An intermediate without name constraints under a root that serves several domains.
        var unbound = CertificateDraft(
            organization: "corp.example", commonName: "unbound", serial: [UInt8](repeating: 0x42, count: 16),
            notBefore: now - .minutes(5), notAfter: now + .days(90), publicKey: path.intermediateKey.publicKey,
            keyUsage: [.keyCertSign])
        unbound.isCA = true
        let rootKey = try PrivateKey.generateP256()
        let root = try CertificateAuthority.makeRoot(
            organization: "corp.example", name: "root", key: rootKey, serial: TestPKI.serial(of: rootKey), now: now)
        let intermediate = try unbound.signed(by: rootKey, issuer: root.certificate)
        let leaf = try path.draft.signed(by: path.intermediateKey, issuer: intermediate)
        let chain = [leaf.der, intermediate.der]
        let several = Dictionary(uniqueKeysWithValues: domains.map { ($0, [root.certificate]) })
        #expect(code(try PeerVerifier(anchors: several), chain) == "foreign-trust-domain")
        let one = ["finance.corp.example": [root.certificate]]
        #expect(code(try PeerVerifier(anchors: one), chain) == nil)
    }

    @Test func pathsAreWhole() throws {
        let verifier = try pki.verifier()
        let client = try pki.client("finance", "a")
        let other = try pki.client("analytics", "a")
        #expect(code(verifier, []) == "no-certificate")
        #expect(code(verifier, [client.leaf.der]) == "bad-path")
        #expect(code(verifier, [client.leaf.der, other.chain[1].der]) == "bad-path")
        #expect(code(verifier, client.chainDER + Array(repeating: client.chain[1].der, count: 7)) == "long-chain")
        #expect(code(verifier, [client.leaf.der + [0], client.chain[1].der]) == "bad-certificate")
        #expect(code(verifier, [[], client.chain[1].der]) == "bad-certificate")
        #expect(code(verifier, [client.chain[1].der, pki.root.certificate.der]) == "not-one-uri")
        // Any flipped bit of the leaf: not readable, or its signature does not hold.
        for index in client.leaf.der.indices {
            var broken = client.leaf.der
            broken[index] ^= 0x01
            #expect(code(verifier, [broken, client.chain[1].der]) != nil, "byte \(index)")
        }
    }

    @Test func timeCounts() throws {
        let verifier = try pki.verifier()
        let client = try pki.client("finance", "a")
        let start = client.leaf.notBefore
        let end = client.leaf.notAfter
        #expect(code(verifier, client.chainDER, now: end - .seconds(1)) == nil)
        #expect(code(verifier, client.chainDER, now: end) == "expired")
        #expect(code(verifier, client.chainDER, now: start - .minutes(5)) == nil)
        #expect(code(verifier, client.chainDER, now: start - .minutes(5) - .seconds(1)) == "not-yet-valid")
        // The whole chain counts: a leaf that outlives its intermediate does not help it.
        let path = try TrustPath()
        let late = path.intermediate.notAfter
        let leaf = try path.leaf { $0.notAfter = late + .days(9) }
        #expect(path.peerVerdict(leaf, now: late - .seconds(1)) == nil)
        #expect(path.peerVerdict(leaf, now: late + .seconds(1)) == "expired")
    }

    /// A chain that was believed before is asked again for everything but its signatures.
    @Test func knownChainsStayUnderTheirTime() throws {
        let verifier = try pki.verifier()
        let client = try pki.client("finance", "a")
        let end = client.leaf.notAfter
        #expect(code(verifier, client.chainDER) == nil)
        #expect(code(verifier, client.chainDER) == nil)
        #expect(code(verifier, client.chainDER, .server) == "wrong-purpose")
        #expect(code(verifier, client.chainDER, now: end) == "expired")
        #expect(code(verifier, client.chainDER, now: client.leaf.notBefore - .minutes(6)) == "not-yet-valid")
        // The same leaf behind another chain is another chain.
        #expect(code(verifier, [client.leaf.der]) == "bad-path")
        #expect(code(verifier, [client.leaf.der, try pki.client("analytics", "a").chain[1].der]) == "bad-path")
        for index in client.leaf.der.indices {
            var broken = client.leaf.der
            broken[index] ^= 0x01
            #expect(code(verifier, [broken, client.chain[1].der]) != nil, "byte \(index)")
        }
        // Another moment's trust knows nothing of it.
        #expect(code(try pki.verifier(denied: [client.leaf.serial]), client.chainDER) == "revoked")
        #expect(code(try TestPKI().verifier(), client.chainDER) == "bad-path")
    }

    @Test func aKnownChainEndsWithItsIntermediate() throws {
        let path = try TrustPath()
        let late = path.intermediate.notAfter
        let leaf = try path.leaf { $0.notAfter = late + .days(9) }
        let verifier = try PeerVerifier(anchors: ["finance.corp.example": [path.root.certificate]])
        let chain = [leaf.der, path.intermediate.der]
        #expect(code(verifier, chain, now: late - .seconds(1)) == nil)
        #expect(code(verifier, chain, now: late + .seconds(1)) == "expired")
    }

    @Test func revocationCounts() throws {
        let client = try pki.client("finance", "a")
        let id = try #require(client.leaf.spiffeID)
        let other = try #require(try pki.client("finance", "b").leaf.spiffeID)
        #expect(code(try pki.verifier(denied: [client.leaf.serial]), client.chainDER) == "revoked")
        #expect(code(try pki.verifier(denied: [client.chain[1].serial]), client.chainDER) == "revoked")
        #expect(code(try pki.verifier(denied: ["00ff"]), client.chainDER) == nil)
        #expect(code(try pki.verifier(deniedIdentities: [other: now + .days(1)]), client.chainDER) == nil)
        // Issued at `now`: revoked by every moment after it, not by one before it.
        #expect(code(try pki.verifier(deniedIdentities: [id: now + .seconds(1)]), client.chainDER) == "revoked")
        #expect(code(try pki.verifier(deniedIdentities: [id: now]), client.chainDER) == nil)
        #expect(code(try pki.verifier(deniedIdentities: [id: now - .days(1)]), client.chainDER) == nil)
    }

    /// A root may certify a key twice: whoever has it ends with the key, under whatever certificate.
    @Test func aRetiredKeyEndsEveryCertificateOfIt() throws {
        let client = try pki.client("finance", "a")
        let key = client.chain[1].publicKey
        let second = try pki.root.issueIntermediate(
            domain: "finance.corp.example", publicKey: key, serial: [UInt8](repeating: 0x77, count: 16), now: now)
        let chain = [client.leaf.der, second.der]
        #expect(code(try pki.verifier(denied: [client.chain[1].serial]), chain) == nil, "another serial number")
        let denied = try pki.verifier(denied: [key.spkiDigest])
        #expect(code(denied, chain) == "revoked" && code(denied, client.chainDER) == "revoked")
        #expect(code(denied, try pki.client("analytics", "a").chainDER) == nil)
        let peer = try pki.verifier().verify(chainDER: chain, purpose: .client, now: now)
        #expect(peer.issuerKeys == [key.spkiDigest, pki.root.certificate.publicKey.spkiDigest])
        #expect(refusal { try denied.recheck(peer, now: now) } == "revoked")
        // The key of the leaf itself is not a CA's.
        #expect(code(try pki.verifier(denied: [client.key.publicKey.spkiDigest]), chain) == nil)
    }

    @Test func recheckSeesWhatChanged() throws {
        let client = try pki.client("finance", "a")
        let peer = try pki.verifier().verify(chainDER: client.chainDER, purpose: .client, now: now)
        func recheck(_ verifier: PeerVerifier, now: Instant = TestPKI.now) -> String? {
            refusal { try verifier.recheck(peer, now: now) }
        }
        #expect(recheck(try pki.verifier()) == nil)
        #expect(recheck(try pki.verifier(), now: peer.notAfter) == "expired")
        #expect(recheck(try pki.verifier(denied: [peer.serial])) == "revoked")
        #expect(recheck(try pki.verifier(deniedIdentities: [peer.id: now + .seconds(1)])) == "revoked")
        #expect(recheck(try pki.verifier(deniedIdentities: [peer.id: now - .seconds(1)])) == nil)
        #expect(recheck(try PeerVerifier(anchors: [:])) == "unknown-trust-domain")
        // Its issuer, and the root: nobody asks for the path again, so the peer remembers it.
        #expect(peer.issuers == [client.chain[1].serial, pki.root.certificate.serial])
        #expect(recheck(try pki.verifier(denied: [client.chain[1].serial])) == "revoked")
        #expect(recheck(try pki.verifier(denied: [pki.root.certificate.serial])) == "revoked")
        let other = try TestPKI()
        #expect(recheck(try other.verifier()) == "bad-path")
    }

    /// What the `@unchecked Sendable` handles promise; the thread sanitizer looks at this one.
    @Test func threadsShareAVerifier() async throws {
        let verifier = try pki.verifier()
        let chain = try pki.client("finance", "a").chainDER
        let authority = try #require(pki.intermediates["finance.corp.example"])
        let key = try #require(pki.signingKeys[.bundle])
        let id = try SPIFFEID("spiffe://finance.corp.example/client/b")
        let believed = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in UInt8.min..<64 {
                group.addTask {
                    let publicKey = try PrivateKey.generateP256().publicKey
                    let template = CertificateTemplate(
                        kind: .client, id: id, publicKey: publicKey, validity: .days(1),
                        serial: [UInt8](repeating: number + 1, count: 16))
                    let leaf = try authority.issueLeaf(template, now: TestPKI.now)
                    let issued = [leaf.der, authority.certificate.der]
                    _ = try verifier.verify(chainDER: issued, purpose: .client, now: TestPKI.now)
                    _ = try verifier.verify(chainDER: chain, purpose: .client, now: TestPKI.now)
                    return key.publicKey.verify([number], signature: try key.sign([number]))
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(believed == 64)
    }

    @Test func anchorsAreRoots() throws {
        let finance = try #require(pki.intermediates["finance.corp.example"]).certificate
        #expect(refusal { _ = try PeerVerifier(anchors: ["finance.corp.example": [finance]]) } == "bad-anchor")
        #expect(refusal { _ = try PeerVerifier(anchors: ["finance.corp.example": []]) } == "bad-anchor")
        #expect(refusal { _ = try PeerVerifier(anchors: ["": [pki.root.certificate]]) } == "bad-anchor")
    }
}
