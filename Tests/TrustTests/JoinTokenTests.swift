import Model
import Testing
import Trust

@Suite struct JoinTokenTests {
    private let secret = [UInt8](0..<32)
    private let root = "sha256:" + String(repeating: "0a", count: 32)

    private func token(
        hub: String = "h1.hub.corp.example", address: String = "10.0.0.1:8444", root: String? = nil,
        zone: String? = "finance", name: String = "fin-1", kind: JoinToken.Kind = .spoke, secret: [UInt8]? = nil
    ) throws -> JoinToken {
        try JoinToken(
            hub: hub, address: address, root: root ?? self.root, zone: zone, name: name, kind: kind,
            secret: secret ?? self.secret)
    }

    @Test func roundTrips() throws {
        let token = try token()
        let text = try token.encoded()
        #expect(text.hasPrefix("nave-join:") && !text.contains("="))
        let again = try JoinToken(parsing: "  \(text)\r\n")
        #expect(again == token)
        #expect(again.hub == "h1.hub.corp.example" && again.zone == "finance" && again.name == "fin-1")
        #expect(again.endpoint.host == "10.0.0.1" && again.endpoint.port == 8444)
        #expect(again.secretHash == digestText(of: again.secret.utf8))
        #expect(Base64.decodeURL(again.secret) == secret)
        #expect(
            !again.description.contains(again.secret)
                && again.description == "join token for spoke finance/fin-1 at h1.hub.corp.example")
        #expect(try JoinToken(parsing: self.token(zone: nil, name: "u1", kind: .user).encoded()).zone == nil)
        let v6 = try self.token(address: "[2001:db8::1]:8444").endpoint
        #expect(v6.host == "2001:db8::1" && v6.port == 8444)
    }

    @Test func limits() {
        let bad: [() throws -> JoinToken] = [
            { try token(hub: "localhost") }, { try token(hub: "https://h1.hub.corp.example") },
            { try token(address: "") },
            { try token(address: "h1") }, { try token(address: "h1:0") }, { try token(address: "h1:65536") },
            { try token(address: "h1:08") }, { try token(address: "h1:+8") }, { try token(address: "a b:80") },
            { try token(address: "::1:80") }, { try token(address: "[x]:80") }, { try token(root: "00") },
            { try token(root: "sha256:00") }, { try token(zone: nil) }, { try token(zone: "Finance") },
            { try token(zone: "a.b") }, { try token(name: "") }, { try token(name: "../x") },
            { try token(kind: .user) },
            { try token(secret: []) }, { try token(secret: [1, 2, 3]) },
        ]
        for (index, make) in bad.enumerated() {
            #expect(refusal { _ = try make() } == "bad-join-token", "row \(index)")
        }
    }

    @Test func refusesOtherSpellings() throws {
        let text = try token().encoded()
        let json = try #require(Base64.decodeURL(text.dropFirst(10)))
        func encoded(_ json: [UInt8]) -> String { "nave-join:" + Base64.encodeURL(json) }
        #expect(encoded(json) == text)
        for bad in [
            "", "nave-join:", "NAVE-JOIN:" + text.dropFirst(10), String(text.dropFirst(10)), text + "=", text + "AAAA",
            text.replacing("nave-join:", with: "nave-join: "), encoded(json + [0x20]), encoded([0x20] + json),
            encoded(Array(String(decoding: json, as: UTF8.self).replacing("{", with: "{\"a\":1,").utf8)),
            encoded(Array(String(decoding: json, as: UTF8.self).replacing("\"v\":1", with: "\"v\":2").utf8)),
            encoded(Array(String(decoding: json, as: UTF8.self).replacing("spoke", with: "robot").utf8)),
            String(repeating: "A", count: 100_000),
        ] {
            #expect(refusal { _ = try JoinToken(parsing: bad) } == "bad-join-token", "\(bad.prefix(80))")
        }
        // The message must not give the secret away.
        let damaged = encoded(
            Array(String(decoding: json, as: UTF8.self).replacing("\"secret\"", with: "\"secreT\"").utf8))
        let error = try #require(throws: TrustError.self) { try JoinToken(parsing: damaged) }
        let secret = try token().secret
        #expect(!error.description.contains(secret))
    }

    /// Random damage to the text and to the JSON inside: refused or read, and what is read writes itself again.
    @Test func damageNeverCrashes() throws {
        let text = Array(try token().encoded().utf8)
        let json = try #require(Base64.decodeURL(String(decoding: text.dropFirst(10), as: UTF8.self)))
        var random = SplitMix(state: 2026)
        for _ in 0..<4000 {
            let broken = String(decoding: damaged(text, &random), as: UTF8.self)
            let inside = "nave-join:" + Base64.encodeURL(damaged(json, &random))
            for candidate in [broken, inside] {
                guard let token = try? JoinToken(parsing: candidate) else { continue }
                let again = try token.encoded()
                #expect(try JoinToken(parsing: again) == token)
            }
        }
    }

    private func damaged(_ bytes: [UInt8], _ random: inout SplitMix) -> [UInt8] {
        var bytes = bytes
        for _ in 0...Int.random(in: 0...2, using: &random) {
            let index = Int.random(in: 0..<max(1, bytes.count), using: &random)
            switch Int.random(in: 0...3, using: &random) {
            case 0 where index < bytes.count: bytes[index] = UInt8.random(in: 0...255, using: &random)
            case 1 where index < bytes.count: bytes.remove(at: index)
            case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
            default: bytes.removeSubrange(index...)
            }
        }
        return bytes
    }
}

/// The generator of Steele, Lea and Flood, so that a failing run can be repeated.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
