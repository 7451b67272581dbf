import Model
import TestSupport
import Testing
import Trust

@Suite struct TrustManifestTests {
    private let pki: TestPKI
    private let old: PrivateKey
    private let new: PrivateKey
    private let now = TestPKI.now

    init() throws {
        pki = try TestPKI()
        old = try #require(pki.signingKeys[.manifest])
        new = try PrivateKey(ed25519Seed: [UInt8](repeating: 9, count: 32))
    }

    private var pin: String { pki.root.certificate.publicKey.spkiDigest }

    private func manifest(
        _ version: Int64, keys: [PrivateKey], threshold: Int = 1, expires: Instant = TestPKI.now + .days(365),
        organization: String = "corp.example"
    ) throws -> TrustManifest {
        try TrustManifest(
            version: version, expires: expires, organization: organization, origin: "corp.example/nave/1",
            roots: [pki.root.certificate],
            roleKeys: { role in
                role == .manifest
                    ? (keys.map(\.publicKey), threshold) : (pki.signingKeys[role].map { [$0.publicKey] } ?? [], 1)
            })
    }

    @Test func firstIsBelievedByItsPin() throws {
        let manifest = try pki.manifest()
        let envelope = try DSSEEnvelope(parsing: try pki.firstManifest().encoded)
        #expect(try TrustManifest.verifyFirst(envelope, pinnedRootSPKI: pin) == manifest)
        #expect(try manifest.rootCertificates() == [pki.root.certificate])
        let other = try TestPKI().root.certificate.publicKey.spkiDigest
        #expect(refusal { _ = try TrustManifest.verifyFirst(envelope, pinnedRootSPKI: other) } == "unknown-root")
        #expect(refusal { _ = try TrustManifest.verifyFirst(envelope, pinnedRootSPKI: "") } == "unknown-root")
        let stranger = try manifest.signed(by: [new])
        #expect(refusal { _ = try TrustManifest.verifyFirst(stranger, pinnedRootSPKI: pin) } == "below-threshold")
        let second = try self.manifest(2, keys: [old]).signed(by: [old])
        // Where a root follows another, newcomers begin with the version that named it first.
        #expect(try TrustManifest.verifyFirst(second, pinnedRootSPKI: pin).version == 2)
    }

