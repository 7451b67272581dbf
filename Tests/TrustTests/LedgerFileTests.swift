import Model
import TestSupport
import Testing
import Trust

@Suite struct LedgerFileTests {
    private let pki: TestPKI
    private let manifest: TrustManifest
    private static let origin = "corp.example/nave/1"

    init() throws {
        pki = try TestPKI()
        manifest = try pki.manifest()
    }

    private func note(_ entries: [[UInt8]], by key: PrivateKey? = nil) throws -> String {
        let root = MerkleTree.root(of: entries.map { MerkleTree.leafHash($0) })
        let signer = try #require(key ?? pki.signingKeys[.checkpoint])
        return try Checkpoint(origin: Self.origin, size: Int64(entries.count), root: root).signed(by: [signer])
    }

    /// Seven entries, checkpoints after the 3rd and the 5th, and the newest at the head.
    private func export() throws -> [String] {
        let entries = try (0..<7).map { number in
            try Entry(
                at: TestPKI.now, by: .hub,
                event: .certificateRevoked(CertificateRevoked(serial: "0\(number)"))
            ).json().canonicalBytes
        }
        var file = LedgerFile(newest: try note(entries))
        try file.add(
            LedgerLeaves(
                first: 0, entries: entries.map { Base64.encode($0) },
                checkpoints: try [3, 5].map { try note(Array(entries.prefix($0))) }))
        return String(decoding: file.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func verify(_ lines: [String]) -> LedgerFile.Outcome {
        LedgerFile.verify(Array((lines.joined(separator: "\n") + "\n").utf8), manifest: manifest)
    }

    /// The line of an entry with other bytes; its hash fits them if `rehashed`.
    private static func changed(_ line: String, rehashed: Bool) -> String {
        let bytes = Array(line.dropFirst(65).replacing("\"serial\":\"0", with: "\"serial\":\"1").utf8)
        let hash = rehashed ? Hex.encode(MerkleTree.leafHash(bytes)) : String(line.prefix(64))
        return "\(hash) \(String(decoding: bytes, as: UTF8.self))"
    }

    @Test func whatWasSignedIsClean() throws {
        let outcome = verify(try export())
        #expect(outcome.problem == nil)
        #expect(outcome.size == 7)
    }

    // Lines: head, entries 0 1 2, checkpoint 3, entries 3 4, checkpoint 5, entries 5 6.
    @Test(arguments: [
        ("bytes changed", 3), ("bytes and hash changed", 3), ("dropped", 3), ("reordered", 0), ("truncated", 6),
        ("added", 7), ("no entry", 5),
    ])
    func theFirstBadEntryIsNamed(change: String, entry: Int64) throws {
        var lines = try export()
        switch change {
        case "bytes changed": lines[5] = Self.changed(lines[5], rehashed: false)
        case "bytes and hash changed": lines[5] = Self.changed(lines[5], rehashed: true)
        case "dropped": lines.remove(at: 6)
        case "reordered": lines.swapAt(1, 2)
        case "truncated": lines.removeLast()
        case "added": lines.append(lines[1])
        default: lines[8] = "nonsense"
        }
        let outcome = verify(lines)
        #expect(outcome.problem != nil)
        let named = try #require(outcome.entry)
        #expect(change == "dropped" ? (3...4).contains(named) : named == entry, "\(outcome)")
    }

    @Test func anotherKeysHeadProvesNothing() throws {
        var lines = try export()
        let stranger = try PrivateKey.generateEd25519()
        let entries = lines.filter { $0.contains("{") }.map { Array($0.dropFirst(65).utf8) }
        lines[0] = "nave-ledger 1 \(Base64.encode(Array(try note(entries, by: stranger).utf8)))"
        #expect(verify(lines).problem != nil)
        #expect(verify([]).problem != nil)
        #expect(verify(["x"]).problem != nil)
        // An older checkpoint of a key that is gone is passed over.
        lines = try export()
        lines[4] = "checkpoint \(Base64.encode(Array(try note(Array(entries.prefix(3)), by: stranger).utf8)))"
        #expect(verify(lines).problem == nil)
    }
}
