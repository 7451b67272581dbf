import HubService
import Model
import Storage
import TestSupport
import Testing
import Transport
import Trust

@Suite struct RenewalTests {
    private func csr(_ key: PrivateKey) throws -> String { Base64.encode(try CertificateRequest.make(key: key)) }

    /// What the holder of a certificate sends when it has ended.
    private func request(_ hub: TestHub, _ leaf: Certificate, _ old: PrivateKey, _ new: PrivateKey) throws
        -> ExpiredRenewRequest
    {
        let nonce = try hub.parts.services.renewal.nonce().nonce
        let csr = try csr(new)
        let signed = ExpiredRenewRequest.signedBytes(nonce: nonce, csr: csr)
        return ExpiredRenewRequest(
            certificate: Base64.encode(leaf.der), nonce: nonce, csr: csr, signature: Base64.encode(try old.sign(signed))
        )
    }

    private func enrolled(_ hub: TestHub) async throws -> (leaf: Certificate, key: PrivateKey, identity: SPIFFEID) {
        let key = try PrivateKey.generateP256()
        let answer = try await hub.enrol(try await hub.invite(.spoke), key)
        return (try Certificate.chain(pem: answer.chain)[0], key, answer.identity)
    }

    @Test func aPresentIdentityGetsANewCertificateForANewKey() async throws {
        let hub = try await TestHub.applied()
        let first = try await hub.enrol(try await hub.invite(.spoke), .generateP256())
        hub.advance(by: .days(2))
        let key = try PrivateKey.generateP256()
        let second = try await hub.renew(try Certificate.chain(pem: first.chain)[0], for: key)
        let leaf = try Certificate.chain(pem: second.chain)[0]
        #expect(second.identity == first.identity)
        #expect(leaf.publicKey == key.publicKey)
        #expect(leaf.dnsSANs == ["fin-1.finance.corp.example"])
        #expect(second.notAfter > first.notAfter)
        try await hub.apply(
            TestHub.topology { topology in
                topology.spokes.removeAll { $0.name == "fin-1" }
                for index in topology.servers.indices { topology.servers[index].spokes = ["fin-2"] }
            }, allowRemovals: true)
        #expect(await code { try await hub.renew(leaf) } == "not-registered")
    }

    /// The listener let the caller in, and the revocation came before the certificate: it must not outlive it.
    @Test func whoIsRevokedMeanwhileGetsNoNewCertificate() async throws {
        let hub = try await TestHub.applied()
        let (leaf, _, identity) = try await enrolled(hub)
        hub.advance(by: .hours(1))
        let second = try Certificate.chain(pem: try await hub.renew(leaf).chain)[0]
        hub.advance(by: .hours(1))
        _ = try await hub.parts.services.certificates.revoke(
            CertificateRevocationRequest(serial: leaf.serial), by: hub.owner)
        #expect(await code { try await hub.renew(leaf) } == "revoked")
        #expect(await code { try await hub.renew(second) } == nil)
        _ = try await hub.parts.services.enrolment.revoke(RevocationRequest(identity: identity), by: hub.owner)
        #expect(await code { try await hub.renew(second) } == "revoked")
    }

    /// A thief of the zone's intermediate mints a registered name under its own key, with the serial number of the real one.
    @Test func whatThisHubDidNotIssueRenewsNothing() async throws {
        let hub = try await TestHub.applied()
        let (leaf, _, identity) = try await enrolled(hub)
        let stolen = try #require(hub.parts.authority.intermediate(of: identity.trustDomain))
        let renewal = hub.parts.services.renewal
        func outcome(_ shown: Certificate) async throws -> String? {
            let peer = try hub.parts.trust.verifier.verify(
                chainDER: [shown.der, stolen.certificate.der], purpose: .client, now: hub.now)
            let request = RenewRequest(csr: try csr(.generateP256()))
            return await code { try await renewal.renew(request, of: identity, over: peer) }
        }
        for serial in [try #require(Hex.decode(leaf.serial)), [UInt8](repeating: 0x41, count: 16)] {
            let minted = try stolen.issueLeaf(
                CertificateTemplate(
                    kind: .spoke, id: identity, dns: leaf.dnsSANs.first,
                    publicKey: try PrivateKey.generateP256().publicKey, validity: .days(7), serial: serial),
                now: hub.now)
            #expect(try await outcome(minted) == "unknown-certificate")
        }
        #expect(try await outcome(leaf) == nil)
    }

