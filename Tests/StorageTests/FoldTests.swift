import Model
import Storage
import TestSupport
import Testing
import Trust

@Suite struct FoldTests {
    private static let client = "spiffe://finance.corp.example/client/bot"

    private static func invitation(_ id: String, secret: UInt8) -> Event {
        .invitationCreated(
            Invitation(
                id: id, kind: .client, zone: "finance", name: "bot", secretHash: digestText(of: [secret]),
                expires: TestHub.start))
    }

    private static func certificate(_ serial: String, _ identity: String = client, invitation: String?) throws -> Event
    {
        .certificateIssued(
            CertificateIssued(
                identity: try SPIFFEID(identity), serial: serial, notBefore: TestHub.start, notAfter: TestHub.start,
                key: digestText(of: [9]), certificate: "MAA=", invitation: invitation))
    }

    private static func revoked(_ id: String, item: String? = nil) throws -> Event {
        .grantRevoked(
            GrantRevoked(
                id: id, principal: .anyone, server: "finance/ledger", capabilities: [try CapabilityPattern("*")],
                cause: .revoked, item: item))
    }

    private static func review(_ id: String, zone: String = "finance") throws -> Event {
        let grant = Grant(principal: .anyone, server: "\(zone)/ledger", capabilities: [], rule: "\(zone)/r")
        return .reviewOpened(
            ReviewOpened(
                id: id, zone: zone, due: TestHub.start, items: [ReviewItem(number: 1, grant: grant)],
                evidence: digestText(of: [])))
    }

    private static func decided(_ review: String, _ item: Int) -> Event {
        .reviewDecided(ReviewDecided(review: review, item: item, verdict: .keep))
    }

    private static func closed(_ review: String) -> Event {
        .reviewClosed(ReviewClosed(review: review, kept: 0, revoked: 0, lapsed: 0))
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var code: String
        var events: @Sendable () throws -> [Event]

        init(_ what: String, _ code: String, _ events: @escaping @Sendable () throws -> [Event]) {
            testDescription = what
            self.code = code
            self.events = events
        }
    }

    static let refusals = [
        Refusal("opened twice", "not-opened") { [TestHub.opening] },
        Refusal("an object that is not there", "no-object") { [.objectRemoved(ObjectName(kind: .zone, name: "x"))] },
        Refusal("tools of a server that is not there", "no-object") {
            [.toolsWithdrawn(ToolsWithdrawn(server: "finance/x", tools: ["t"]))]
        },
        Refusal("an invitation's id twice", "conflict") {
            [invitation("in-1", secret: 1), invitation("in-1", secret: 2)]
        },
        Refusal("a secret twice", "conflict") { [invitation("in-1", secret: 1), invitation("in-2", secret: 1)] },
        Refusal("no such invitation", "unknown-invitation") { [try certificate("01", invitation: "in-1")] },
        Refusal("another's invitation", "unknown-invitation") {
            let other = "spiffe://finance.corp.example/client/eve"
            return [invitation("in-1", secret: 1), try certificate("01", other, invitation: "in-1")]
        },
        Refusal("an invitation spent twice", "invitation-spent") {
            [
                invitation("in-1", secret: 1), try certificate("01", invitation: "in-1"),
                try certificate("02", invitation: "in-1"),
            ]
        },
        Refusal("an invitation of a revoked identity", "invitation-spent") {
            [
                invitation("in-1", secret: 1),
                .identityRevoked(IdentityRevocation(identity: try SPIFFEID(client), issuedBefore: TestHub.start)),
                try certificate("01", invitation: "in-1"),
            ]
        },
        Refusal("a serial twice", "conflict") {
            [try certificate("01", invitation: nil), try certificate("01", invitation: nil)]
        },
        Refusal("a revocation's id twice", "conflict") { [try revoked("rv-1"), try revoked("rv-1")] },
        Refusal("no such revocation", "no-revocation") { [.grantReinstated(GrantReinstated(id: "rv-1"))] },
        Refusal("lifted twice", "no-revocation") {
            [
                try revoked("rv-1"), .grantReinstated(GrantReinstated(id: "rv-1")),
                .grantReinstated(GrantReinstated(id: "rv-1")),
            ]
        },
        Refusal("two open reviews of a zone", "conflict") { [try review("ar-1"), try review("ar-2")] },
        Refusal("no such review", "no-review") { [decided("ar-1", 1)] },
        Refusal("no such item", "no-review-item") { [try review("ar-1"), decided("ar-1", 2)] },
        Refusal("a revocation for no item", "no-review-item") {
            [try review("ar-1"), try revoked("rv-1", item: "ar-1/2")]
        },
        Refusal("a revocation for nonsense", "no-review-item") { [try revoked("rv-1", item: "ar-1")] },
        Refusal("decided after the close", "review-closed") {
            [try review("ar-1"), closed("ar-1"), decided("ar-1", 1)]
        },
        Refusal("closed twice", "review-closed") { [try review("ar-1"), closed("ar-1"), closed("ar-1")] },
    ]

