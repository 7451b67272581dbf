import Foundation
import HubService
import Model
import Storage
import TestSupport
import Testing
import Transport
import Trust

/// A root that lies elsewhere follows another.
@Suite("an offline root is followed") struct RootSuccessionTests {
    /// A hub whose root's key was taken away, and both roots.
    private struct Place {
        let hub: TestHub
        let parts: HubParts
        let present: CertificateAuthority
        let next: CertificateAuthority

        var steps: AuthorityService { parts.services.authorities }
        var size: Int64 { parts.ledger.snapshot.size }

        init(keepsKey: Bool = false, name: String = "corp.example root 1") async throws {
            hub = try await TestHub.applied()
            let file = hub.directory.file("hub/keys/root.key")
            present = try CertificateAuthority(
                certificate: hub.parts.authority.root,
                key: try PrivateKey(pem: try hub.directory.read("hub/keys/root.key"))
            )
            if !keepsKey { try FileManager.default.removeItem(atPath: file) }
            parts = keepsKey ? hub.parts : try await RootSuccessionTests.started(hub)
            let key = try PrivateKey.generateP256()
            next = try CertificateAuthority.makeRoot(
                organization: "corp.example", name: name, key: key, isConstrained: true,
                serial: TestPKI.serial(of: key), now: hub.now)
        }

        func cross() throws -> Certificate {
            try present.crossCertify(next.certificate, serial: try randomBytes(16), now: hub.now)
        }

        func sign(
            _ request: AuthoritySigningRequest, by root: CertificateAuthority? = nil, domain: String? = nil
        ) throws -> String {
            try (root ?? next).issueIntermediate(
                domain: domain ?? request.domain, publicKey: try CertificateRequest(pem: request.request).publicKey,
                serial: try randomBytes(16), now: hub.now
            ).pem
        }

        func prepare(_ root: Certificate? = nil, cross: Certificate? = nil, dryRun: Bool? = nil) async throws
            -> AuthorityAnswer
        {
            try await steps.prepare(
                "root", AuthorityRequest(dryRun: dryRun, certificate: root?.pem, cross: cross?.pem), by: hub.owner)
        }

        func activate(_ certificates: [String]?, dryRun: Bool? = nil) async throws -> AuthorityAnswer {
            try await steps.activate(
                "root", AuthorityRequest(dryRun: dryRun, certificates: certificates), by: hub.owner)
        }

        func publish(_ manifest: JSON?) async throws {
            var envelope = try JSONCoding.decode(DSSEEnvelope.self, from: try #require(manifest))
            for number in [1, 3] {
                let pem = try hub.directory.read("hub.manifest-keys/manifest-\(number).key")
                envelope = try envelope.adding(signatureBy: try PrivateKey(pem: pem))
            }
            _ = try await parts.services.manifests.publish(
                PublishManifestRequest(manifest: try JSONCoding.encode(envelope)), by: hub.owner)
        }

        /// A chain of a new key, as the hub gives it now.
        func chain() async throws -> [Certificate] { try await parts.renewed(hub.owner.identity) }

        func states(_ name: String) async throws -> [AuthorityState] {
            try await steps.list(hub.owner).filter { $0.name == name }.map(\.state)
        }

        func verdict(_ chain: [Certificate], _ roots: [Certificate]) -> String? {
            let domain = chain[0].spiffeID?.trustDomain ?? ""
            do throws(TrustError) {
                _ = try PeerVerifier(
                    anchors: [domain: roots, "other.example": roots],
                    denied: Set(parts.ledger.snapshot.state.denied)
                ).verify(chainDER: chain.map(\.der), purpose: .client, now: hub.now)
                return nil
            } catch { return error.code }
        }
    }

    private static func started(_ hub: TestHub) async throws -> HubParts {
        let now = hub.now
        return try await HubParts(quietly: hub.directory.file("hub")) { now }
    }

    private static let names = ["analytics", "finance", "organization"]

