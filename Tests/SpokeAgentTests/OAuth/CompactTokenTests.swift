import Model
import SpokeAgent
import Testing
import Trust

@Suite("access tokens one step away from a good one")
struct CompactTokenTests {
    private let issuer = TestIssuer()

    @Test("none of them is believed, and none is read as the good one in another spelling")
    func mutants() async throws {
        let good = try await issuer.token()
        let published = PublishedKeys(TestIssuer.set([try issuer.entry()]))
        let verifier = TokenVerifier(
            TokenRules(issuers: [TestIssuer.settings]), keys: [TestIssuer.name: published.keys()])
        let resource = try TestIssuer.resource
        func isBelieved(_ text: String) -> Bool {
            if case .believed? = try? verifier.judge(text, for: resource, now: TestIssuer.now) { true } else { false }
        }
        if case .waits(let fetching) = try verifier.judge(good, for: resource, now: TestIssuer.now) {
            await fetching.value
        }
        #expect(isBelieved(good))
        let original = try CompactToken(good)
        var readable = 0
        for text in try Self.mutants(of: good) where !text.utf8.elementsEqual(good.utf8) {
            guard let read = try? CompactToken(text) else { continue }
            readable += 1
            #expect(read.signed != original.signed || read.signature != original.signature, "\(text)")
            #expect(!isBelieved(text), "\(text)")
        }
        // Each bit of the signature alone makes 512.
        #expect(readable > 512)
    }

    @Test("what may not be in a header is found in any spelling of its JSON")
    func headers() async throws {
        let claims = JSON.object(TestIssuer.claims).bytes
        for header in [
            #"{"alg":"ES256","kid":"k1","cr\u0069t":["exp"]}"#, #"{"alg":"ES256","\u0065nc":"A256GCM"}"#,
            #"{"alg":"ES256","zip":null}"#, #"{"alg":"none","\u0061lg":"ES256"}"#, #"{"alg":"ES256","Alg":"none"}"#,
            #"{"alg":["ES256"]}"#, #"{"alg":"ES256","kid":""}"#, #"{"alg":"ES256","typ":1}"#, "{}", "",
        ] {
            let token = try await issuer.token(header: Array(header.utf8), claims: claims)
            let error = #expect(throws: SpokeError.self) { try CompactToken(token) }
            #expect(error?.code == "malformed-token", "\(header)")
        }
    }

    /// Every place of the text, of the header and of the claims changed, left out and doubled; every bit of the signature; the
    /// parts left out, twice and in other orders.
    private static func mutants(of good: String) throws -> [String] {
        let parts = good.split(separator: ".").map(String.init)
        var texts = changed(Array(good.utf8)) { byte in
            // Behind an ASCII character the accent makes another one of it, and the Kelvin sign is a `K` to some readers.
            [[], [byte, byte], [byte + 1], [0x2E], [0x3D], [byte, 0xCC, 0x81], Array("\u{212A}".utf8)]
        }.map { String(decoding: $0, as: UTF8.self) }
        for index in 0..<2 {
            let part = try #require(Base64.decodeURL(parts[index]))
            texts += changed(part) { byte in
                [[], [byte, byte], [byte ^ 1], [byte ^ 0x20], [0x20, byte], [0x22], [0x00], [0xC3]]
            }.map { bytes in
                var spelt = parts
                spelt[index] = Base64.encodeURL(bytes)
                return spelt.joined(separator: ".")
            }
        }
        let signature = try #require(Base64.decodeURL(parts[2]))
        var signatures = (0..<signature.count).map { Array(signature.prefix($0)) } + [signature + [0]]
        for bit in 0..<signature.count * 8 {
            var flipped = signature
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            signatures.append(flipped)
        }
        texts += signatures.map { "\(parts[0]).\(parts[1]).\(Base64.encodeURL($0))" }
        let orders = [
            [0, 1], [0, 2, 1], [1, 0, 2], [2, 1, 0], [0, 0, 2], [0, 1, 1], [0, 1, 2, 2], [0, 1, 2, 0, 1],
        ]
        texts += orders.map { $0.map { parts[$0] }.joined(separator: ".") }
        return texts
    }

    private static func changed(_ bytes: [UInt8], _ others: (UInt8) -> [[UInt8]]) -> [[UInt8]] {
        bytes.indices.flatMap { index in
            others(bytes[index]).map { bytes[..<index] + $0 + bytes[(index + 1)...] }
        }
    }
}