    @Test(arguments: refusals)
    func contradictionsAreRefusedAndLeaveNothing(refusal: Refusal) async throws {
        let hub = try await TestHub.opened()
        let before = try hub.ledger.snapshot.facts
        let failure = await failureCode { _ = try await hub.ledger.append(by: .hub) { _ in try refusal.events() } }
        #expect(failure == refusal.code)
        #expect(try hub.ledger.snapshot.facts == before)
        #expect(try hub.verify().problems == [])
    }

    @Test func theFirstEntryOpens() async throws {
        let hub = try TestHub()
        let failure = await failureCode {
            _ = try await hub.ledger.append(by: .hub) { _ in [try Self.revoked("rv-1")] }
        }
        #expect(failure == "not-opened")
    }

    @Test func changesCountByScope() async throws {
        let hub = try await TestHub.opened()
        func append(_ events: [Event]) async throws { _ = try await hub.ledger.append(by: .hub) { _ in events } }
        try await append([try Self.revoked("rv-1")])
        #expect(hub.ledger.snapshot.state.changes == ["finance": 1])
        try await append([.certificateRevoked(CertificateRevoked(serial: "01"))])
        #expect(hub.ledger.snapshot.state.changes == ["finance": 1, "organization": 2])
        try await append([try Self.review("ar-1", zone: "sales")])
        try await append([Self.decided("ar-1", 1)])
        try await append([Self.closed("ar-1"), .grantReinstated(GrantReinstated(id: "rv-1"))])
        #expect(hub.ledger.snapshot.state.changes == ["sales": 5, "finance": 6, "organization": 2])
        // Inviting and enrolling change nobody's bundle.
        try await append([Self.invitation("in-1", secret: 1), try Self.certificate("02", invitation: "in-1")])
        #expect(hub.ledger.snapshot.state.revision(ofZone: "finance") == 6)
        #expect(hub.ledger.snapshot.state.revision(ofZone: "other") == 2)
    }

    @Test func masksComeFromRevocationsAndOpenReviews() async throws {
        let hub = try await TestHub.opened()
        _ = try await hub.ledger.append(by: .hub) { _ in [try Self.review("ar-1")] }
        #expect(hub.ledger.snapshot.state.masks.map(\.id) == ["ar-1/1"])
        #expect(hub.ledger.snapshot.state.masks.map(\.at) == [TestHub.start])
        _ = try await hub.ledger.append(by: .hub) { _ in
            [
                .reviewDecided(ReviewDecided(review: "ar-1", item: 1, verdict: .revoke)),
                try Self.revoked("rv-ar-1-1", item: "ar-1/1"),
            ]
        }
        #expect(hub.ledger.snapshot.state.masks.map(\.id) == ["rv-ar-1-1"])
        let record = try await hub.ledger.read { try $0.review(id: "ar-1") }
        #expect(record?.items.map(\.revocation) == ["rv-ar-1-1"])
        #expect(record?.review.unanswered == [])
        _ = try await hub.ledger.append(by: .hub) { _ in [.grantReinstated(GrantReinstated(id: "rv-ar-1-1"))] }
        #expect(hub.ledger.snapshot.state.masks == [])
    }