    @Test func theKeyOfACertificateThatEndedGetsTheNextOne() async throws {
        let hub = try await TestHub.applied()
        let (leaf, key, identity) = try await enrolled(hub)
        hub.advance(by: .days(20))
        let new = try PrivateKey.generateP256()
        let answer = try await hub.parts.services.renewal.renewExpired(
            try request(hub, leaf, key, new), from: "127.0.0.1")
        #expect(answer.identity == identity)
        let chain = try Certificate.chain(pem: answer.chain)
        #expect(chain[0].publicKey == new.publicKey)
        let peer = try hub.parts.trust.verifier.verify(chainDER: chain.map(\.der), purpose: .client, now: hub.now)
        #expect(peer.id == identity)
        #expect(hub.parts.ledger.snapshot.certificates[identity]?.serial == chain[0].serial)
        #expect(try HubVerification.verify(data: hub.directory.file("hub")).isClean)
    }

    @Test func whatIsNotRightIsRefusedAndEveryNonceIsGoodOnce() async throws {
        let hub = try await TestHub.applied()
        let (leaf, key, _) = try await enrolled(hub)
        let renewal = hub.parts.services.renewal
        hub.advance(by: .days(8))
        let new = try PrivateKey.generateP256()
        func outcome(_ request: ExpiredRenewRequest) async -> String? {
            await code { try await renewal.renewExpired(request, from: "127.0.0.1") }
        }
        #expect(try await outcome(request(hub, leaf, new, new)) == "bad-signature")
        var exchanged = try request(hub, leaf, key, new)
        exchanged.csr = try csr(.generateP256())
        #expect(await outcome(exchanged) == "bad-signature")
        // The refusal spent its nonce.
        #expect(await outcome(exchanged) == "bad-nonce")
        var unknown = try request(hub, leaf, key, new)
        unknown.nonce = Base64.encodeURL([UInt8](repeating: 1, count: 32))
        #expect(await outcome(unknown) == "bad-nonce")
        let late = try request(hub, leaf, key, new)
        hub.advance(by: .minutes(5))
        #expect(await outcome(late) == "bad-nonce")
        let pki = try Certificate(der: hub.parts.authority.root.der)
        #expect(try await outcome(request(hub, pki, key, new)) == "unknown-certificate")
        let good = try request(hub, leaf, key, new)
        #expect(await outcome(good) == nil)
        #expect(await outcome(good) == "bad-nonce")
    }

    @Test(arguments: [(Milliseconds.days(20), nil), (.days(21), "expired")] as [(Milliseconds, String?)])
    func theGraceIsFourteenDays(age: Milliseconds, expected: String?) async throws {
        let hub = try await TestHub.applied()
        let (leaf, key, _) = try await enrolled(hub)
        hub.advance(by: age)
        let request = try request(hub, leaf, key, .generateP256())
        #expect(await code { try await hub.parts.services.renewal.renewExpired(request, from: "a") } == expected)
    }