    @Test func rolesHoldTheirKeys() throws {
        let manifest = try pki.manifest()
        for role in TrustRole.allCases {
            let (keys, threshold) = manifest.keys(for: role)
            #expect(threshold == 1 && keys.values.map { $0 } == [pki.signingKeys[role]?.publicKey])
        }
        let bundleKey = try #require(pki.signingKeys[.bundle])
        let envelope = try DSSE.sign([1], payloadType: "application/x", keys: [bundleKey])
        #expect(try manifest.verify(envelope, payloadType: "application/x", role: .bundle) == [1])
        #expect(
            refusal { _ = try manifest.verify(envelope, payloadType: "application/x", role: .lease) }
                == "below-threshold")
        let checkpoint = try Checkpoint(origin: manifest.origin, size: 0, root: MerkleTree.emptyRoot)
        let key = try #require(pki.signingKeys[.checkpoint])
        #expect(try manifest.verifyCheckpoint(checkpoint.signed(by: [key])) == checkpoint)
        #expect(refusal { _ = try manifest.verifyCheckpoint(checkpoint.signed(by: [bundleKey])) } == "below-threshold")
    }

    @Test func successorIsSignedByBoth() throws {
        let first = try manifest(1, keys: [old])
        let second = try manifest(2, keys: [new])
        func code(_ manifest: TrustManifest, _ signers: [PrivateKey], of current: TrustManifest) -> String? {
            refusal { _ = try TrustManifest.verifySuccessor(try manifest.signed(by: signers), of: current, now: now) }
        }
        #expect(code(second, [old, new], of: first) == nil)
        #expect(code(second, [old], of: first) == "below-threshold")
        #expect(code(second, [new], of: first) == "below-threshold")
        // Rollback, the same version again, a skipped version.
        #expect(code(first, [old, new], of: second) == "not-next-manifest")
        #expect(code(try manifest(1, keys: [old, new]), [old, new], of: second) == "not-next-manifest")
        #expect(code(try manifest(1, keys: [old]), [old], of: first) == "not-next-manifest")
        #expect(code(try manifest(3, keys: [old]), [old], of: first) == "not-next-manifest")
        #expect(code(try manifest(2, keys: [old], expires: now), [old], of: first) == "expired")
        #expect(
            code(try manifest(2, keys: [old], organization: "evil.example"), [old], of: first) == "other-organization")
        // Two of two: one key signing twice is not two.
        let strict = try manifest(1, keys: [old, new], threshold: 2)
        #expect(code(try manifest(2, keys: [old, new], threshold: 2), [old, new], of: strict) == nil)
        #expect(code(try manifest(2, keys: [old]), [old, old], of: strict) == "below-threshold")
    }

    @Test func chainsFastForward() throws {
        let first = try manifest(1, keys: [old], expires: now - .days(2))
        let second = try manifest(2, keys: [new], expires: now - .days(1)).signed(by: [old, new])
        let third = try manifest(3, keys: [new]).signed(by: [new])
        let reached = try TrustManifest.verifyLinks([second, third], from: first)
        #expect(reached.map(\.version) == [2, 3])
        #expect(refusal { try reached[1].checkExpiry(now) } == nil)
        #expect(refusal { try reached[0].checkExpiry(now) } == "expired")
        #expect(try TrustManifest.verifyLinks([], from: reached[1]) == [])
        #expect(refusal { _ = try TrustManifest.verifyLinks([third], from: first) } == "below-threshold")
        #expect(refusal { _ = try TrustManifest.verifyLinks([third, second], from: first) } == "below-threshold")
        #expect(refusal { _ = try TrustManifest.verifySuccessor(second, of: first, now: now) } == "expired")
    }

    @Test func contentIsRead() throws {
        #expect(refusal { _ = try manifest(0, keys: [old]) } == "bad-manifest")
        #expect(refusal { _ = try manifest(1, keys: [old], threshold: 0) } == "bad-manifest")
        #expect(refusal { _ = try manifest(1, keys: [old], threshold: 2) } == "bad-manifest")
        #expect(refusal { _ = try manifest(1, keys: [old, old], threshold: 2) } == "bad-manifest")
        #expect(refusal { _ = try manifest(1, keys: [], threshold: 1) } == "bad-manifest")
        #expect(refusal { _ = try manifest(1, keys: [old], organization: "corp") } == "bad-manifest")

        // What a signer could put into the bytes and `init` would not.
        let good = try manifest(1, keys: [old])
        func code(_ change: (inout TrustManifest) -> Void) -> String? {
            var manifest = good
            change(&manifest)
            return refusal { _ = try TrustManifest.verifyFirst(manifest.signed(by: [old]), pinnedRootSPKI: pin) }
        }
        let finance = try #require(pki.intermediates["finance.corp.example"]).certificate.pem
        #expect(code { _ in } == nil)
        #expect(code { $0.v = 2 } == "bad-manifest")
        #expect(code { $0.roots.append(finance) } == "bad-manifest")
        #expect(code { $0.roots[0] += "x" } == "bad-manifest")
        #expect(code { $0.roots = [] } == "bad-manifest")
        #expect(code { $0.roles.lease.keys.append("sha256:00") } == "bad-manifest")
        #expect(code { $0.roles.lease.keys = [] } == "bad-manifest")
        #expect(code { $0.origin = "a b" } == "bad-manifest")
        #expect(
            code { manifest in
                manifest.keys = manifest.keys.mapValues { TrustManifest.Key(algorithm: "rsa", public: $0.public) }
            } == "bad-manifest")
        #expect(
            code { manifest in
                for (id, key) in manifest.keys { manifest.keys["x" + id] = key }
            } == "bad-manifest")
        // Signed bytes in another spelling, and with a key more than is known.
        let canonical = try JSONCoding.canonical(good)
        for payload in [canonical + [0x20], Array("{\"a\":1,".utf8) + canonical.dropFirst()] {
            let envelope = try DSSE.sign(payload, payloadType: TrustManifest.payloadType, keys: [old])
            #expect(refusal { _ = try TrustManifest.verifyFirst(envelope, pinnedRootSPKI: pin) } == "bad-manifest")
        }
    }
}