    @Test func itGoesThroughFourStepsByWhatWasSignedElsewhere() async throws {
        let place = try await Place()
        let (old, new) = (place.present.certificate, place.next.certificate)
        let before = try await place.chain()
        let size = place.size
        // First what it is to sign: nothing is prepared by that, and the same is asked again.
        #expect(try await place.prepare(dryRun: true).requests == nil)
        let asked = try await place.prepare()
        let requests = try #require(asked.requests)
        #expect(asked.index == nil && asked.authorities.isEmpty && asked.manifest == nil && place.size == size)
        #expect(requests.map(\.name).sorted() == Self.names)
        let keys = try requests.map { try CertificateRequest(pem: $0.request).publicKey }
        let again = try #require(try await place.prepare().requests)
        #expect(try again.map { try CertificateRequest(pem: $0.request).publicKey } == keys)
        #expect(try await place.states("finance") == [.requested, .active])

        let cross = try place.cross()
        let prepared = try await place.prepare(new, cross: cross)
        #expect(try await place.states("root") == [.prepared, .active])
        #expect(prepared.requests?.map(\.name) == requests.map(\.name))
        // Again the same; another one is not taken for it.
        #expect(try await place.prepare(new, cross: cross).index == nil)
        #expect(await code { try await place.prepare(new, cross: try place.cross()) } == "already-prepared")
        #expect(await code { try await place.prepare(old) } == "already-prepared")
        let signed = try requests.map { try place.sign($0) }
        #expect(await code { try await place.activate(signed) } == "not-in-manifest")
        try await place.publish(prepared.manifest)

        // Nothing is active before all are there and judged.
        let ready = place.size
        let wrong: [([String]?, String)] = [
            (nil, "certificates-missing"), ([], "certificates-missing"),
            (Array(signed.dropLast()), "certificates-missing"), (signed + [signed[0]], "two-certificates"),
            (signed + [new.pem], "not-requested"),
            ([try place.sign(requests[0], by: place.present)], "not-signed-by-root"),
            ([try place.sign(requests[0], domain: "evil.example")], "wrong-name-constraints"),
            (["nothing"], "bad-pem"),
        ]
        for (certificates, expected) in wrong {
            #expect(await code { try await place.activate(certificates) } == expected)
            #expect(await code { try await place.activate(certificates, dryRun: true) } == expected)
        }
        #expect(
            await code {
                try await place.steps.activate(
                    "finance", AuthorityRequest(certificates: signed), by: place.hub.owner)
            } == "bad-request")
        #expect(try await place.activate(signed, dryRun: true).index == nil)
        #expect(place.size == ready && place.parts.authority.root == old)

