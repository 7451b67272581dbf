import Foundation
import Model
import SpokeAgent
import TestSupport
import Testing
import Trust

/// A spoke walks the chain of trust manifests: what it takes, and what it refuses and why.
@Suite("the walk from manifest to manifest")
struct HeldManifestsTests {
    /// Versions 1 to 4 of an organization that wants two of three manifest keys.
    struct Chain {
        let pki: TestPKI
        let signers: [PrivateKey]
        let first: TrustManifest

        init() throws {
            let pki = try TestPKI()
            let signers = try (0..<3).map { _ in try PrivateKey.generateEd25519() }
            self.pki = pki
            self.signers = signers
            first = try TrustManifest(
                version: 1, expires: pki.now + .days(365), organization: "corp.example", origin: "corp.example/nave/1",
                roots: [pki.root.certificate]
            ) { role in
                role == .manifest
                    ? (signers.map(\.publicKey), 2) : (pki.signingKeys[role].map { [$0.publicKey] } ?? [], 1)
            }
        }

        func next(
            _ current: TrustManifest, expires: Instant? = nil, lease: PrivateKey? = nil,
            manifest: (keys: [PublicKey], threshold: Int)? = nil
        ) throws -> TrustManifest {
            var replacing: [TrustRole: (keys: [PublicKey], threshold: Int)] = [:]
            if let lease { replacing[.lease] = ([lease.publicKey], 1) }
            if let manifest { replacing[.manifest] = manifest }
            return try current.successor(expires: expires ?? pki.now + .days(365), replacing: replacing)
        }

        func signed(_ manifest: TrustManifest, by numbers: [Int] = [0, 2]) throws -> DSSEEnvelope {
            try manifest.signed(by: numbers.map { signers[$0] })
        }

        static func links(_ envelopes: [DSSEEnvelope]) throws -> [UInt8] {
            try JSONCoding.canonical(ManifestLinks(manifests: try envelopes.map { try JSONCoding.encode($0) }))
        }
    }

    private static let now = TestPKI.now

    @Test("one version, or several at once, also over one that has ended since")
    func walks() throws {
        let chain = try Chain()
        let second = try chain.next(chain.first, expires: Self.now - .days(1))
        let third = try chain.next(second)
        let held = HeldManifests(first: chain.first)
        let walked = try held.walked(
            try Chain.links([try chain.signed(second), try chain.signed(third, by: [0, 1])]), now: Self.now)
        #expect(walked.newest == third)
        #expect(walked.versions.map(\.version) == [1, 2, 3])
        #expect(held.newest.version == 1)
    }

    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var code: String
        /// What a hub sends to a spoke that holds version 2.
        var sent: @Sendable (Chain, TrustManifest) throws -> [DSSEEnvelope]

