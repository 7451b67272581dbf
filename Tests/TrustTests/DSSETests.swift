import Model
import TestSupport
import Testing
import Trust

@Suite struct DSSETests {
    private let first: PrivateKey
    private let second: PrivateKey
    private let type = "application/vnd.nave.test+json"

    init() throws {
        first = try PrivateKey(ed25519Seed: [UInt8](repeating: 1, count: 32))
        second = try PrivateKey(ed25519Seed: [UInt8](repeating: 2, count: 32))
    }

    private func keys(_ keys: PrivateKey...) -> [String: PublicKey] {
        Dictionary(uniqueKeysWithValues: keys.map { ($0.publicKey.spkiDigest, $0.publicKey) })
    }

    /// The example of protocol.md.
    @Test func preAuthenticationEncoding() {
        let bytes = DSSE.preAuthenticationEncoding(
            payloadType: "http://example.com/HelloWorld", payload: Array("hello world".utf8))
        #expect(String(decoding: bytes, as: UTF8.self) == "DSSEv1 29 http://example.com/HelloWorld 11 hello world")
        // Lengths are of bytes, not of characters.
        #expect(DSSE.preAuthenticationEncoding(payloadType: "é", payload: []) == Array("DSSEv1 2 é 0 ".utf8))
    }

    @Test func roundTrips() throws {
        let payload = Array(#"{"a":1}"#.utf8)
        let envelope = try DSSE.sign(payload, payloadType: type, keys: [first])
        let again = try DSSEEnvelope(parsing: envelope.encoded)
        #expect(again == envelope)
        #expect(try DSSE.verify(again, payloadType: type, keys: keys(first), threshold: 1) == payload)
        #expect(envelope.signatures[0].keyid == first.publicKey.spkiDigest)
    }

    @Test func everyFlippedByteRefuses() throws {
        let envelope = try DSSE.sign(Array("hello".utf8), payloadType: type, keys: [first]).encoded
        let trusted = keys(first)
        for index in envelope.indices {
            for bit: UInt8 in [0x01, 0x20, 0x80] {
                var broken = envelope
                broken[index] ^= bit
                let code = refusal {
                    _ = try DSSE.verify(DSSEEnvelope(parsing: broken), payloadType: type, keys: trusted, threshold: 1)
                }
                #expect(code != nil, "byte \(index), bit \(bit)")
            }
        }
    }

    @Test func reasons() throws {
        let payload = Array("hello".utf8)
        let good = try DSSE.sign(payload, payloadType: type, keys: [first])
        func code(_ envelope: DSSEEnvelope, _ keys: [String: PublicKey], threshold: Int = 1, type: String? = nil)
            -> String?
        {
            refusal {
                _ = try DSSE.verify(envelope, payloadType: type ?? self.type, keys: keys, threshold: threshold)
            }
        }
        #expect(code(good, keys(first), threshold: 0) == "bad-threshold")
        #expect(code(good, keys(first), type: "application/other") == "wrong-payload-type")
        #expect(code(good, keys(second)) == "below-threshold")
        #expect(code(good, [:]) == "below-threshold")
        #expect(code(good, keys(first), threshold: 2) == "below-threshold")

        var unsigned = good
        unsigned.signatures = []
        #expect(code(unsigned, keys(first)) == "bad-envelope")
        var flooded = good
        flooded.signatures = Array(repeating: good.signatures[0], count: 65)
        #expect(code(flooded, keys(first)) == "bad-envelope")
        // A signature made for another type does not count for this one.
        var moved = try DSSE.sign(payload, payloadType: "application/other", keys: [first])
        moved.payloadType = type
        #expect(code(moved, keys(first)) == "bad-signature")
        // A known key's bad signature refuses, however many good ones stand beside it.
        var spoiled = try DSSE.sign(payload, payloadType: type, keys: [first, second])
        spoiled.signatures[1].sig = spoiled.signatures[0].sig
        #expect(code(spoiled, keys(first, second)) == "bad-signature")
        #expect(code(spoiled, keys(first)) == nil)
        #expect(refusal { _ = try DSSE.sign(payload, payloadType: type, keys: [.generateP256()]) } == "weak-key")
        #expect(
            refusal {
                _ = try DSSEEnvelope(parsing: Array(#"{"payload":"","payloadType":"","signatures":[],"x":1}"#.utf8))
            } == "bad-envelope")
    }

    @Test func keysCountByWhatTheyAre() throws {
        let envelope = try DSSE.sign([1], payloadType: type, keys: [first])
        var twice = envelope
        twice.signatures.append(twice.signatures[0])
        #expect(
            refusal { _ = try DSSE.verify(twice, payloadType: type, keys: keys(first), threshold: 2) }
                == "below-threshold")
        // One key under two ids.
        twice.signatures[1].keyid = "another"
        let aliases = ["another": first.publicKey, first.publicKey.spkiDigest: first.publicKey]
        #expect(
            refusal { _ = try DSSE.verify(twice, payloadType: type, keys: aliases, threshold: 2) } == "below-threshold")
        let both = try DSSE.sign([1], payloadType: type, keys: [first, second])
        #expect(try DSSE.verify(both, payloadType: type, keys: keys(first, second), threshold: 2) == [1])
    }
}