        _ = try await place.activate(signed)
        for name in ["root"] + Self.names { #expect(try await place.states(name) == [.active, .old], "\(name)") }
        #expect(place.parts.authority.root == new && !place.parts.authority.holdsRootKey)
        let copy = try Certificate(pem: try place.hub.directory.read("hub/keys/root.pem"))
        #expect(copy == new)
        let after = try await place.chain()
        #expect(after.count == 3 && after[2] == cross)
        for roots in [[old], [old, new], [new]] { #expect(place.verdict(after, roots) == nil, "\(roots.count)") }
        for roots in [[old], [old, new]] { #expect(place.verdict(before, roots) == nil) }
        let restarted = try await Self.started(place.hub)
        #expect(restarted.authority.root == new)
        #expect(restarted.authority.intermediate(of: "finance.corp.example") != nil)

        _ = try await place.steps.taint("root", AuthorityRequest(), by: place.hub.owner)
        let retired = try await place.steps.retire("root", AuthorityRequest(), by: place.hub.owner)
        #expect(place.verdict(before, [old, new]) == "revoked" && place.verdict(after, [old, new]) == nil)
        try await place.publish(retired.manifest)
        #expect(try place.parts.chain.current.newest.rootCertificates() == [new])
        #expect(try await place.chain().count == 2, "nothing leads to the old root any more")
        #expect(try HubVerification.verify(data: place.hub.directory.file("hub")).report.problems == [])
        let files = try FileManager.default.subpathsOfDirectory(atPath: place.hub.directory.file("hub/keys"))
        #expect(!files.contains { $0.contains("next") || $0 == "root.key" })
    }

    @Test func whatIsHandedInIsJudgedBeforeAnythingIsDurable() async throws {
        let place = try await Place()
        let key = try PrivateKey.generateP256()
        func root(_ organization: String) throws -> Certificate {
            try CertificateAuthority.makeRoot(
                organization: organization, name: "corp.example root 1", key: key, isConstrained: true,
                serial: TestPKI.serial(of: key), now: place.hub.now
            ).certificate
        }
        let (new, size) = (place.next.certificate, place.size)
        let intermediate = try #require(place.parts.authority.intermediate(of: "finance.corp.example")).certificate
        let wrong: [(Certificate, Certificate?, String)] = [
            (try root("other.example"), nil, "wrong-name-constraints"), (intermediate, nil, "wrong-path-length"),
            (place.present.certificate, nil, "key-in-use"), (new, try root("corp.example"), "other-key"),
            (new, new, "not-signed-by-root"),
        ]
        for (certificate, cross, expected) in wrong {
            for isDry in [true, false] {
                #expect(
                    await code { try await place.prepare(certificate, cross: cross, dryRun: isDry) } == expected)
            }
        }
        #expect(await code { try await place.prepare(cross: new) } == "bad-request")
        // What waits under the root of now goes first, or it would be left behind.
        let finance = try await place.steps.prepare("finance", AuthorityRequest(), by: place.hub.owner)
        let asked = AuthoritySigningRequest(
            name: "finance", domain: "finance.corp.example", request: try #require(finance.request))
        #expect(place.size == size)
        _ = try await place.steps.prepare(
            "finance", AuthorityRequest(certificate: try place.sign(asked, by: place.present)), by: place.hub.owner)
        #expect(await code { try await place.prepare(new) } == "authority-waits")
        #expect(try await place.states("root") == [.active])
    }

    /// Whoever has the next manifest believes it; who has only the one before does not find the way.
    @Test func withoutACrossCertificateItIsTrustedBesideTheOldOne() async throws {
        let place = try await Place(name: "another name")
        let (old, new) = (place.present.certificate, place.next.certificate)
        let prepared = try await place.prepare(new)
        try await place.publish(prepared.manifest)
        _ = try await place.activate(try #require(prepared.requests).map { try place.sign($0) })
        let chain = try await place.chain()
        #expect(chain.count == 2)
        #expect(place.verdict(chain, [old, new]) == nil && place.verdict(chain, [new]) == nil)
        #expect(place.verdict(chain, [old]) == "bad-path")
        #expect(try HubVerification.verify(data: place.hub.directory.file("hub")).report.problems == [])
    }

    /// The hub that holds its root's key certifies the next root's itself, and then has no root's key any more.
    @Test func aHubGivesItsRootAway() async throws {
        let place = try await Place(keepsKey: true)
        let (old, new) = (place.present.certificate, place.next.certificate)
        let other = try await Place(name: "another name")
        #expect(await code { try await place.prepare(other.next.certificate) } == "other-name")
        // One that was begun here is dropped first, with its key.
        _ = try await place.steps.prepare("root", AuthorityRequest(), by: place.hub.owner)
        #expect(await code { try await place.prepare(new) } == "already-prepared")
        _ = try await place.steps.retire("root", AuthorityRequest(force: true), by: place.hub.owner)
        let prepared = try await place.prepare(new)
        try await place.publish(prepared.manifest)
        #expect(try await place.states("finance").first == .requested)
        let signed = try #require(prepared.requests).map { try place.sign($0) }
        _ = try await place.activate(signed)
        #expect(!FileManager.default.fileExists(atPath: place.hub.directory.file("hub/keys/root.key")))
        #expect(try Certificate(pem: try place.hub.directory.read("hub/keys/root.pem")) == new)
        let chain = try await place.chain()
        for roots in [[old], [old, new], [new]] { #expect(place.verdict(chain, roots) == nil, "\(roots.count)") }
        let again = try await Self.started(place.hub)
        #expect(again.authority.root == new && !again.authority.holdsRootKey)
    }

    /// The entry stands, a file cannot follow: what comes next follows.
    @Test func anActivationThatReportedFailureIsTakenUpAgain() async throws {
        let place = try await Place()
        let prepared = try await place.prepare(place.next.certificate, cross: try place.cross())
        try await place.publish(prepared.manifest)
        let blocker = place.hub.directory.file("hub/keys/root.pem.new")
        try FileManager.default.createDirectory(atPath: blocker, withIntermediateDirectories: false)
        let signed = try #require(prepared.requests).map { try place.sign($0) }
        #expect(await code { try await place.activate(signed) } == "exists")
        #expect(try await place.states("root") == [.active, .old])
        try FileManager.default.removeItem(atPath: blocker)
        let again = try await Self.started(place.hub)
        #expect(again.authority.root == place.next.certificate)
        for domain in ["corp.example", "finance.corp.example", "analytics.corp.example"] {
            let intermediate = try #require(again.authority.intermediate(of: domain)).certificate
            #expect(intermediate.isIssued(by: place.next.certificate), "\(domain)")
        }
    }

    // MARK: keys

    /// The root certified a zone's key twice, and somebody else has the second certificate.
    @Test func whatRetiresIsTheKeyAndNotOneCertificateOfIt() async throws {
        let hub = try await TestHub.applied()
        let root = try CertificateAuthority(
            certificate: hub.parts.authority.root, key: try PrivateKey(pem: try hub.directory.read("hub/keys/root.key"))
        )
        let key = try PrivateKey(pem: try hub.directory.read("hub/keys/zones/finance.key"))
        let second = try CertificateAuthority(
            certificate: try root.issueIntermediate(
                domain: "finance.corp.example", publicKey: key.publicKey, serial: try randomBytes(16), now: hub.now),
            key: key)
        let leafKey = try PrivateKey.generateP256()
        let leaf = try second.issueLeaf(
            CertificateTemplate(
                kind: .spoke, id: try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1"),
                dns: "fin-1.finance.corp.example", publicKey: leafKey.publicKey, validity: .days(1),
                serial: try randomBytes(16)), now: hub.now)
        func verdict() -> String? {
            do throws(TrustError) {
                _ = try hub.parts.trust.verifier.verify(
                    chainDER: [leaf.der, second.certificate.der], purpose: .client, now: hub.now)
                return nil
            } catch { return error.code }
        }
        #expect(verdict() == nil)
        let steps = hub.parts.services.authorities
        _ = try await steps.prepare("finance", AuthorityRequest(), by: hub.owner)
        _ = try await steps.activate("finance", AuthorityRequest(), by: hub.owner)
        _ = try await steps.taint("finance", AuthorityRequest(), by: hub.owner)
        // Also who hangs on the other certificate is asked to renew.
        let asked = hub.parts.ledger.snapshot.taintedIssuers
        #expect(asked.contains(key.publicKey.spkiDigest) && !asked.contains(second.certificate.serial))
        _ = try await steps.retire("finance", AuthorityRequest(), by: hub.owner)
        #expect(verdict() == "revoked")
        let state = hub.parts.ledger.snapshot.state
        #expect(
            state.retiredKeys == [key.publicKey.spkiDigest] && !state.revokedSerials.contains(second.certificate.serial)
        )
        let spoke = try #require(state.topology.spokes.first { $0.name == "fin-1" })
        let bundle = try #require(compileBundle(spoke: spoke, from: state))
        #expect(bundle.revokedSerials.contains(key.publicKey.spkiDigest) && bundle.v == WireVersion.first)
        #expect(try HubVerification.verify(data: hub.directory.file("hub")).report.problems == [])
    }

    /// The manifest in force still names the root that retired; whoever keeps its key may have signed the request by mistake.
    @Test func whatARetiredRootSignedIsTakenForNoZone() async throws {
        let place = try await Place(keepsKey: true)
        try await place.publish(try await place.prepare().manifest)
        _ = try await place.activate(nil)
        _ = try await place.steps.taint("root", AuthorityRequest(), by: place.hub.owner)
        _ = try await place.chain()
        _ = try await place.steps.retire("root", AuthorityRequest(), by: place.hub.owner)
        #expect(place.parts.chain.current.newest.roots.count == 2)
        let key = try PrivateKey.generateP256()
        try place.hub.directory.write("hub/keys/zones/finance.next.key", try key.pem)
        func signed(by root: CertificateAuthority) throws -> AuthorityRequest {
            AuthorityRequest(
                certificate: try root.issueIntermediate(
                    domain: "finance.corp.example", publicKey: key.publicKey, serial: try randomBytes(16),
                    now: place.hub.now
                ).pem)
        }
        let size = place.size
        let late = try signed(by: place.present)
        #expect(
            await code { try await place.steps.prepare("finance", late, by: place.hub.owner) } == "not-signed-by-root")
        #expect(place.size == size)
        let root = try CertificateAuthority(
            certificate: place.parts.authority.root,
            key: try PrivateKey(pem: try place.hub.directory.read("hub/keys/root.key")))
        _ = try await place.steps.prepare("finance", try signed(by: root), by: place.hub.owner)
        _ = try await place.steps.activate("finance", AuthorityRequest(), by: place.hub.owner)
        #expect(place.parts.authority.intermediate(of: "finance.corp.example")?.certificate.publicKey == key.publicKey)
    }

    // MARK: two at once

    /// A zone's first intermediate was made, then the root was followed, then the zone was recorded.
    @Test func aZoneThatCameWhileTheRootWentIsRecordedUnderWhoSignedIt() async throws {
        let place = try await Place(keepsKey: true)
        let old = place.present.certificate
        let topology = try TestHub.topology {
            $0.zones.append(Zone(name: "ops", classification: .internal, networks: $0.zones[0].networks))
        }
        try place.parts.authority.ensureZone("ops", now: place.hub.now)
        try await place.publish(try await place.prepare().manifest)
        _ = try await place.activate(nil)
        try await place.hub.apply(topology)
        let record = try #require(place.parts.ledger.snapshot.authorities.first { $0.name == "ops" })
        #expect(record.issuer == old.serial && record.state == .active)
        let chain = [try #require(place.parts.authority.intermediate(of: "ops.corp.example")).certificate]
        #expect(chain[0].isIssued(by: old))
        _ = try await place.steps.taint("root", AuthorityRequest(), by: place.hub.owner)
        _ = try await place.chain()
        // It is not left behind under a root that goes.
        #expect(
            await code { try await place.steps.retire("root", AuthorityRequest(), by: place.hub.owner) }
                == "authority-active")
        _ = try await place.steps.prepare("ops", AuthorityRequest(), by: place.hub.owner)
        _ = try await place.steps.activate("ops", AuthorityRequest(), by: place.hub.owner)
        _ = try await place.steps.retire("root", AuthorityRequest(), by: place.hub.owner)
        #expect(place.parts.ledger.snapshot.state.revokedSerials.contains(chain[0].serial))
        #expect(try HubVerification.verify(data: place.hub.directory.file("hub")).report.problems == [])
    }

    /// The same, and the root that signed it retired before anybody recorded it: it is nobody's, and the zone gets another.
    @Test func aZoneWhoseRootRetiredBeforeItWasRecordedGetsAnother() async throws {
        let place = try await Place(keepsKey: true)
        try place.parts.authority.ensureZone("ops", now: place.hub.now)
        let made = try #require(place.parts.authority.intermediate(of: "ops.corp.example")).certificate
        try await place.publish(try await place.prepare().manifest)
        _ = try await place.activate(nil)
        _ = try await place.steps.taint("root", AuthorityRequest(), by: place.hub.owner)
        _ = try await place.chain()
        _ = try await place.steps.retire("root", AuthorityRequest(), by: place.hub.owner)
        #expect(place.parts.authority.intermediate(of: "ops.corp.example") == nil)
        #expect(place.parts.authority.unrecorded(place.parts.ledger.snapshot.authorities).isEmpty)
        try await place.hub.apply(
            TestHub.topology {
                $0.zones.append(Zone(name: "ops", classification: .internal, networks: $0.zones[0].networks))
            })
        let record = try #require(place.parts.ledger.snapshot.authorities.first { $0.name == "ops" })
        #expect(record.serial != made.serial && record.issuer == place.parts.authority.root.serial)
    }
}