    @Test func aRevokedIdentityNeverGetsLessRevoked() async throws {
        let hub = try await TestHub.opened()
        let identity = try SPIFFEID(Self.client)
        for moment in [TestHub.start, TestHub.start + .days(2), TestHub.start + .days(1)] {
            _ = try await hub.ledger.append(by: .hub) { _ in
                [.identityRevoked(IdentityRevocation(identity: identity, issuedBefore: moment))]
            }
        }
        let latest = IdentityRevocation(identity: identity, issuedBefore: TestHub.start + .days(2))
        #expect(hub.ledger.snapshot.state.revokedIdentities == [latest])
        #expect(try await hub.ledger.read { try $0.revokedIdentity(identity) } == latest)
    }

    @Test func itemsRememberWhoAndWhy() async throws {
        let hub = try await TestHub.opened()
        let ana = Author(requester: try SPIFFEID("spiffe://corp.example/user/ana"))
        _ = try await hub.ledger.append(by: .hub) { _ in [try Self.review("ar-1")] }
        _ = try await hub.ledger.append(by: ana, why: "still needed") { _ in [Self.decided("ar-1", 1)] }
        _ = try await hub.ledger.append(by: ana) { _ in [Self.closed("ar-1")] }
        let record = try #require(try await hub.ledger.read { try $0.review(id: "ar-1") })
        #expect(record.items.map(\.why) == ["still needed"])
        #expect(record.items.map(\.author) == [ana])
        #expect(record.closedIndex == 3)
        #expect(record.closedBy == ana)
        #expect(record.review.state == .closed)
        #expect(hub.ledger.snapshot.reviews["ar-1"] == record.review)
    }

    @Test func aSpentInvitationHandsItsCertificateOutAgain() async throws {
        let hub = try await TestHub.opened()
        _ = try await hub.ledger.append(by: .hub) { _ in [Self.invitation("in-1", secret: 1)] }
        #expect(hub.ledger.snapshot.invitations.count == 1)
        _ = try await hub.ledger.append(by: .hub) { _ in [try Self.certificate("01", invitation: "in-1")] }
        _ = try await hub.ledger.append(by: .hub) { _ in [try Self.certificate("02", invitation: nil)] }
        let identity = try SPIFFEID(Self.client)
        let record = try await hub.ledger.read { try $0.invitation(secretHash: digestText(of: [1])) }
        #expect(record?.certificate?.serial == "01")
        #expect(record?.isVoid == false)
        #expect(hub.ledger.snapshot.invitations == [])
        #expect(hub.ledger.snapshot.certificates[identity]?.serial == "02")
        #expect(try await hub.ledger.read { try $0.certificates(identity).map(\.serial) } == ["01", "02"])
        #expect(try await hub.ledger.read { try $0.latestCertificate(identity)?.serial } == "02")
    }
}

@Suite struct ManifestFoldTests {
    @Test func versionsFollowEachOtherAndAreReplayed() async throws {
        let hub = try await TestHub.opened()
        for version in 1...3 as ClosedRange<Int64> {
            _ = try await hub.ledger.append(by: .hub) { registry in
                let digest = try registry.keep(artifact: Array("version \(version)".utf8))
                return [.manifestPublished(ManifestPublished(version: version, digest: digest))]
            }
        }
        for wrong in [1, 3, 5] as [Int64] {
            await #expect(throws: StorageError.self) {
                _ = try await hub.ledger.append(by: .hub) { _ in
                    [.manifestPublished(ManifestPublished(version: wrong, digest: digestText(of: [])))]
                }
            }
        }
        #expect(try hub.database.manifests().map { String(decoding: $0, as: UTF8.self) }.last == "version 3")
        #expect(try hub.verify().problems == [])
        try hub.sql("UPDATE manifests SET digest = 'sha256:00' WHERE version = 2")
        #expect(try hub.verify().problems.contains { $0.table == "manifests" && $0.row == "2" })
    }

    @Test func anotherKeySignsTheSameHeadAndWhatFollows() async throws {
        let hub = try await TestHub.opened()
        let next = try PrivateKey.generateEd25519()
        let snapshot = try await hub.ledger.sign(with: next)
        let head = try Checkpoint.verified(note: snapshot.checkpoint, origin: TestHub.origin, keys: [next.publicKey])
        #expect(head.size == 1)
        _ = try await hub.ledger.append(by: .hub) { _ in
            [.certificateRevoked(CertificateRevoked(serial: "0a"))]
        }
        let keys = [hub.key.publicKey, next.publicKey]
        #expect(try hub.verify(keys: keys).problems == [])
        #expect(try hub.verify().problems.contains { $0.table == "checkpoints" })
        // A start with the key of before signs again, as after a crash in between.
        #expect(try hub.reopened().ledger.snapshot.checkpoint != hub.ledger.snapshot.checkpoint)
    }
}

