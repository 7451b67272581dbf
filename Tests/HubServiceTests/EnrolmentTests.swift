import HubService
import Model
import Storage
import TestSupport
import Testing
import Transport
import Trust

@Suite struct EnrolmentTests {
    @Test func aTokenIsSpentForACertificateThatItsTrustDomainVouchesFor() async throws {
        let hub = try await TestHub.applied()
        let key = try PrivateKey.generateP256()
        let answer = try await hub.enrol(try await hub.invite(.spoke), key)
        let chain = try Certificate.chain(pem: answer.chain)
        #expect(answer.identity.description == "spiffe://finance.corp.example/spoke/fin-1")
        #expect(chain.count == 2)
        #expect(chain[0].publicKey == key.publicKey)
        #expect(chain[0].dnsSANs == ["fin-1.finance.corp.example"])
        #expect(answer.notAfter <= hub.now + .days(7))
        for purpose in CertificatePurpose.allCases {
            let peer = try hub.parts.trust.verifier.verify(chainDER: chain.map(\.der), purpose: purpose, now: hub.now)
            #expect(peer.id == answer.identity)
        }
    }

    @Test func theSameKeyGetsTheSameCertificateAgain() async throws {
        let hub = try await TestHub.applied()
        let token = try await hub.invite(.spoke)
        let key = try PrivateKey.generateP256()
        let first = try await hub.enrol(token, key)
        let size = hub.parts.ledger.snapshot.size
        // The token's own time is over, the certificate's is not: the answer was lost all the same.
        hub.advance(by: .days(2))
        #expect(try await hub.enrol(token, key) == first)
        #expect(hub.parts.ledger.snapshot.size == size)
    }

    @Test func anotherKeyIsRefused() async throws {
        let hub = try await TestHub.applied()
        let token = try await hub.invite(.spoke)
        _ = try await hub.enrol(token, try PrivateKey.generateP256())
        #expect(await code { try await hub.enrol(token, try PrivateKey.generateP256()) } == "token-spent")
    }