        init(
            _ what: String, _ code: String,
            _ sent: @escaping @Sendable (Chain, TrustManifest) throws -> [DSSEEnvelope]
        ) {
            testDescription = what
            self.code = code
            self.sent = sent
        }
    }

    static let refusals = [
        Case("fast-forward without the links", "not-next-manifest") { chain, second in
            [try chain.signed(try chain.next(try chain.next(second)))]
        },
        Case("rollback to the version held before", "not-next-manifest") { chain, _ in [try chain.signed(chain.first)]
        },
        Case("another version 2", "not-next-manifest") { chain, _ in
            [try chain.signed(try chain.next(chain.first, expires: now + .days(9)))]
        },
        Case("links out of order", "not-next-manifest") { chain, second in
            let third = try chain.next(second)
            return [try chain.signed(try chain.next(third)), try chain.signed(third)]
        },
        Case("freeze: the last version has ended", "expired") { chain, second in
            [try chain.signed(try chain.next(second, expires: now))]
        },
        Case("below the threshold", "below-threshold") { chain, second in
            [try chain.signed(try chain.next(second), by: [1])]
        },
        Case("one key twice", "below-threshold") { chain, second in
            [try chain.signed(try chain.next(second), by: [1, 1])]
        },
        Case("one key twice, the second under another's id", "bad-signature") { chain, second in
            var envelope = try chain.signed(try chain.next(second), by: [1, 1])
            envelope.signatures[1].keyid = chain.signers[0].publicKey.spkiDigest
            return [envelope]
        },
        Case("mix-and-match: signed by the keys of other roles", "below-threshold") { chain, second in
            let others = [TrustRole.bundle, .lease, .checkpoint].compactMap { chain.pki.signingKeys[$0] }
            return [try chain.next(second).signed(by: others)]
        },
        Case("mix-and-match: a bundle's envelope", "wrong-payload-type") { chain, second in
            var envelope = try chain.signed(try chain.next(second))
            envelope.payloadType = PolicyBundle.payloadType
            return [envelope]
        },
        Case("new manifest keys that the old ones did not sign for", "below-threshold") { chain, second in
            let thief = try PrivateKey.generateEd25519()
            return [try chain.next(second, manifest: ([thief.publicKey], 1)).signed(by: [thief])]
        },
        Case("new manifest keys that did not sign themselves", "below-threshold") { chain, second in
            let other = try PrivateKey.generateEd25519()
            return [try chain.signed(try chain.next(second, manifest: ([other.publicKey], 1)))]
        },
        Case("another organization", "other-organization") { chain, second in
            var other = try chain.next(second)
            other.organization = "other.example"
            return [try chain.signed(other)]
        },
        Case("no versions, from a hub that holds an ended one", "expired") { _, _ in [] },
    ]

    @Test("what is refused, and why; what is held stays", arguments: refusals)
    func refused(_ row: Case) throws {
        let chain = try Chain()
        let isEmpty = row.testDescription.hasPrefix("no versions")
        let second = try chain.next(chain.first, expires: Self.now + (isEmpty ? .days(-1) : .days(30)))
        var held = HeldManifests(first: chain.first)
        try held.restore(try Chain.links([try chain.signed(second)]))
        let bytes = try Chain.links(try row.sent(chain, second))
        do {
            _ = try held.walked(bytes, now: Self.now)
            Issue.record("taken")
        } catch {
            #expect((error as? any NaveError)?.code == row.code, "\(error)")
        }
        #expect(held.newest == second)
    }

    @Test("what was stored is read back, also when it has ended; a changed byte is not")
    func stored() throws {
        let chain = try Chain()
        let directory = try TemporaryDirectory()
        let second = try chain.next(chain.first)
        let walked = try HeldManifests(first: chain.first).walked(
            try Chain.links([try chain.signed(second)]), now: Self.now)
        try ManifestStore(path: directory.file("manifests.json")).persist(walked)
        let bytes = Array(try directory.read("manifests.json").utf8)
        var again = HeldManifests(first: chain.first)
        try again.restore(bytes)
        #expect(again.newest == second)
        var spoiled = bytes
        spoiled[bytes.count / 2] ^= 1
        #expect(throws: (any Error).self) { try again.restore(spoiled) }
    }

    @Test("a delivery stored under a version before is enforced after a restart; a new one of that key is refused")
    func storedDelivery() throws {
        let fixture = try SpokeFixture()
        let directory = try TemporaryDirectory()
        let parts = try fixture.parts()
        let store = DeliveryStore(path: directory.file("delivery.json"))
        try store.persist(try fixture.bytes(parts))
        let fresh = try PrivateKey.generateEd25519()
        let next = try fixture.manifest.successor(
            expires: SpokeFixture.now + .days(9), replacing: [.lease: ([fresh.publicKey], 1)])
        let signed = try next.signed(by: [try fixture.key(.manifest)])
        let walked = try HeldManifests(first: fixture.manifest).walked(
            try Chain.links([signed]), now: SpokeFixture.now)
        #expect(try store.load(walked, spoke: fixture.spoke, now: SpokeFixture.now)?.bundle.revision == 10)
        let verifier = DeliveryVerifier(manifest: walked.newest, spoke: fixture.spoke)
        let old = #expect(throws: SpokeError.self) {
            try verifier.verify(try fixture.bytes(parts), held: nil, now: SpokeFixture.now)
        }
        #expect(old?.code == "below-threshold")
        var renewed = parts
        renewed.leaseKeys = [fresh]
        #expect(throws: Never.self) {
            try verifier.verify(try fixture.bytes(renewed), held: nil, now: SpokeFixture.now)
        }
    }
}