    @Test(
        arguments: [
            (true, nil, nil), (false, nil, "renewal-off"), (nil, false, "renewal-off"), (false, true, "renewal-off"),
            (true, true, nil),
        ] as [(Bool?, Bool?, String?)])
    func filesSwitchItOff(organization: Bool?, zone: Bool?, expected: String?) async throws {
        let hub = try await TestHub.applied()
        let (leaf, key, _) = try await enrolled(hub)
        try await hub.apply(
            TestHub.topology {
                $0.organization.renewal = organization.map { RenewalTerms(expired: $0) }
                $0.zones[1].renewal = zone.map { RenewalTerms(expired: $0) }
            })
        // What is not expired renews as ever.
        let renewal = hub.parts.services.renewal
        hub.advance(by: .days(3))
        #expect(await code { try await hub.renew(leaf) } == nil)
        hub.advance(by: .days(8))
        let late = try request(hub, leaf, key, .generateP256())
        #expect(await code { try await renewal.renewExpired(late, from: "a") } == expected)
    }

    @Test func onlyItsOwnZoneSwitchesItOff() async throws {
        let hub = try await TestHub.applied()
        let (leaf, key, _) = try await enrolled(hub)
        try await hub.apply(TestHub.topology { $0.zones[0].renewal = RenewalTerms(expired: false) })
        hub.advance(by: .days(8))
        let late = try request(hub, leaf, key, .generateP256())
        #expect(await code { try await hub.parts.services.renewal.renewExpired(late, from: "a") } == nil)
    }

    @Test func openNoncesAreBoundedAndTheOldestGoes() async throws {
        let hub = try await TestHub.applied()
        let (leaf, key, _) = try await enrolled(hub)
        hub.advance(by: .days(8))
        let renewal = hub.parts.services.renewal
        let first = try request(hub, leaf, key, .generateP256())
        let second = try request(hub, leaf, key, .generateP256())
        // With the two above one more than may be open.
        for _ in 0..<4095 { _ = try renewal.nonce() }
        #expect(await code { try await renewal.renewExpired(first, from: "a") } == "bad-nonce")
        #expect(await code { try await renewal.renewExpired(second, from: "a") } == nil)
    }

    @Test func neitherTheRevokedNorPeopleNorWhoLeftTheTopologyRenewLate() async throws {
        let hub = try await TestHub.applied()
        let (leaf, key, identity) = try await enrolled(hub)
        let userKey = try PrivateKey.generateP256()
        let user = try await hub.enrol(try await hub.invite(.user, nil, nil, address: "ana@corp.example"), userKey)
        let userLeaf = try Certificate.chain(pem: user.chain)[0]
        let leftKey = try PrivateKey.generateP256()
        let left = try Certificate.chain(
            pem: try await hub.enrol(try await hub.invite(.spoke, "finance", "fin-2"), leftKey).chain)[0]
        try await hub.apply(
            TestHub.topology {
                $0.spokes.removeAll { $0.name == "fin-2" }
                $0.servers[0].spokes = ["fin-1"]
            }, allowRemovals: true)
        hub.advance(by: .days(8))
        let renewal = hub.parts.services.renewal
        let person = try request(hub, userLeaf, userKey, .generateP256())
        #expect(await code { try await renewal.renewExpired(person, from: "a") } == "forbidden")
        let gone = try request(hub, left, leftKey, .generateP256())
        #expect(await code { try await renewal.renewExpired(gone, from: "a") } == "not-registered")
        _ = try await hub.parts.services.enrolment.revoke(RevocationRequest(identity: identity), by: hub.owner)
        let revoked = try request(hub, leaf, key, .generateP256())
        #expect(await code { try await renewal.renewExpired(revoked, from: "a") } == "revoked")
    }

    @Test func aRevokedNameComesBackOnlyWhereThatIsSaid() async throws {
        let hub = try await TestHub.applied()
        let (_, _, identity) = try await enrolled(hub)
        hub.advance(by: .minutes(10))
        _ = try await hub.parts.services.enrolment.revoke(RevocationRequest(identity: identity), by: hub.owner)
        #expect(await code { try await hub.invite(.spoke) } == "identity-revoked")
        hub.advance(by: .seconds(2))
        _ = try await hub.enrol(try await hub.invite(.spoke, replace: true), .generateP256())
        // It is back: another invitation is one like any other.
        #expect(await code { try await hub.invite(.spoke) } == nil)
    }
}