    @Test func twoThatRaceGetOneCertificate() async throws {
        let hub = try await TestHub.applied()
        let token = try await hub.invite(.spoke)
        let outcomes = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<8 {
                group.addTask { await code { try await hub.enrol(token, try PrivateKey.generateP256()) } }
            }
            return await group.reduce(into: [String?]()) { $0.append($1) }
        }
        #expect(outcomes.count { $0 == nil } == 1)
        #expect(outcomes.count { $0 == "token-spent" } == 7)
    }

    @Test func anExpiredTokenIsRefused() async throws {
        let hub = try await TestHub.applied()
        let token = try await hub.invite(.spoke, validFor: .minutes(5))
        hub.advance(by: .minutes(5))
        #expect(await code { try await hub.enrol(token, try PrivateKey.generateP256()) } == "token-expired")
    }

    @Test func aTokenNobodyMadeIsRefused() async throws {
        let hub = try await TestHub.applied()
        let made = try await hub.invite(.spoke)
        let forged = try JoinToken(
            hub: made.hub, address: made.address, root: made.root, zone: made.zone, name: made.name, kind: made.kind,
            secret: [UInt8](repeating: 7, count: 32))
        #expect(await code { try await hub.enrol(forged, try PrivateKey.generateP256()) } == "token-unknown")
    }

    @Test func revokingWithdrawsCertificateAndInvitation() async throws {
        let hub = try await TestHub.applied()
        let key = try PrivateKey.generateP256()
        let spent = try await hub.invite(.spoke)
        let answer = try await hub.enrol(spent, key)
        let open = try await hub.invite(.spoke)
        hub.advance(by: Milliseconds(600_500))
        let chain = try Certificate.chain(pem: answer.chain).map(\.der)
        _ = try await hub.parts.services.enrolment.revoke(RevocationRequest(identity: answer.identity), by: hub.owner)
        #expect(await code { try await hub.enrol(open, key) } == "token-withdrawn")
        #expect(await code { try await hub.enrol(spent, key) } == "token-spent")
        let verifier = hub.parts.trust.verifier
        #expect(await code { try verifier.verify(chainDER: chain, purpose: .client, now: hub.now) } == "revoked")
        // A new invitation brings the identity back, within the same second.
        hub.advance(by: Milliseconds(1))
        let token = try await hub.invite(.spoke, replace: true)
        #expect(await code { try await hub.enrol(token, key) } == "key-revoked")
        let again = try await hub.enrol(token, try PrivateKey.generateP256())
        let renewed = try Certificate.chain(pem: again.chain).map(\.der)
        #expect(try verifier.verify(chainDER: renewed, purpose: .client, now: hub.now).id == answer.identity)
    }

    @Test func aClientsCertificateEndsWithTheClient() async throws {
        let hub = try await TestHub.applied()
        try await hub.apply(TestHub.topology { $0.clients[0].until = TestHub.start + .days(2) })
        let token = try await hub.invite(.client, "analytics", "bot")
        let answer = try await hub.enrol(token, try PrivateKey.generateP256())
        #expect(answer.notAfter == TestHub.start + .days(2))
        let late = try await hub.invite(.client, "analytics", "bot", validFor: .days(7))
        hub.advance(by: .days(3))
        #expect(await code { try await hub.enrol(late, try PrivateKey.generateP256()) } == "client-ended")
    }

    @Test func aUserKeepsTheOpaqueIDAndNoAddressStandsInTheCertificate() async throws {
        let hub = try await TestHub.applied()
        let first = try await hub.invite(.user, nil, nil, address: "ana@corp.example")
        let second = try await hub.invite(.user, nil, nil, address: "ana@corp.example")
        let other = try await hub.invite(.user, nil, nil, address: "bob@corp.example")
        #expect(first.name == second.name)
        #expect(first.name != other.name)
        let answer = try await hub.enrol(first, try PrivateKey.generateP256())
        let leaf = try Certificate.chain(pem: answer.chain)[0]
        #expect(leaf.uriSANs == ["spiffe://corp.example/user/\(first.name)"])
        #expect(!leaf.subject.contains("ana@"))
    }

    @Test(arguments: [
        (InvitationRequest(kind: .spoke, zone: "finance", name: "fin-9"), "not-registered"),
        (InvitationRequest(kind: .client, zone: "finance", name: "fin-1"), "not-registered"),
        (InvitationRequest(kind: .spoke, name: "fin-1"), "bad-invitation"),
        (InvitationRequest(kind: .spoke, zone: "finance", name: "fin-1", validFor: .days(8)), "bad-invitation"),
        (InvitationRequest(kind: .user, zone: "finance", address: "a@corp.example"), "bad-invitation"),
        (InvitationRequest(kind: .user, address: "a b"), "bad-invitation"),
        (InvitationRequest(kind: .user), "bad-invitation"),
    ])
    func anInvitationThatMeansNothingIsRefused(request: InvitationRequest, expected: String) async throws {
        let hub = try await TestHub.applied()
        #expect(await code { try await hub.parts.services.enrolment.invite(request, by: hub.owner) } == expected)
    }

    @Test func aRequestThatProvesNoKeyIsRefused() async throws {
        let hub = try await TestHub.applied()
        let token = try await hub.invite(.spoke)
        var der = try CertificateRequest.make(key: try PrivateKey.generateP256())
        der[der.count - 1] ^= 1
        let csr = Base64.encode(der)
        let outcome = await code {
            try await hub.parts.services.enrolment.enrol(
                token.request(csr: csr), from: "127.0.0.1")
        }
        #expect(outcome == "no-proof-of-possession")
        // It spent nothing.
        #expect(await code { try await hub.enrol(token, try PrivateKey.generateP256()) } == nil)
    }

    @Test func anAlteredTokenIsRefusedAndSpendsNothing() async throws {
        let hub = try await TestHub.applied()
        let token = try await hub.invite(.spoke)
        let csr = Base64.encode(try CertificateRequest.make(key: try PrivateKey.generateP256()))
        for change: (inout EnrolRequest) -> Void in [
            { $0.zone = "analytics" }, { $0.zone = nil }, { $0.name = "fin-2" }, { $0.kind = .client },
        ] {
            var request = token.request(csr: csr)
            change(&request)
            let altered = request
            let outcome = await code {
                try await hub.parts.services.enrolment.enrol(altered, from: "127.0.0.1")
            }
            #expect(outcome == "token-altered")
        }
        #expect(await code { try await hub.enrol(token, try PrivateKey.generateP256()) } == nil)
    }

    @Test func nobodyRevokesThemselvesOrStrangers() async throws {
        let hub = try await TestHub.applied()
        let enrolment = hub.parts.services.enrolment
        let own = RevocationRequest(identity: hub.owner.identity)
        #expect(await code { try await enrolment.revoke(own, by: hub.owner) } == "own-identity")
        let stranger = RevocationRequest(identity: try SPIFFEID("spiffe://finance.corp.example/spoke/fin-2"))
        #expect(await code { try await enrolment.revoke(stranger, by: hub.owner) } == "unknown-identity")
        let itself = RevocationRequest(identity: try SPIFFEID("spiffe://corp.example/hub/h1"))
        #expect(await code { try await enrolment.revoke(itself, by: hub.owner) } == "unknown-identity")
    }

    @Test func aPersonIsRevokedByTheirAddress() async throws {
        let hub = try await TestHub.applied()
        let enrolment = hub.parts.services.enrolment
        let erin = try await hub.enrol(
            try await hub.invite(.user, nil, nil, address: "erin@corp.example"), .generateP256())
        let other = try await hub.enrol(
            try await hub.invite(.user, nil, nil, address: "kate.erin@corp.example"), .generateP256())
        func outcome(_ request: RevocationRequest, by standing: Standing? = nil) async -> String? {
            await code { try await enrolment.revoke(request, by: standing ?? hub.owner) }
        }
        let lost = RevocationRequest(address: "Erin@corp.example", why: "laptop was lost")
        #expect(await outcome(lost, by: Standing(of: other.identity, hub.parts.ledger.snapshot)) == "forbidden")
        #expect(await outcome(lost) == nil)
        #expect(hub.parts.ledger.snapshot.state.revokedIdentities.map(\.identity) == [erin.identity])
        #expect(await outcome(RevocationRequest(address: "nobody@corp.example")) == "unknown-identity")
        #expect(await outcome(RevocationRequest(address: "no address")) == "bad-address")
        var both = RevocationRequest(identity: other.identity)
        both.address = "erin@corp.example"
        #expect(await outcome(both) == "bad-revocation")
        both.identity = nil
        both.address = nil
        #expect(await outcome(both) == "bad-revocation")
        var owner = hub.owner
        owner.identity = other.identity
        #expect(await outcome(RevocationRequest(address: "kate.erin@corp.example"), by: owner) == "own-identity")
        #expect(try HubVerification.verify(data: hub.directory.file("hub")).isClean)
    }
}
