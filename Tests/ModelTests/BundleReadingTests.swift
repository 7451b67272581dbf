import Foundation
import Model
import TestSupport
import Testing

/// Bundles are read in one pass, and the long way where that does not take them: both must agree on every byte.
@Suite("a bundle's payload") struct BundleReadingTests {
    @Test("of every feature is read in one pass, and means the same")
    func samples() throws {
        for bundle in try Self.bundles() {
            let bytes = try JSONCoding.canonical(bundle)
            let read = try #require(PolicyBundle.inOnePass(bytes), "\(String(decoding: bytes, as: UTF8.self))")
            #expect(read == bundle)
            #expect(try JSONCoding.decodeCanonical(PolicyBundle.self, from: bytes) == read)
        }
    }

    @Test("is refused with the same words on both ways")
    func refusals() throws {
        let text = String(decoding: try JSONCoding.canonical(try WireVersionTests().sample()), as: UTF8.self)
        let rows: [(from: String, to: String, code: String)] = [
            (#""effect":"allow""#, #""effect":"allow","effort":"much""#, "unknown-key"),
            (#""effect":"allow""#, #""effect":"permit""#, "unknown-value"),
            (#""effect":"allow""#, #""effect":7"#, "wrong-type"),
            (#""effect":"allow""#, #""effect":"allow","effect":"allow""#, "duplicate-key"),
            (#""effect":"allow","#, "", "missing-key"),
            (#""effect":"allow""#, #""effect": "allow""#, "not-canonical"),
            (#""revision":"#, #""revision":0"#, "bad-json"),
            (#""revokedSerials":["#, #""revokedSerials":[null,"#, "wrong-type"),
            (#""domains":["#, #""domains":["\u0061","#, "not-canonical"),
            (#"{"domains""#, #" {"domains""#, "not-canonical"),
            (#""masks":["#, #""environment":null,"masks":["#, "not-canonical"),
        ]
        for row in rows {
            let range = try #require(text.range(of: row.from), "\(row)")
            let broken = Array(text.replacingCharacters(in: range, with: row.to).utf8)
            let (one, other) = (Self.outcome(PolicyBundle.decoded, broken), Self.outcome(Self.theLongWay, broken))
            #expect(one == other, "\(row)")
            #expect(one.error?.code == row.code || row.from == #""masks":["# && one.error != nil, "\(row): \(one)")
        }
    }

    @Test("changed at random places is taken by both ways or by neither")
    func fuzz() throws {
        var random = Seeded(state: 31)
        let samples = try Self.bundles().map { try JSONCoding.canonical($0) }
        let pieces = [
            "\"", "\\", "{", "}", "[", "]", ",", ":", " ", "null", "true", "0", "-0", "1e3", "\u{7F}", "é", "\n", "*",
            "/",
        ].map { Array($0.utf8) }
        var taken = 0
        for _ in 0..<(isLong ? 100_000 : 4_000) {
            var bytes = samples.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 1...2, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: place)
                default:
                    let end = min(bytes.count, place + Int.random(in: 1...60, using: &random))
                    bytes.insert(contentsOf: bytes[place..<end], at: place)
                }
            }
            guard let read = PolicyBundle.inOnePass(bytes) else { continue }
            taken += 1
            let slow = Self.outcome(Self.theLongWay, bytes)
            #expect(slow.bundle == read, "\(String(decoding: bytes, as: UTF8.self))")
        }
        #expect(taken > 100)
    }

    private static func bundles() throws -> [PolicyBundle] {
        var sample = try WireVersionTests().sample()
        let plain = RegistryState(
            origin: "corp.example/nave/1", topology: TopologyFixture.read(TopologyFixture.base()).topology,
            changes: ["finance": 7])
        let compiled = plain.topology.spokes.compactMap { compileBundle(spoke: $0, from: plain) }
        var unusual = sample
        unusual.rules = try sample.rules.map { rule in
            var rule = rule
            rule.place = Place(file: "zones/größe.yaml", line: 3, column: 1)
            rule.from = Instant(milliseconds: 1_800_000_000_001)
            rule.to.append(try Principal("spiffe://partner.example/**"))
            return rule
        }
        sample.revokedSerials = ["00ff", "01"]
        return [sample, unusual] + compiled
    }

    private static func theLongWay(_ bytes: [UInt8]) throws(ModelError) -> PolicyBundle {
        try JSONCoding.decodeCanonical(PolicyBundle.self, from: bytes)
    }

    private struct Outcome: Equatable {
        var bundle: PolicyBundle?
        var error: ModelError?
    }

    private static func outcome(
        _ read: ([UInt8]) throws(ModelError) -> PolicyBundle, _ bytes: [UInt8]
    ) -> Outcome {
        do throws(ModelError) { return Outcome(bundle: try read(bytes)) } catch { return Outcome(error: error) }
    }
}
