import HubService
import Model
import Storage
import TestSupport
import Testing
import Transport
import Trust

@Suite struct CertificatesTests {
    private func enrolled(_ hub: TestHub, _ kind: Invitation.Kind, _ zone: String, _ name: String) async throws
        -> Certificate
    {
        try Certificate.chain(
            pem: try await hub.enrol(try await hub.invite(kind, zone, name), .generateP256()).chain)[0]
    }

    @Test func statesFollowRenewalRevocationAndTime() async throws {
        let hub = try await TestHub.applied()
        let certificates = hub.parts.services.certificates
        let spoke = try await enrolled(hub, .spoke, "finance", "fin-1")
        let bot = try await enrolled(hub, .client, "analytics", "bot")
        let identity = try #require(spoke.spiffeID)
        hub.advance(by: .days(2))
        _ = try await hub.renew(spoke)
        _ = try await certificates.revoke(CertificateRevocationRequest(serial: bot.serial), by: hub.owner)

        #expect(try await certificates.show(spoke.serial, hub.owner).state == .superseded)
        #expect(try await certificates.show(bot.serial, hub.owner).state == .revoked)
        #expect(try await certificates.show(bot.serial, hub.owner).certificate == Base64.encode(bot.der))
        let finance = try await certificates.list(Query(["zone": "finance"]), hub.owner)
        #expect(finance.map(\.state) == [.current, .superseded])
        #expect(try await certificates.list(Query(["zone": "finance", "limit": "1"]), hub.owner).count == 1)
        #expect(try await certificates.list(Query(["zone": "finance", "expiring": "3d"]), hub.owner).isEmpty)
        #expect(certificates.expiring(hub.owner).isEmpty)
        let row = try #require(try hub.parts.services.lists.clients(Query(), hub.owner).first)
        #expect(row.enrolment == .revoked)

        hub.advance(by: .days(5))
        #expect(try await certificates.list(Query(["zone": "finance"]), hub.owner).map(\.state) == [.current])
        let soon = try await certificates.list(Query(["zone": "finance", "expiring": "3d"]), hub.owner)
        #expect(soon.map(\.identity) == [identity])
        #expect(certificates.expiring(hub.owner).map(\.identity).contains(identity))
        #expect(try await hub.parts.services.lists.status(hub.owner).expiring == certificates.expiring(hub.owner))
        #expect(try await certificates.show(spoke.serial, hub.owner).state == .expired)
        #expect(try HubVerification.verify(data: hub.directory.file("hub")).isClean)
    }

    @Test func theFirstDigitsFindACertificateThatNoOtherBeginsLike() async throws {
        let hub = try await TestHub.applied()
        let certificates = hub.parts.services.certificates
        let bot = try await enrolled(hub, .client, "analytics", "bot")
        let prefix = String(bot.serial.prefix(20))
        #expect(try await certificates.show(prefix, hub.owner).serial == bot.serial)
        #expect(
            await code { try await certificates.show(String(prefix.dropLast()), hub.owner) } == "unknown-certificate")
        #expect(await code { try await certificates.show("\(prefix)-", hub.owner) } == "unknown-certificate")
        let elsewhere = Standing(
            identity: try SPIFFEID("spiffe://corp.example/user/u-f"), organization: [], zones: ["finance": [.owner]])
        #expect(await code { try await certificates.show(prefix, elsewhere) } == "unknown-certificate")

