import Model
import TestSupport
import Testing
import Trust

@Suite struct ManifestEpochTests {
    private let pki: TestPKI
    private let first: TrustManifest

    init() throws {
        pki = try TestPKI()
        first = try pki.manifest()
    }

    private static let start = TrustManifest.Start(size: 40, root: digestText(of: [1]))

    private func next(_ current: TrustManifest, opening start: TrustManifest.Start? = nil) throws -> TrustManifest {
        try current.successor(expires: TestPKI.now + .days(9), replacing: [:], opening: start)
    }

    private func code(_ manifest: TrustManifest, of current: TrustManifest) throws -> String? {
        let key = try #require(pki.signingKeys[.manifest])
        return refusal {
            _ = try TrustManifest.verifySuccessor(manifest.signed(by: [key]), of: current, now: TestPKI.now)
        }
    }

    @Test func anEpochBeginsWhereItsManifestSaysAndStaysThere() throws {
        #expect(first.epoch == 1 && first.startCheckpoint == nil)
        let second = try next(first, opening: Self.start)
        #expect(second.origin == "corp.example/nave/2" && second.epoch == 2)
        #expect(second.startCheckpoint?.size == 40 && second.startCheckpoint?.root == SHA256.hash([1]))
        #expect(try code(second, of: first) == nil)
        let third = try next(second)
        #expect(third.start == Self.start && third.origin == second.origin)
        #expect(try code(third, of: second) == nil)
        // An epoch may go back behind the one before.
        let fourth = try next(third, opening: TrustManifest.Start(size: 7, root: digestText(of: [2])))
        #expect(fourth.epoch == 3)
        #expect(try code(fourth, of: third) == nil)
    }

    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var code: String
        var change: @Sendable (inout TrustManifest) -> Void

        init(_ what: String, _ code: String, _ change: @escaping @Sendable (inout TrustManifest) -> Void) {
            testDescription = what
            self.code = code
            self.change = change
        }
    }

    /// Each spoils version 2, which begins epoch 2.
    @Test(arguments: [
        Case("an epoch is left out", "not-next-epoch") { $0.origin = "corp.example/nave/3" },
        Case("the epoch before the first", "not-next-epoch") { $0.origin = "corp.example/nave/0" },
        Case("another spelling of the epoch", "not-next-epoch") { $0.origin = "corp.example/nave/02" },
        Case("a sign before the epoch", "bad-manifest") { $0.origin = "corp.example/nave/+2" },
        Case("another ledger", "not-next-epoch") { $0.origin = "corp.example/other/2" },
        Case("another organization's ledger", "not-next-epoch") { $0.origin = "other.example/nave/2" },
        Case("no start", "no-start") { $0.start = nil },
        Case("a start in the epoch of before", "start-moved") { $0.origin = "corp.example/nave/1" },
        Case("a start at nothing", "bad-manifest") { $0.start?.size = 0 },
        Case("a start below nothing", "bad-manifest") { $0.start?.size = -1 },
        Case("a root that is no digest", "bad-manifest") { $0.start?.root = "sha256:00" },
        Case("a root in capital letters", "bad-manifest") {
            $0.start?.root = "sha256:" + String(repeating: "A", count: 64)
        },
    ])
    func whatBeginsNoEpochIsRefused(_ row: Case) throws {
        var second = try next(first, opening: Self.start)
        row.change(&second)
        #expect(try code(second, of: first) == row.code)
    }

    @Test func theStartNeitherMovesNorGoesWithinItsEpoch() throws {
        let second = try next(first, opening: Self.start)
        for start in [nil, TrustManifest.Start(size: 41, root: Self.start.root)] {
            var third = try next(second)
            third.start = start
            #expect(try code(third, of: second) == "start-moved")
        }
        var back = try next(second)
        back.origin = first.origin
        back.start = nil
        #expect(try code(back, of: second) == "not-next-epoch")
    }

    @Test func theFirstVersionGoesOnFromNothing() throws {
        var manifest = first
        manifest.start = Self.start
        let key = try #require(pki.signingKeys[.manifest])
        let envelope = try manifest.signed(by: [key])
        let pin = pki.root.certificate.publicKey.spkiDigest
        #expect(refusal { _ = try TrustManifest.verifyFirst(envelope, pinnedRootSPKI: pin) } == "not-first-manifest")
    }

    /// What was seen, by size; the roots of epochs 2 and 3 and their sizes.
    @Test(
        arguments: [
            ("the same tree", 40, 1, [(40, 1)], nil), ("another tree of that size", 40, 2, [(40, 1)], "split-view"),
            ("a larger one: given up", 41, 9, [(40, 1)], nil),
            ("a smaller one: no telling by the root", 39, 9, [(40, 1)], nil),
            ("kept by the first, contradicted by the second", 30, 9, [(40, 1), (30, 2)], "split-view"),
            ("given up by the first, so the second may differ", 41, 9, [(40, 1), (41, 2)], nil),
            ("the first start is what is known then", 50, 9, [(40, 1), (40, 2)], "split-view"),
        ] as [(String, Int64, UInt8, [(Int64, UInt8)], String?)])
    func whatWasSeenOfTheSameSizeHasTheSameRoot(
        name: String, size: Int64, root: UInt8, starts: [(Int64, UInt8)], expected: String?
    ) throws {
        let seen = try Checkpoint(origin: first.origin, size: size, root: SHA256.hash([root]))
        var manifests = [try next(first)]
        for (size, root) in starts {
            let opened = try next(
                manifests[manifests.count - 1], opening: TrustManifest.Start(size: size, root: digestText(of: [root])))
            manifests += [opened, try next(opened)]
        }
        #expect(refusal { try seen.demandKept(by: manifests) } == expected, "\(name)")
    }
}