@Suite struct AuthorityFoldTests {
    private func prepared(_ name: String, _ serial: String, issuer: String = "r1") -> Event {
        .authorityPrepared(AuthorityPrepared(name: name, serial: serial, issuer: issuer, certificate: "MAA="))
    }

    private func step(_ name: String, _ serial: String) -> AuthorityStep { AuthorityStep(name: name, serial: serial) }

    @Test func stepsFollowEachOtherAndAreReplayed() async throws {
        let hub = try await TestHub.opened()
        func append(_ events: [Event]) async -> String? {
            do {
                _ = try await hub.ledger.append(by: .hub) { _ in events }
                return nil
            } catch { return (error as? StorageError)?.code ?? "\(error)" }
        }
        func states() -> [String: AuthorityState] {
            Dictionary(hub.ledger.snapshot.authorities.map { ($0.serial, $0.state) }) { first, _ in first }
        }
        #expect(await append([prepared("finance", "a1"), .authorityActivated(step("finance", "a1"))]) == nil)
        // Out of order, unknown, of another name, twice.
        let wrong: [(Event, String)] = [
            (.authorityActivated(step("finance", "a1")), "conflict"),
            (.authorityTainted(step("finance", "a1")), "conflict"),
            (.authorityRetired(step("finance", "a1")), "conflict"),
            (.authorityActivated(step("finance", "a9")), "no-authority"),
            (.authorityTainted(step("analytics", "a1")), "no-authority"),
            (prepared("finance", "a1"), "conflict"),
        ]
        for (event, code) in wrong { #expect(await append([event]) == code, "\(event.type)") }
        #expect(await append([prepared("finance", "a2")]) == nil)
        #expect(await append([prepared("finance", "a3")]) == "conflict")
        #expect(await append([.authorityActivated(step("finance", "a2"))]) == nil)
        #expect(states() == ["a1": .old, "a2": .active])
        #expect(await append([.authorityTainted(step("finance", "a1"))]) == nil)
        #expect(await append([.authorityTainted(step("finance", "a1"))]) == "conflict")
        #expect(await append([.authorityRetired(step("finance", "a1"))]) == nil)
        // What was only prepared may be dropped.
        #expect(await append([prepared("finance", "a4"), .authorityRetired(step("finance", "a4"))]) == nil)
        #expect(states() == ["a1": .retired, "a2": .active, "a4": .retired])
        #expect(try hub.reopened().ledger.snapshot.authorities == hub.ledger.snapshot.authorities)

        #expect(try hub.verify().problems == [])
        // The key that an entry names is denied from that entry on; one of before names none.
        #expect(hub.ledger.snapshot.state.retiredKeys == [])
        let key = digestText(of: [1])
        #expect(
            await append([
                prepared("finance", "a5"), .authorityRetired(AuthorityStep(name: "finance", serial: "a5", key: key)),
            ]) == nil)
        let state = hub.ledger.snapshot.state
        #expect(state.retiredKeys == [key] && state.denied == [key])
        #expect(state.changes["organization"] == hub.ledger.snapshot.size - 1)
        #expect(try hub.reopened().ledger.snapshot.state.retiredKeys == [key])
        #expect(try hub.verify().problems == [])
        try hub.sql("UPDATE authorities SET retired_key = NULL WHERE serial = 'a5'")
        #expect(try hub.verify().problems.contains { $0.table == "authorities" && $0.row == "a5" })
        try hub.sql("UPDATE authorities SET retired_key = '\(key)' WHERE serial = 'a5'")
        try hub.sql("UPDATE authorities SET state = 'old' WHERE serial = 'a1'")
        #expect(try hub.verify().problems.contains { $0.table == "authorities" && $0.row == "a1" })
    }
}
