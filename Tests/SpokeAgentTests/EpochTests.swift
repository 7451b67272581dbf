import Model
import SpokeAgent
import TestSupport
import Testing
import Trust

/// A spoke that held revision 10 at ledger size 20, and a manifest that lets history go on from size 10.
@Suite("a hub that goes back")
struct EpochTests {
    private let fixture: SpokeFixture
    private let second: TrustManifest

    init() throws {
        fixture = try SpokeFixture()
        let tree = try fixture.hashes(try fixture.parts())
        second = try fixture.manifest.successor(
            expires: SpokeFixture.now + .days(9), replacing: [:],
            opening: TrustManifest.Start(size: 10, root: digestText(MerkleTree.root(of: Array(tree.prefix(10))))))
    }

    /// Revision 7 of epoch 2, at size 16: the first ten entries are those of before.
    private func restored() throws -> SpokeFixture.Parts {
        var parts = try fixture.parts(try fixture.bundle(revision: 7))
        parts.bundle.origin = second.origin
        parts.origin = second.origin
        parts.size = 16
        for index in Int64(10)..<16 { parts.entries[index] = Array("after \(index)".utf8) }
        parts.from = [10]
        return parts
    }

    private func code(
        _ parts: SpokeFixture.Parts, under manifest: TrustManifest, held: VerifiedDelivery?
    ) throws -> String? {
        let bytes = try fixture.bytes(parts)
        do {
            _ = try DeliveryVerifier(manifest: manifest, spoke: fixture.spoke).verify(
                bytes, held: held, now: SpokeFixture.now)
            return nil
        } catch { return error.code }
    }

    @Test(
        "under the manifest of the new epoch a lower revision of a smaller ledger is taken, and nothing of the old one")
    func taken() throws {
        let held = try fixture.verified(try fixture.parts())
        let verifier = DeliveryVerifier(manifest: second, spoke: fixture.spoke)
        let taken = try verifier.verify(try fixture.bytes(try restored()), held: held, now: SpokeFixture.now)
        #expect(taken.bundle.revision == 7 && taken.checkpoint.size == 16)
        #expect(throws: Never.self) {
            try verifier.verify(try fixture.bytes(try restored()), held: nil, now: SpokeFixture.now)
        }
        // The old epoch: whatever it signs, however large.
        #expect(try code(try fixture.parts(), under: second, held: held) == "foreign-origin")
        #expect(try code(try fixture.parts(), under: second, held: taken) == "foreign-origin")
        // Before the manifest came, the same delivery is nothing.
        #expect(try code(try restored(), under: fixture.manifest, held: held) == "foreign-origin")
        // In the new epoch order holds again.
        var older = try restored()
        older.bundle.revision = 6
        #expect(try code(older, under: second, held: taken) == "older")
        var shorter = try restored()
        shorter.size = 15
        #expect(try code(shorter, under: second, held: taken) == "checkpoint-older")
    }

    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var code: String
        var spoil: @Sendable (SpokeFixture, inout SpokeFixture.Parts) throws -> Void

        init(
            _ what: String, _ code: String,
            _ spoil: @escaping @Sendable (SpokeFixture, inout SpokeFixture.Parts) throws -> Void
        ) {
            testDescription = what
            self.code = code
            self.spoil = spoil
        }
    }

    @Test(
        "what does not go on from the epoch's start is refused, whether the spoke holds something or not",
        arguments: [
            Case("no proof from the start", "checkpoint-unproved") { _, parts in parts.from = [9] },
            Case("another beginning", "fork") { _, parts in parts.entries[3] = [1] },
            Case("a ledger that ends before it", "checkpoint-older") { _, parts in
                parts.size = 9
                parts.published = 5
                parts.from = nil
            },
            Case("the start itself, with another root", "split-view") { _, parts in
                parts.size = 10
                parts.published = 5
                parts.from = nil
            },
            Case("a bundle of the old epoch under a checkpoint of the new one", "foreign-origin") { _, parts in
                parts.bundle.origin = "corp.example/nave/1"
            },
            Case("a checkpoint of the old epoch under a bundle of the new one", "below-threshold") { _, parts in
                parts.origin = "corp.example/nave/1"
            },
            Case("a lease from before what was seen", "lease-older") { _, parts in
                parts.leaseIssued = SpokeFixture.now - .seconds(1)
            },
        ])
    func refused(_ row: Case) throws {
        let held = try fixture.verified(try fixture.parts())
        var parts = try restored()
        try row.spoil(fixture, &parts)
        #expect(try code(parts, under: second, held: held) == row.code)
        if row.code != "lease-older" { #expect(try code(parts, under: second, held: nil) == row.code) }
    }

    @Test("the walk is refused when the start contradicts the checkpoint held, and kept over a restart when not")
    func walk() throws {
        let held = try fixture.verified(try fixture.parts())
        let manifests = HeldManifests(first: fixture.manifest)
        func links(_ start: TrustManifest.Start) throws -> [UInt8] {
            let next = try fixture.manifest.successor(
                expires: SpokeFixture.now + .days(9), replacing: [:], opening: start)
            return try HeldManifestsTests.Chain.links([try next.signed(by: [try fixture.key(.manifest)])])
        }
        let seen = held.checkpoint
        let other = try links(TrustManifest.Start(size: seen.size, root: digestText(of: [1])))
        let error = #expect(throws: TrustError.self) {
            try manifests.walked(other, seen: seen, now: SpokeFixture.now)
        }
        #expect(error?.code == "split-view")
        let same = try links(TrustManifest.Start(size: seen.size, root: digestText(seen.root)))
        #expect(try manifests.walked(same, seen: seen, now: SpokeFixture.now).newest.epoch == 2)
        let walked = try manifests.walked(
            try links(try #require(second.start)), seen: seen, now: SpokeFixture.now)

        let directory = try TemporaryDirectory()
        try ManifestStore(path: directory.file("manifests.json")).persist(walked)
        var again = HeldManifests(first: fixture.manifest)
        try again.restore(Array(try directory.read("manifests.json").utf8))
        #expect(again.newest.origin == "corp.example/nave/2")
        // What was in force stays so until the new epoch's first delivery; that one is found again, too.
        let store = DeliveryStore(path: directory.file("delivery.json"))
        try store.persist(try fixture.bytes(try fixture.parts()))
        let old = try store.load(again, spoke: fixture.spoke, now: SpokeFixture.now)
        #expect(old?.bundle.origin == "corp.example/nave/1" && old?.bundle.revision == 10)
        try store.persist(try fixture.bytes(try restored()))
        #expect(try store.load(again, spoke: fixture.spoke, now: SpokeFixture.now)?.bundle.revision == 7)
    }
}
