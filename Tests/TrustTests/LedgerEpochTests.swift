import Model
import TestSupport
import Testing
import Trust

/// An exported ledger that went back once: four entries stay, entry 4 begins epoch 2.
@Suite struct LedgerEpochTests {
    private let pki: TestPKI
    private let first: TrustManifest

    init() throws {
        pki = try TestPKI()
        first = try pki.manifest()
    }

    private func root(_ entries: some Sequence<[UInt8]>) -> [UInt8] {
        MerkleTree.root(of: entries.map { MerkleTree.leafHash($0) })
    }

    private func entry(_ event: Event) throws -> [UInt8] {
        try Entry(at: TestPKI.now, by: .hub, event: event).json().canonicalBytes
    }

    private func entries(_ change: (inout EpochOpened) -> Void = { _ in }) throws -> [[UInt8]] {
        func revoked(_ number: Int) throws -> [UInt8] {
            try entry(.certificateRevoked(CertificateRevoked(serial: "0\(number)")))
        }
        let kept = try (0..<4).map(revoked)
        var opened = EpochOpened(epoch: 2, origin: "corp.example/nave/2", size: 4, root: digestText(root(kept)))
        change(&opened)
        return try kept + [entry(.epochOpened(opened))] + (5..<7).map(revoked)
    }

    private func note(_ entries: some Collection<[UInt8]>, _ origin: String) throws -> String {
        let key = try #require(pki.signingKeys[.checkpoint])
        return try Checkpoint(origin: origin, size: Int64(entries.count), root: root(entries)).signed(by: [key])
    }

    private func manifest(_ size: Int64 = 4, _ root: String? = nil) throws -> TrustManifest {
        try first.successor(
            expires: TestPKI.now + .days(9), replacing: [:],
            opening: TrustManifest.Start(size: size, root: try root ?? digestText(self.root(entries().prefix(4)))))
    }

    private func verify(_ entries: [[UInt8]], _ manifest: TrustManifest) throws -> LedgerFile.Outcome {
        var file = LedgerFile(newest: try note(entries, manifest.origin))
        try file.add(
            LedgerLeaves(
                first: 0, entries: entries.map { Base64.encode($0) },
                checkpoints: [
                    try note(entries.prefix(3), "corp.example/nave/1"), try note(entries.prefix(5), manifest.origin),
                ]))
        return LedgerFile.verify(file.bytes, manifest: manifest)
    }

    @Test func theNewestManifestAloneJudgesBothEpochs() throws {
        let outcome = try verify(entries(), manifest())
        #expect(outcome.problem == nil && outcome.size == 7)
        // A later version of the same epoch says the same.
        let next = try manifest().successor(expires: TestPKI.now + .days(9), replacing: [:])
        #expect(try verify(entries(), next).problem == nil)
    }

    @Test func whatGoesOnFromElsewhereIsNamed() throws {
        func named(_ entries: [[UInt8]], _ manifest: TrustManifest) throws -> Int64? {
            let outcome = try verify(entries, manifest)
            return outcome.problem == nil ? nil : outcome.entry
        }
        // The manifest says otherwise.
        #expect(try named(entries(), manifest(3)) == 3)
        #expect(try named(entries(), manifest(4, digestText(of: [1]))) == 4)
        #expect(try named(entries(), manifest(9)) == 7)
        #expect(try named(entries(), first) == 4)
        // The entry says otherwise.
        #expect(try named(entries { $0.root = digestText(of: [1]) }, manifest()) == 4)
        #expect(try named(entries { $0.size = 3 }, manifest()) == 4)
        #expect(try named(entries { $0.origin = "corp.example/nave/3" }, manifest()) == 4)
        // No such entry, a rewritten beginning, a second epoch that nobody signed for.
        var without = try entries()
        without.remove(at: 4)
        #expect(try named(without, manifest()) == 4)
        var rewritten = try entries()
        rewritten[0] = rewritten[1]
        #expect(try named(rewritten, manifest()) == 4)
        let more =
            try entries() + [
                entry(
                    .epochOpened(
                        EpochOpened(epoch: 3, origin: "corp.example/nave/3", size: 7, root: digestText(root(entries())))
                    ))
            ]
        #expect(try named(more, manifest()) == 7)
    }
}
