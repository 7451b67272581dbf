import Foundation
import HubService
import Logging
import Model
import NIOConcurrencyHelpers
import Storage
import TestSupport
import Testing
import Transport
import Trust

@Suite struct AuthorityServiceTests {
    /// The rows of a name, newest first.
    private func rows(_ hub: TestHub, _ name: String) async throws -> [AuthorityRow] {
        try await hub.parts.services.authorities.list(hub.owner).filter { $0.name == name }
    }

    private func states(_ hub: TestHub, _ name: String) async throws -> [AuthorityState] {
        try await rows(hub, name).map(\.state)
    }

    @discardableResult
    private func take(
        _ steps: [String], _ name: String, _ hub: TestHub, force: Bool = false, by standing: Standing? = nil
    ) async throws -> AuthorityAnswer? {
        let authorities = hub.parts.services.authorities
        let (request, person) = (AuthorityRequest(why: "a test", force: force ? true : nil), standing ?? hub.owner)
        var last: AuthorityAnswer?
        for step in steps {
            last =
                switch step {
                case "prepare": try await authorities.prepare(name, request, by: person)
                case "activate": try await authorities.activate(name, request, by: person)
                case "taint": try await authorities.taint(name, request, by: person)
                default: try await authorities.retire(name, request, by: person)
                }
        }
        return last
    }

    private func restarted(_ hub: TestHub) async throws -> HubParts {
        let now = hub.now
        return try await HubParts(quietly: hub.directory.file("hub")) { now }
    }

    private func spokeEnrolled(_ hub: TestHub) async throws -> [Certificate] {
        let key = try PrivateKey.generateP256()
        return try Certificate.chain(pem: try await hub.enrol(try await hub.invite(.spoke), key).chain)
    }

    private func renewed(_ hub: TestHub, _ chain: [Certificate]) async throws -> [Certificate] {
        try Certificate.chain(pem: try await hub.renew(chain[0]).chain)
    }

    /// Whether a verifier of those roots believes a chain.
    private func verdict(_ chain: [Certificate], _ roots: [Certificate], denied: [String] = [], at now: Instant)
        -> String?
    {
        let domain = chain[0].spiffeID?.trustDomain ?? ""
        do throws(TrustError) {
            _ = try PeerVerifier(anchors: [domain: roots, "other.example": roots], denied: Set(denied))
                .verify(chainDER: chain.map(\.der), purpose: .server, now: now)
            return nil
        } catch { return error.code }
    }

