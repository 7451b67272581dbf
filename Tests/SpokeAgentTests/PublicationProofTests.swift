import Model
import SpokeAgent
import TestSupport
import Testing
import Trust

/// What a hub that lies could send: every signature holds, and the delivery is refused.
@Suite("a hub that lies to a spoke")
struct PublicationProofTests {
    private let fixture: SpokeFixture

    init() throws { fixture = try SpokeFixture() }

    struct Case: CustomTestStringConvertible, Sendable {
        var code: String
        var name: String
        var spoil: @Sendable (SpokeFixture, inout SpokeFixture.Parts) throws -> Void
        var testDescription: String { "\(code): \(name)" }

        init(
            _ code: String, _ name: String,
            _ spoil: @escaping @Sendable (SpokeFixture, inout SpokeFixture.Parts) throws -> Void
        ) {
            self.code = code
            self.name = name
            self.spoil = spoil
        }
    }

    /// Against a held checkpoint of size 20; without spoiling, revision 11 at size 21 is taken.
    static let cases = [
        Case("unproved", "no proof") { _, parts in parts.hasProof = false },
        Case("not-logged", "never logged") { _, parts in
            parts.spoilProof = { proof in
                proof.entry = Base64.encode(try SpokeFixture.publication(root: SHA256.hash([1])))
            }
        },
        Case("not-logged", "another index") { _, parts in parts.spoilProof = { $0.index = 19 } },
        Case("not-logged", "an index beyond the ledger") { _, parts in parts.spoilProof = { $0.index = 21 } },
        Case("not-logged", "an index below nothing") { _, parts in parts.spoilProof = { $0.index = -1 } },
        Case("not-logged", "a forged inclusion proof") { _, parts in
            parts.spoilProof = { $0.inclusion[0] = Base64.encode(SHA256.hash([1])) }
        },
        Case("not-logged", "a short inclusion proof") { _, parts in
            parts.spoilProof = { $0.inclusion.removeLast() }
        },
        Case("not-logged", "what is no hash") { _, parts in parts.spoilProof = { $0.inclusion[0] = "AAAA" } },
        Case("not-published", "a forged path") { _, parts in
            parts.spoilProof = { $0.leaf.path[0] = Base64.encode(SHA256.hash([1])) }
        },
        Case("not-published", "another leaf") { _, parts in parts.spoilProof = { $0.leaf.index = 0 } },
        Case("not-published", "a leaf beyond the publication") { _, parts in
            parts.spoilProof = { $0.leaf.index = 1 << 32 }
        },
        Case("not-published", "a second bundle for the spoke, in another place") { _, parts in
            parts.placedAs = "elsewhere"
        },
        Case("not-published", "an older publication, of another bundle") { fixture, parts in
            let held = try fixture.parts()
            let digest = digestText(of: try JSONCoding.canonical(held.bundle))
            let (_, old) = try fixture.ledger(held, digest: digest)
            var all = parts
            all.spoilProof = { _ in }
            let hashes = try fixture.hashes(all)
            let inclusion = ProofText.encode(try MerkleTree.inclusionProof(index: 12, leaves: hashes))
            parts.spoilProof = { proof in
                proof.entry = old.entry
                proof.index = 12
                proof.inclusion = inclusion
            }
        },
        Case("unknown-entry", "an entry that is none") { _, parts in
            // It is in the ledger: a publication lies where no type says so.
            parts.published = 21
            parts.size = 22
            parts.entries[20] = Array(#"{"v":1,"type":"x","at":"2026-11-21T00:00:00.000Z","by":{},"body":{}}"#.utf8)
            let hashes = try SpokeFixture().hashes(parts)
            let (entry, inclusion) = (
                Base64.encode(parts.entries[20] ?? []),
                ProofText.encode(try MerkleTree.inclusionProof(index: 20, leaves: hashes))
            )
            parts.spoilProof = { proof in
                proof.entry = entry
                proof.index = 20
                proof.inclusion = inclusion
            }
        },
        Case("checkpoint-older", "a shortened ledger") { _, parts in
            parts.size = 19
            parts.from = nil
            parts.published = 18
        },
        Case("split-view", "the same size, another history") { _, parts in
            parts.size = 20
            parts.published = 19
        },
        Case("fork", "another history, grown beyond") { _, parts in parts.history = "two" },
        Case("fork", "one entry rewritten") { _, parts in parts.entries[3] = [1] },
        Case("fork", "a forged consistency proof") { _, parts in
            parts.spoilProof = { $0.consistency?[0].path[0] = Base64.encode(SHA256.hash([1])) }
        },
        Case("bad-proof", "a consistency proof that is none") { _, parts in
            parts.spoilProof = { $0.consistency?[0].path[0] = "?" }
        },
        Case("checkpoint-unproved", "no consistency proof") { _, parts in parts.from = nil },
        Case("checkpoint-unproved", "one from a checkpoint that is not held") { _, parts in parts.from = [19] },
    ]

    @Test("what is refused, and why", arguments: cases)
    func refused(_ row: Case) throws {
        let held = try fixture.verified(try fixture.parts())
        var parts = try grown()
        try row.spoil(fixture, &parts)
        let bytes = try fixture.bytes(parts)
        let error = #expect(throws: SpokeError.self) {
            try fixture.verifier.verify(bytes, held: held, now: SpokeFixture.now)
        }
        #expect(error?.code == row.code)
    }