        let identity = try #require(bot.spiffeID)
        var other = try #require(hub.parts.ledger.snapshot.certificates[identity])
        other.serial = prefix + String(repeating: "0", count: bot.serial.count - 20)
        other.invitation = nil
        let twin = other
        _ = try await hub.parts.ledger.append(by: .hub, why: nil) { _ in [.certificateIssued(twin)] }
        #expect(await code { try await certificates.show(prefix, hub.owner) } == "ambiguous-serial")
        #expect(try await certificates.show(bot.serial, hub.owner).serial == bot.serial)
        // What is ended is named whole.
        let begun = CertificateRevocationRequest(serial: String(bot.serial.dropLast()))
        #expect(await code { try await certificates.revoke(begun, by: hub.owner) } == "unknown-certificate")
    }

    @Test func whatCannotBeRevokedIsRefused() async throws {
        let hub = try await TestHub.applied()
        let certificates = hub.parts.services.certificates
        func outcome(_ serial: String, by standing: Standing) async -> String? {
            await code { try await certificates.revoke(CertificateRevocationRequest(serial: serial), by: standing) }
        }
        #expect(await outcome("00ff", by: hub.owner) == "unknown-certificate")
        let own = try #require(hub.parts.ledger.snapshot.certificates[hub.owner.identity])
        #expect(await outcome(own.serial, by: hub.owner) == "own-identity")
        let hubs = try #require(
            hub.parts.ledger.snapshot.certificates[try SPIFFEID("spiffe://corp.example/hub/h1")])
        #expect(await outcome(hubs.serial, by: hub.owner) == "own-identity")
        let bot = try await enrolled(hub, .client, "analytics", "bot")
        let finance = Standing(
            identity: try SPIFFEID("spiffe://corp.example/user/u-f"), organization: [], zones: ["finance": [.owner]])
        #expect(await outcome(bot.serial, by: finance) == "forbidden")
        #expect(await code { try await certificates.show(bot.serial, finance) } == "forbidden")
        #expect(try await certificates.list(Query(), finance).isEmpty)
        #expect(await code { try await certificates.list(Query(["expiring": "soon"]), hub.owner) } == "bad-query")
        #expect(await outcome(bot.serial, by: hub.owner) == nil)
        let size = hub.parts.ledger.snapshot.size
        #expect(await outcome(bot.serial, by: hub.owner) == nil)
        #expect(hub.parts.ledger.snapshot.size == size)
    }

    @Test func aZonesListNamesWhatIsRevokedThereAndOnlyThat() async throws {
        let hub = try await TestHub.applied()
        let certificates = hub.parts.services.certificates
        let first = try await enrolled(hub, .spoke, "finance", "fin-1")
        let second = try await enrolled(hub, .spoke, "finance", "fin-2")
        let good = try await enrolled(hub, .client, "finance", "housekeeping")
        let foreign = try await enrolled(hub, .client, "analytics", "bot")
        hub.advance(by: .minutes(10))
        let empty = try CertificateRevocationList(der: try await certificates.revocationList(of: "finance"))
        #expect(empty.entries.isEmpty)
        #expect(try await certificates.revocationList(of: "finance") == empty.der)

        let revokedAt = hub.now
        _ = try await certificates.revoke(CertificateRevocationRequest(serial: first.serial), by: hub.owner)
        hub.advance(by: .minutes(10))
        _ = try await hub.parts.services.enrolment.revoke(
            RevocationRequest(identity: try #require(second.spiffeID)), by: hub.owner)
        _ = try await certificates.revoke(CertificateRevocationRequest(serial: foreign.serial), by: hub.owner)
        let der = try await certificates.revocationList(of: "finance")
        let list = try CertificateRevocationList(der: der)
        #expect(Set(list.entries.map(\.serial)) == [first.serial, second.serial])
        #expect(list.entries.first { $0.serial == first.serial }?.at == revokedAt)
        #expect(!list.contains(serial: good.serial))
        #expect(list.number == hub.parts.ledger.snapshot.size - 1)
        #expect(list.number > empty.number)
        #expect(list.nextUpdate == hub.now + .days(7))
        let issuer = try #require(hub.parts.authority.intermediate(of: "finance.corp.example"))
        try list.verify(issuer: issuer.certificate, now: hub.now)

        // Nothing changed: the same bytes; a day later, when the ledger has grown, a younger list.
        hub.advance(by: .hours(1))
        #expect(try await certificates.revocationList(of: "finance") == der)
        hub.advance(by: .hours(24))
        #expect(try await certificates.revocationList(of: "finance") == der)
        _ = try await enrolled(hub, .client, "analytics", "bot")
        let next = try CertificateRevocationList(der: try await certificates.revocationList(of: "finance"))
        #expect(next.number > list.number && next.entries == list.entries)
        // What has ended needs no list any more.
        hub.advance(by: .days(7))
        _ = try await enrolled(hub, .client, "analytics", "bot")
        let last = try CertificateRevocationList(der: try await certificates.revocationList(of: "finance"))
        #expect(last.entries.isEmpty)
        #expect(await code { try await certificates.revocationList(of: "legal") } == "unknown-zone")
        let own = try CertificateRevocationList(der: try await certificates.revocationList(of: "hub"))
        #expect(own.entries.isEmpty)
    }
}