    private func publish(_ hub: TestHub, _ manifest: JSON?) async throws {
        var envelope = try JSONCoding.decode(DSSEEnvelope.self, from: try #require(manifest))
        for number in [1, 3] {
            let pem = try hub.directory.read("hub.manifest-keys/manifest-\(number).key")
            envelope = try envelope.adding(signatureBy: try PrivateKey(pem: pem))
        }
        _ = try await hub.parts.services.manifests.publish(
            PublishManifestRequest(manifest: try JSONCoding.encode(envelope)), by: hub.owner)
    }

    // MARK: a zone

    @Test func theLedgerKnowsEveryAuthorityFromTheStart() async throws {
        let hub = try await TestHub.applied()
        for name in ["root", "organization", "analytics", "finance"] {
            #expect(try await states(hub, name) == [.active], "\(name)")
        }
        #expect(try await restarted(hub).ledger.snapshot.authorities == hub.parts.ledger.snapshot.authorities)
        #expect(try HubVerification.verify(data: hub.directory.file("hub")).report.problems == [])
    }

    @Test func theRevocationListIsSignedByTheAuthorityOfNow() async throws {
        let hub = try await TestHub.applied()
        let certificates = hub.parts.services.certificates
        for step in 0..<2 {
            if step == 1 { try await take(["prepare", "activate"], "finance", hub) }
            let der = try await certificates.revocationList(of: "finance")
            let issuer = try #require(hub.parts.authority.intermediate(of: "finance.corp.example"))
            try CertificateRevocationList(der: der).verify(issuer: issuer.certificate, now: hub.now)
            #expect(try await certificates.revocationList(of: "finance") == der)
        }
    }

    @Test func aZoneGoesThroughFourSteps() async throws {
        let hub = try await TestHub.applied()
        let roots = [hub.parts.authority.root]
        let old = try await spokeEnrolled(hub)
        try await take(["prepare"], "finance", hub)
        #expect(try await states(hub, "finance") == [.prepared, .active])
        let prepared = try await rows(hub, "finance").first
        // A second request names the same.
        try await take(["prepare"], "finance", hub)
        #expect(try await rows(hub, "finance").first == prepared)
        #expect(try await renewed(hub, old)[1] == old[1])

        try await take(["activate"], "finance", hub)
        let new = try await renewed(hub, old)
        #expect(new[1].serial == prepared?.serial && new[1] != old[1])
        #expect(verdict(old, roots, at: hub.now) == nil && verdict(new, roots, at: hub.now) == nil)
        // An answer that was lost is given again with the chain that fits it.
        let token = try await hub.invite(.client, "finance", "housekeeping")
        let key = try PrivateKey.generateP256()
        let first = try await hub.enrol(token, key)
        try await take(["prepare", "activate"], "finance", hub)
        #expect(try await hub.enrol(token, key) == first)

        let mailbox = hub.parts.streams.add(spoke: "finance/fin-1")
        try await take(["taint"], "finance", hub)
        #expect(try await states(hub, "finance") == [.active, .tainted, .tainted])
        let tainted = hub.parts.ledger.snapshot.taintedIssuers
        #expect(Set(tainted) == Set([old[1], new[1]].flatMap { [$0.serial, $0.publicKey.spkiDigest] }))
        #expect(mailbox.take().contains(.renew(RenewNotice(issuers: tainted))))

        // Both the spoke and the client hang on it still.
        #expect(await code { try await take(["retire"], "finance", hub) } == "authority-in-use")
        let latest = try await renewed(hub, new)
        _ = try await renewed(hub, try Certificate.chain(pem: first.chain))
        try await take(["retire"], "finance", hub)
        #expect(try await states(hub, "finance") == [.active, .retired, .retired])
        let denied = hub.parts.ledger.snapshot.state.revokedSerials
        #expect(verdict(old, roots, denied: denied, at: hub.now) == "revoked")
        #expect(verdict(new, roots, denied: denied, at: hub.now) == "revoked")
        #expect(verdict(latest, roots, denied: denied, at: hub.now) == nil)
        #expect(try await rows(hub, "finance").map(\.leaves) == [2, 0, 0])
        #expect(try HubVerification.verify(data: hub.directory.file("hub")).report.problems == [])
        let files = try FileManager.default.subpathsOfDirectory(atPath: hub.directory.file("hub/keys"))
        #expect(!files.contains { $0.contains("next") })
    }

    @Test func stepsOutOfOrderAreRefusedAndNameTheNext() async throws {
        let hub = try await TestHub.applied()
        func hint(_ step: String) async -> String? {
            do {
                try await take([step], "finance", hub)
                return nil
            } catch { return (error as? HubError)?.hint.map { String($0.dropFirst("the next step is ".count)) } }
        }
        for step in ["activate", "taint", "retire"] { #expect(await hint(step) == "`nave authority prepare finance`") }
        try await take(["prepare"], "finance", hub)
        for step in ["taint", "retire"] { #expect(await hint(step) == "`nave authority activate finance`") }
        try await take(["activate"], "finance", hub)
        #expect(await hint("retire") == "`nave authority taint finance`")
        try await take(["taint"], "finance", hub)
        #expect(await hint("taint") == "`nave authority retire finance`")
        #expect(await code { try await take(["prepare"], "nowhere", hub) } == "unknown-authority")
        let dry = AuthorityRequest(dryRun: true)
        let size = hub.parts.ledger.snapshot.size
        _ = try await hub.parts.services.authorities.retire("finance", dry, by: hub.owner)
        _ = try await hub.parts.services.authorities.prepare("finance", dry, by: hub.owner)
        #expect(hub.parts.ledger.snapshot.size == size)
    }

    @Test func aZonesOwnerRotatesThatZoneOnly() async throws {
        let hub = try await TestHub.applied()
        let owner = Standing(identity: hub.owner.identity, organization: [], zones: ["finance": [.owner]])
        try await take(["prepare", "activate"], "finance", hub, by: owner)
        for name in ["analytics", "organization", "root", "nowhere"] {
            #expect(await code { try await take(["prepare"], name, hub, by: owner) } == "forbidden", "\(name)")
        }
        let seen = try await hub.parts.services.authorities.list(owner)
        #expect(Set(seen.map(\.name)) == ["finance"])
    }

    @Test func aStolenKeyGoesAtOnce() async throws {
        let hub = try await TestHub.applied()
        let old = try await spokeEnrolled(hub)
        try await take(["prepare", "activate"], "finance", hub)
        let answer = try await take(["retire"], "finance", hub, force: true)
        #expect(answer?.holders == [try #require(old[0].spiffeID)])
        #expect(try await states(hub, "finance") == [.active, .retired])
        #expect(hub.parts.ledger.snapshot.state.revokedSerials == [old[1].serial])
        // What was prepared by mistake is dropped and revoked, and the next one has another key.
        try await take(["prepare"], "finance", hub)
        let dropped = try await rows(hub, "finance").first?.key
        try await take(["retire"], "finance", hub, force: true)
        try await take(["prepare"], "finance", hub)
        let next = try await rows(hub, "finance").first
        #expect(next?.state == .prepared && next?.key != dropped)
        #expect(hub.parts.ledger.snapshot.state.revokedSerials.count == 2)
    }

    @Test func theOrganizationsOwnFollowsWithTheHubsCertificate() async throws {
        let hub = try await TestHub.applied()
        let before = hub.parts.ledger.snapshot.certificates
        try await take(["prepare", "activate", "taint"], "organization", hub)
        let id = try SPIFFEID("spiffe://corp.example/hub/h1")
        let leaf = try #require(hub.parts.ledger.snapshot.certificates[id])
        #expect(leaf.serial != before[id]?.serial)
        let active = try await rows(hub, "organization").first?.serial
        let issuer = try #require(hub.parts.authority.intermediate(of: "corp.example")).certificate
        #expect(issuer.serial == active)
        #expect(try Certificate(der: Base64.decode(leaf.certificate) ?? []).isIssued(by: issuer))
        // The owner's certificate hangs on it still.
        #expect(await code { try await take(["retire"], "organization", hub) } == "authority-in-use")
    }

    /// The activation stands, the renewal of the hub's own certificate after it did not happen.
    @Test(arguments: ["taint", "retire"]) func theHubIsNotCutOffByItsOwnStep(step: String) async throws {
        let hub = try await TestHub.applied()
        let serial = try #require(try await take(["prepare"], "organization", hub)?.authorities.first?.serial)
        _ = try await hub.parts.ledger.append(by: .hub) { _ in
            [.authorityActivated(AuthorityStep(name: "organization", serial: serial))]
        }
        let id = try SPIFFEID("spiffe://corp.example/hub/h1")
        func isUnderTheActive() throws -> Bool {
            let leaf = try #require(hub.parts.ledger.snapshot.certificates[id])
            let active = try #require(hub.parts.authority.intermediate(of: "corp.example")).certificate
            #expect(active.serial == serial)
            return try Certificate(der: Base64.decode(leaf.certificate) ?? []).isIssued(by: active)
        }
        #expect(try !isUnderTheActive())
        _ = try await hub.parts.renewed(hub.owner.identity)
        try await take([step], "organization", hub, force: step == "retire")
        #expect(try isUnderTheActive())
    }

    // MARK: death between two steps

    /// The key's file is there, the entry is not.
    @Test func aPreparationThatDidNotHappenIsMadeWithTheSameKey() async throws {
        let hub = try await TestHub.applied()
        let key = try PrivateKey.generateP256()
        let file = hub.directory.file("hub/keys/zones/finance.next.key")
        try Data(try key.pem.utf8).write(to: URL(fileURLWithPath: file))
        let again = try await restarted(hub)
        #expect(
            try await again.services.authorities.list(hub.owner).filter { $0.name == "finance" }.count == 1)
        let answer = try await again.services.authorities.prepare("finance", AuthorityRequest(), by: hub.owner)
        #expect(answer.authorities.map(\.key) == [key.publicKey.spkiDigest])
    }

    /// The entry is there, its answer was lost, and so was all that follows from it.
    @Test func whatTheLedgerSaysIsTakenOver() async throws {
        let hub = try await TestHub.applied()
        let prepared = try #require(try await take(["prepare"], "finance", hub)?.authorities.first)
        let serial = try #require(prepared.serial)
        // Behind the service's back: neither files nor memory know of it.
        let database = try HubDatabase(directory: hub.directory.file("hub"))
        let directory = HubDirectory(hub.directory.file("hub"))
        let signer = try PrivateKey(pem: try hub.directory.read("hub/keys/checkpoint.key"))
        let (settings, now) = (try directory.settings(), hub.now)
        let ledger = try Ledger(
            database: database, signer: signer, origin: settings.origin, now: { now }, random: { try randomBytes($0) })
        _ = try await ledger.append(by: .hub) { _ in
            [.authorityActivated(AuthorityStep(name: "finance", serial: serial))]
        }
        #expect(FileManager.default.fileExists(atPath: hub.directory.file("hub/keys/zones/finance.next.key")))
        let again = try await restarted(hub)
        #expect(again.authority.intermediate(of: "finance.corp.example")?.certificate.serial == serial)
        #expect(!FileManager.default.fileExists(atPath: hub.directory.file("hub/keys/zones/finance.next.key")))
        let kept = try Certificate(pem: try hub.directory.read("hub/keys/zones/finance.pem"))
        #expect(kept.serial == serial && kept.publicKey.spkiDigest == prepared.key)
        // Half of the files: the key has its name, the certificate's copy is the old one.
        let foreign = try hub.directory.read("hub/keys/zones/analytics.pem")
        try Data(foreign.utf8).write(to: URL(fileURLWithPath: hub.directory.file("hub/keys/zones/finance.pem")))
        let third = try await restarted(hub)
        #expect(third.authority.intermediate(of: "finance.corp.example")?.certificate.serial == serial)
        #expect(try Certificate(pem: try hub.directory.read("hub/keys/zones/finance.pem")).serial == serial)
        #expect(try HubVerification.verify(data: hub.directory.file("hub")).report.problems == [])
    }

    /// The key's file cannot be written: nothing is prepared.
    @Test func aPreparationWhoseKeyCannotBeKeptDoesNotHappen() async throws {
        let hub = try await TestHub.applied()
        // A directory in the place of the file that is written first.
        let blocker = hub.directory.file("hub/keys/zones/finance.next.key.new")
        try FileManager.default.createDirectory(atPath: blocker, withIntermediateDirectories: false)
        let size = hub.parts.ledger.snapshot.size
        #expect(await code { try await take(["prepare"], "finance", hub) } == "exists")
        #expect(hub.parts.ledger.snapshot.size == size)
        try FileManager.default.removeItem(atPath: blocker)
        try await take(["prepare"], "finance", hub)
        #expect(try await states(hub, "finance") == [.prepared, .active])
    }

    /// The entry stands, the key cannot take its place: reported as failed, and done by whatever comes next.
    @Test func anActivationThatReportedFailureIsTakenUpAgain() async throws {
        let hub = try await TestHub.applied()
        let before = try #require(hub.parts.authority.intermediate(of: "finance.corp.example")).certificate
        try await take(["prepare"], "finance", hub)
        let serial = try await rows(hub, "finance").first?.serial
        let blocker = hub.directory.file("hub/keys/zones/finance.pem.new")
        try FileManager.default.createDirectory(atPath: blocker, withIntermediateDirectories: false)
        #expect(await code { try await take(["activate"], "finance", hub) } == "exists")
        #expect(try await states(hub, "finance") == [.active, .old])
        #expect(hub.parts.authority.intermediate(of: "finance.corp.example")?.certificate == before)
        // Others go on meanwhile, under what was active: it is believed.
        let chain = try await spokeEnrolled(hub)
        #expect(chain[1] == before)
        #expect(await code { try await take(["taint"], "finance", hub) } == "exists")
        try FileManager.default.removeItem(atPath: blocker)
        try await take(["taint"], "finance", hub)
        #expect(hub.parts.authority.intermediate(of: "finance.corp.example")?.certificate.serial == serial)
        #expect(try await renewed(hub, chain)[1].serial == serial)
        try await take(["retire"], "finance", hub)
        #expect(try HubVerification.verify(data: hub.directory.file("hub")).report.problems == [])
    }

    /// Also whoever does not ask for a step of an authority is told, in the log, that a key is not in its place.
    @Test func aKeyThatIsNotInItsPlaceIsLogged() async throws {
        let hub = try await TestHub.applied()
        let (now, lines) = (hub.now, NIOLockedValueBox<[String]>([]))
        let parts = try await HubParts(
            directory: HubDirectory(hub.directory.file("hub")), now: { now },
            log: Logger(label: "test") { _ in LinesLogHandler(lines: lines) })
        let authorities = parts.services.authorities
        _ = try await authorities.prepare("finance", AuthorityRequest(), by: hub.owner)
        let blocker = hub.directory.file("hub/keys/zones/finance.pem.new")
        try FileManager.default.createDirectory(atPath: blocker, withIntermediateDirectories: false)
        func told() -> Int { lines.withLockedValue { $0.count { $0.contains("not in its place") } } }
        #expect(told() == 0)
        #expect(
            await code { try await authorities.activate("finance", AuthorityRequest(), by: hub.owner) } == "exists")
        #expect(told() == 1)
        let invitation = InvitationRequest(kind: .spoke, zone: "finance", name: "fin-1")
        _ = try await parts.services.enrolment.invite(invitation, by: hub.owner)
        #expect(told() == 2)
        try FileManager.default.removeItem(atPath: blocker)
        _ = try await authorities.taint("finance", AuthorityRequest(), by: hub.owner)
        #expect(told() == 2)
    }

    /// The entry is refused: nothing of it is in force.
    @Test func anActivationThatDidNotHappenLeavesThePreparedOne() async throws {
        let hub = try await TestHub.applied()
        try await take(["prepare"], "finance", hub)
        let file = hub.directory.file("hub/keys/zones/finance.next.key")
        let key = try Data(contentsOf: URL(fileURLWithPath: file))
        try FileManager.default.removeItem(atPath: file)
        // Without its key the certificate must not become the active one.
        let size = hub.parts.ledger.snapshot.size
        #expect(await code { try await take(["activate"], "finance", hub) } == "authority-key-missing")
        #expect(hub.parts.ledger.snapshot.size == size)
        try key.write(to: URL(fileURLWithPath: file))
        try await take(["activate"], "finance", hub)
        #expect(try await states(hub, "finance") == [.active, .old])
    }

    @Test func aZoneWhoseKeyIsGoneStaysUntilTheNextIsPrepared() async throws {
        let hub = try await TestHub.applied()
        try FileManager.default.removeItem(atPath: hub.directory.file("hub/keys/zones/finance.key"))
        let again = try await restarted(hub)
        let request = InvitationRequest(kind: .spoke, zone: "finance", name: "fin-1")
        #expect(await code { try await again.services.enrolment.invite(request, by: hub.owner) } == "no-intermediate")
        for step in ["prepare", "activate"] {
            let authorities = again.services.authorities
            _ =
                step == "prepare"
                ? try await authorities.prepare("finance", AuthorityRequest(), by: hub.owner)
                : try await authorities.activate("finance", AuthorityRequest(), by: hub.owner)
        }
        _ = try await again.services.enrolment.invite(request, by: hub.owner)
    }

    // MARK: an offline root

    @Test func aZoneIsBegunByARootThatIsElsewhere() async throws {
        let hub = try await TestHub.applied()
        let root = try CertificateAuthority(
            certificate: hub.parts.authority.root, key: try PrivateKey(pem: try hub.directory.read("hub/keys/root.key"))
        )
        try FileManager.default.removeItem(atPath: hub.directory.file("hub/keys/root.key"))
        let parts = try await restarted(hub)
        let authorities = parts.services.authorities
        let topology = try TestHub.topology {
            $0.zones.append(Zone(name: "ops", classification: .internal, networks: $0.zones[0].networks))
            $0.clients.append(Client(zone: "ops", name: "bot"))
        }
        let applied = try await parts.services.topology.apply(TopologyRequest(topology: topology), by: hub.owner)
        #expect(applied.zonesWithoutAuthority == ["ops"])
        #expect(try await parts.services.lists.status(hub.owner).zonesWithoutAuthority == ["ops"])
        let invitation = InvitationRequest(kind: .client, zone: "ops", name: "bot")
        #expect(
            await code { try await parts.services.enrolment.invite(invitation, by: hub.owner) } == "no-intermediate")
        let early = AuthorityRequest(certificate: root.certificate.pem)
        #expect(await code { try await authorities.prepare("ops", early, by: hub.owner) } == "not-requested")

        let request = try #require(try await authorities.prepare("ops", AuthorityRequest(), by: hub.owner).request)
        #expect(try await authorities.prepare("ops", AuthorityRequest(), by: hub.owner).request != nil)
        let rows = try await authorities.list(hub.owner).filter { $0.name == "ops" }
        #expect(rows.map(\.state) == [.requested])
        #expect(
            await code { try await authorities.activate("ops", AuthorityRequest(), by: hub.owner) } == "not-prepared")
        let der = try PEM.decode(label: "CERTIFICATE REQUEST", request)[0]
        let key = try CertificateRequest(der: der).publicKey
        #expect(key.spkiDigest == rows.first?.key)
        func signed(_ domain: String, _ key: PublicKey) throws -> AuthorityRequest {
            let certificate = try root.issueIntermediate(
                domain: domain, publicKey: key, serial: try randomBytes(16), now: hub.now)
            return AuthorityRequest(certificate: certificate.pem)
        }
        let wrong = [
            (try signed("finance.corp.example", key), "wrong-name-constraints"),
            (try signed("ops.corp.example", PrivateKey.generateP256().publicKey), "other-key"),
        ]
        for (request, expected) in wrong {
            #expect(await code { try await authorities.prepare("ops", request, by: hub.owner) } == expected)
        }
        _ = try await authorities.prepare("ops", try signed("ops.corp.example", key), by: hub.owner)
        _ = try await authorities.activate("ops", AuthorityRequest(), by: hub.owner)
        let token = try await parts.services.enrolment.invite(invitation, by: hub.owner)
        #expect(try JoinToken(parsing: token.token).root == root.certificate.publicKey.spkiDigest)
        #expect(try await parts.services.lists.status(hub.owner).zonesWithoutAuthority == [])
        #expect(try HubVerification.verify(data: hub.directory.file("hub")).report.problems == [])
    }

    // MARK: the root

    @Test func aRootGoesThroughFourStepsAndTheManifest() async throws {
        let hub = try await TestHub.applied()
        let old = hub.parts.authority.root
        let early = try await hub.invite(.spoke)
        let spoke = try await spokeEnrolled(hub)
        let prepared = try await take(["prepare"], "root", hub)
        // Before the manifest names it nobody could believe it.
        #expect(await code { try await take(["activate"], "root", hub) } == "not-in-manifest")
        #expect(try await rows(hub, "root").map(\.isInManifest) == [false, true])
        try await publish(hub, prepared?.manifest)
        #expect(try hub.parts.chain.current.newest.rootCertificates().count == 2)
        // An intermediate that was prepared before goes first.
        try await take(["prepare"], "analytics", hub)
        #expect(await code { try await take(["activate"], "root", hub) } == "authority-waits")
        try await take(["activate"], "analytics", hub)
        try await take(["activate"], "root", hub)
        let new = hub.parts.authority.root
        #expect(new != old && new.subject == old.subject)

        // Chains of now hold for those who know only the old root, both, or only the new one.
        let chain = try await renewed(hub, spoke)
        for roots in [[old], [old, new], [new]] { #expect(verdict(chain, roots, at: hub.now) == nil, "\(roots.count)") }
        for roots in [[old], [old, new]] { #expect(verdict(spoke, roots, at: hub.now) == nil) }
        // Both kinds of tokens work, and newcomers begin with a manifest that names what their token pins.
        let late = try await hub.invite(.client, "finance", "housekeeping")
        #expect(early.root == old.publicKey.spkiDigest && late.root == new.publicKey.spkiDigest)
        for token in [early, late] {
            let answer = try await hub.enrol(token, .generateP256())
            let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: answer.manifest)
            _ = try TrustManifest.verifyFirst(envelope, pinnedRootSPKI: token.root)
        }

        try await take(["taint"], "root", hub)
        #expect(hub.parts.ledger.snapshot.taintedIssuers.contains(spoke[1].serial))
        // The owner of this hub has not renewed.
        #expect(await code { try await take(["retire"], "root", hub) } == "authority-in-use")
        let owner = try #require(hub.parts.ledger.snapshot.certificates[hub.owner.identity])
        _ = try await hub.renew(try Certificate(der: try #require(Base64.decode(owner.certificate))))
        let retired = try await take(["retire"], "root", hub)
        let denied = hub.parts.ledger.snapshot.state.revokedSerials
        #expect(denied.contains(old.serial) && denied.contains(spoke[1].serial))
        #expect(verdict(spoke, [old, new], denied: denied, at: hub.now) == "revoked")
        #expect(verdict(chain, [old, new], denied: denied, at: hub.now) == nil)
        try await publish(hub, retired?.manifest)
        #expect(try hub.parts.chain.current.newest.rootCertificates() == [new])
        #expect(try await renewed(hub, spoke).count == 2, "nothing leads to the old root any more")
        for name in ["root", "organization", "finance"] { #expect(try await states(hub, name) == [.active, .retired]) }
        let again = try await restarted(hub)
        #expect(again.authority.root == new)
        #expect(try HubVerification.verify(data: hub.directory.file("hub")).report.problems == [])
    }

    /// What the hub makes itself is judged too: a CA that ends soon is not begun with, and the root can still be followed.
    @Test func aRootThatEndsSoonBeginsNothingButItsSuccessor() async throws {
        let hub = try await TestHub.applied()
        let root = hub.parts.authority.root
        hub.advance(by: (root.notAfter - .days(20)) - hub.now)
        let size = hub.parts.ledger.snapshot.size
        for name in ["organization", "finance"] {
            #expect(await code { try await take(["prepare"], name, hub) } == "ends-soon", "\(name)")
        }
        #expect(await code { try hub.parts.authority.ensureZone("ops", now: hub.now) } == "ends-soon")
        #expect(hub.parts.ledger.snapshot.size == size)
        #expect(hub.parts.authority.intermediate(of: "ops.corp.example") == nil)
        try await take(["prepare"], "root", hub)
        let record = try #require(hub.parts.ledger.snapshot.authorities.last)
        #expect(record.name == "root" && record.state == .prepared)
        let cross = try Certificate(der: try #require(record.cross.flatMap { Base64.decode($0) }))
        #expect(cross.notAfter == root.notAfter && cross.isIssued(by: root))
    }

    @Test func onlyPlannedRootsComeAndGo() async throws {
        let hub = try await TestHub.applied()
        let current = hub.parts.chain.current.newest
        let prepared = try await take(["prepare"], "root", hub)
        let service = hub.parts.services.manifests
        // A rotation of keys takes the prepared root along.
        let rotated = try await service.prepare(RotateRequest(roles: ["lease"]))
        let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: rotated.manifest)
        #expect(try TrustManifest.claimed(by: envelope).roots.count == 2)
        let without = try current.successor(expires: hub.now + .days(9), replacing: [:])
        #expect(await code { try await publish(hub, try JSONCoding.encode(try without.unsigned)) } == "other-roots")
        try await publish(hub, prepared?.manifest)
        // Dropped again before it was used: the next version is without it.
        let dropped = try await take(["retire"], "root", hub, force: true)
        try await publish(hub, dropped?.manifest)
        #expect(hub.parts.chain.current.newest.roots == current.roots)
        #expect(try await states(hub, "root") == [.retired, .active])
    }
}

/// The messages of a log.
private struct LinesLogHandler: LogHandler {
    let lines: NIOLockedValueBox<[String]>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.withLockedValue { $0.append(event.message.description) } }
}