    @Test("the same, unspoilt, is taken, also with proofs from several checkpoints")
    func taken() throws {
        let held = try fixture.verified(try fixture.parts())
        var parts = try grown()
        parts.from = [3, 20, 21]
        let delivery = try fixture.verifier.verify(try fixture.bytes(parts), held: held, now: SpokeFixture.now)
        #expect(delivery.checkpoint.size == 21)
    }

    @Test("two spokes that were shown two histories: neither can be brought over to the other's")
    func twoHistories() throws {
        var one = try fixture.parts()
        var two = one
        two.history = "two"
        let first = try fixture.verified(one)
        let second = try fixture.verified(two)
        #expect(first.checkpoint.size == second.checkpoint.size && first.checkpoint.root != second.checkpoint.root)
        try fixture.grow(&one)
        try fixture.grow(&two)
        for (parts, held) in [(one, second), (two, first)] {
            let bytes = try fixture.bytes(parts)
            let error = #expect(throws: SpokeError.self) {
                try fixture.verifier.verify(bytes, held: held, now: SpokeFixture.now)
            }
            #expect(error?.code == "fork")
        }
        for (parts, held) in [(one, first), (two, second)] {
            #expect(
                try fixture.verifier.verify(fixture.bytes(parts), held: held, now: SpokeFixture.now).checkpoint.size
                    == 21)
        }
    }

    private func grown() throws -> SpokeFixture.Parts {
        var parts = try fixture.parts(try fixture.bundle(revision: 11))
        try fixture.grow(&parts)
        return parts
    }
}

extension SpokeFixture {
    /// Publishes the parts' bundle in entry 20 of a ledger whose first 20 entries are those of `parts()`.
    func grow(_ parts: inout Parts) throws {
        var held = try self.parts()
        held.history = parts.history
        let (_, proof) = try ledger(held, digest: digestText(of: try JSONCoding.canonical(held.bundle)))
        parts.entries[12] = Base64.decode(proof.entry)
        parts.published = 20
        parts.size = 21
        parts.from = [20]
    }

    /// The leaf hashes of the parts' ledger.
    func hashes(_ parts: Parts) throws -> [[UInt8]] {
        let (_, proof) = try ledger(parts, digest: digestText(of: try JSONCoding.canonical(parts.bundle)))
        return (0..<parts.size).map { index in
            MerkleTree.leafHash(
                index == parts.published
                    ? Base64.decode(proof.entry) ?? []
                    : parts.entries[index] ?? Array("\(parts.history) \(index)".utf8))
        }
    }
}
