import JWTKit
import Model
import SpokeAgent
import Testing

@Suite("keys of issuers")
struct IssuerKeysTests {
    private let issuer = TestIssuer()

    /// What becomes of a question, after a fetch that it may cause.
    private func find(_ id: String, _ keys: IssuerKeys) async -> String {
        var fetched = ""
        while true {
            switch keys.find(id, .es256) {
            case .key: return fetched + "key"
            case .none: return fetched + "none"
            case .unavailable: return fetched + "unavailable"
            case .unknown(let task):
                await task.value
                fetched = "fetched "
            }
        }
    }

    @Test("a new key is found by one fetch, a made-up one causes no more than one in a while")
    func rollover() async throws {
        let published = PublishedKeys(TestIssuer.set([try issuer.entry("k1")]))
        let keys = published.keys()
        #expect(await find("k1", keys) == "fetched key")
        #expect(await find("k1", keys) == "key")
        published.publish(TestIssuer.set([try issuer.entry("k1"), try TestIssuer().entry("k2")]))
        #expect(await find("k2", keys) == "none")
        published.pass(IssuerKeys.pause)
        #expect(await find("k2", keys) == "fetched key")
        for number in 0..<100 { #expect(await find("made-up-\(number)", keys) == "none") }
        #expect(published.asked == 2)
    }

    @Test("a key that the issuer withdrew is not believed after the next look")
    func withdrawn() async throws {
        let published = PublishedKeys(TestIssuer.set([try issuer.entry("k1")]))
        let keys = published.keys()
        #expect(await find("k1", keys) == "fetched key")
        published.publish(TestIssuer.set([try TestIssuer().entry("k2")]))
        published.pass(TestIssuer.settings.refresh)
        // The one who finds them old is served by them still, and has them fetched.
        #expect(await find("k1", keys) == "key")
        #expect(await find("k2", keys).hasSuffix("key"))
        #expect(await find("k1", keys) == "none")
    }

    @Test("keys that nobody asked for in long are fetched before anybody is believed by them, if the issuer answers")
    func old() async throws {
        let published = PublishedKeys(TestIssuer.set([try issuer.entry("k1")]))
        let keys = published.keys()
        #expect(await find("k1", keys) == "fetched key")
        published.pass(Milliseconds(2 * TestIssuer.settings.refresh.count))
        #expect(await find("k1", keys) == "fetched key")
        published.publish(nil)
        published.pass(Milliseconds(2 * TestIssuer.settings.refresh.count))
        #expect(await find("k1", keys) == "fetched key")
        // It is known to be away: nobody waits for it again.
        published.pass(IssuerKeys.pause)
        #expect(await find("k1", keys) == "key")
        published.publish(TestIssuer.set([try TestIssuer().entry("k2")]))
        published.pass(IssuerKeys.pause)
        #expect(await find("k2", keys).hasSuffix("key"))
        #expect(await find("k1", keys).hasSuffix("none"))
    }

    @Test("a host that looks more often waits no longer between two attempts")
    func often() async throws {
        var settings = TestIssuer.settings
        settings.refresh = .seconds(2)
        let published = PublishedKeys(TestIssuer.set([try issuer.entry("k1")]))
        let keys = published.keys(settings)
        #expect(await find("k1", keys) == "fetched key")
        published.pass(.seconds(1))
        #expect(await find("k2", keys) == "none")
        published.pass(.seconds(1))
        #expect(await find("k2", keys) == "fetched none")
        #expect(published.asked == 2)
    }

    @Test("an issuer that does not answer is believed by its last keys for a day, then not at all")
    func away() async throws {
        let published = PublishedKeys(TestIssuer.set([try issuer.entry("k1")]))
        let keys = published.keys()
        #expect(await find("k1", keys) == "fetched key")
        published.publish(nil)
        published.pass(.hours(23))
        #expect(await find("k1", keys) == "fetched key")
        published.pass(.hours(2))
        #expect(await find("k1", keys) == "fetched unavailable")
        #expect(await find("k1", keys) == "unavailable")
        published.publish(TestIssuer.set([try issuer.entry("k1")]))
        published.pass(IssuerKeys.pause)
        #expect(await find("k1", keys) == "fetched key")
    }

    @Test("what is no public key for signatures is left out")
    func unsuitable() async throws {
        let changes: [(inout JSONObject) -> Void] = [
            { $0["use"] = "enc" }, { $0["key_ops"] = ["sign"] }, { $0["alg"] = "ES384" }, { $0["crv"] = "P-384" },
            { $0["kty"] = "RSA" }, { $0["d"] = "AAAA" }, { $0["x"] = "AAAA" }, { $0["y"] = nil },
            { $0 = JSONObject([("kty", "oct"), ("k", "c2VjcmV0"), ("kid", "k1")]) },
        ]
        for change in changes {
            let set = try await KeySet(TestIssuer.set([try issuer.entry("k1", change)]), algorithms: [.es256])
            #expect(set.keys.isEmpty)
        }
        #expect(try await KeySet(TestIssuer.set([try issuer.entry()]), algorithms: [.es256]).keys.count == 1)
    }

    @Test("an RSA key of less than 2048 bits is left out", arguments: [(1024, 0), (2048, 2)])
    func weak(bits: Int, count: Int) async throws {
        let set = TestIssuer.set([try await TestIssuer.rsa(bits: bits).entry])
        #expect(try await KeySet(set, algorithms: [.rs256, .ps256]).keys.count == count)
    }

    @Test("a set that says two things is none")
    func ambiguous() async throws {
        for document in [
            TestIssuer.set([try issuer.entry("k1"), try TestIssuer().entry("k1")]), Array("{}".utf8),
            Array(#"{"keys":[],"keys":[]}"#.utf8), [],
        ] {
            await #expect(throws: SpokeError.self) { try await KeySet(document, algorithms: [.es256]) }
        }
        let two = try await KeySet(
            TestIssuer.set([try issuer.entry("k1"), try TestIssuer().entry("k2")]), algorithms: [.es256])
        #expect(two.find(nil, .es256) == nil)
    }
}
