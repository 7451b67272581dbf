import Model
import Testing

@Suite("words")
struct WordsTests {
    @Test("times survive the round trip, and only the one spelling is read")
    func instants() {
        for milliseconds: Int64 in [0, 1, 999, 951_782_400_000, 1_800_000_000_123, 4_102_444_799_999] {
            let instant = Instant(milliseconds: milliseconds)
            #expect(Instant(instant.description) == instant)
        }
        #expect(Instant(milliseconds: 951_782_400_000).description == "2000-02-29T00:00:00.000Z")
        for bad in [
            "", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00+00:00",
        ] {
            #expect(Instant(bad) == nil, "\(bad)")
        }
    }

    @Test(
        "durations and sizes",
        arguments: [("90s", 90_000), ("24h", 86_400_000), ("300ms", 300), ("7d", 604_800_000)])
    func durations(text: String, count: Int64) {
        #expect(Milliseconds(text)?.count == count)
        #expect(Milliseconds(count).description == (text == "24h" ? "1d" : text))
    }

    @Test(
        "numbers without a unit, negative, huge or odd are no quantity",
        arguments: ["", "5", "-5s", "5 s", "99999999999d", "1.5h", "0s"])
    func notQuantities(text: String) {
        #expect(Milliseconds(text) == nil)
        #expect(ByteCount(text) == nil)
    }

    @Test(
        "only one spelling of a SPIFFE ID",
        arguments: [
            "spiffe://Finance.corp.example/spoke/a", "spiffe://corp.example", "spiffe://corp.example/",
            "http://corp.example/a",
            "spiffe://corp.example/spoke/a/", "spiffe://corp.example//a", "spiffe://corp.example/spoke/A",
            "spiffe://corp.example/spoke/%61", "spiffe://corp.example:8443/spoke/a",
            "spiffe://user@corp.example/spoke/a",
            "spiffe://corp.example/spoke/..", "spiffe://localhost/spoke/a", "spiffe://corp.example/a?b",
            "spiffe://corp.example/a#b",
        ])
    func badSPIFFEIDs(text: String) {
        #expect(throws: ModelError.self) { try SPIFFEID(text) }
    }

    @Test("patterns")
    func patterns() throws {
        let rows: [(pattern: String, segmented: Bool, text: String, matches: Bool)] = [
            ("read_*", false, "read_entry", true), ("read_*", false, "read_", true), ("read_*", false, "Read_x", false),
            ("*", false, "a/b", true), ("a*c*e", false, "abcde", true), ("a*c*e", false, "abcdf", false),
            ("x://r/*", true, "x://r/a", true), ("x://r/*", true, "x://r/a/b", false),
            ("x://r/**", true, "x://r/a/b", true),
            ("x://*/b", true, "x://a/b", true), ("x://**/b", true, "x://a/c/b", true), ("abc", false, "abcd", false),
        ]
        for row in rows {
            #expect(try Pattern(row.pattern, segmented: row.segmented).matches(row.text) == row.matches, "\(row)")
        }
        #expect(throws: ModelError.self) { try Pattern("", segmented: false) }
        #expect(throws: ModelError.self) { try Pattern(String(repeating: "*a", count: 17), segmented: false) }
    }

    @Test("hours follow the clock of the place, over both changes of daylight saving time")
    func hours() throws {
        let hours = try Hours("Mon-Sun 07:00-19:00 Europe/Berlin")
        let rows: [(String, Truth)] = [
            ("2026-01-15T06:30:00Z", .yes), ("2026-01-15T05:59:59Z", .no), ("2026-07-15T05:00:00Z", .yes),
            ("2026-07-15T17:00:00Z", .no), ("2026-03-29T05:00:00Z", .yes), ("2026-03-28T05:30:00Z", .no),
            ("2026-10-25T05:30:00Z", .no), ("2026-10-24T05:30:00Z", .yes),
        ]
        for (time, truth) in rows { #expect(try hours.contain(#require(Instant(time))) == truth, "\(time)") }
        #expect(try Hours("Mon-Fri 07:00-19:00 UTC").contain(#require(Instant("2026-11-21T12:00:00Z"))) == .no)
        for bad in [
            "", "Mon 07:00-19:00", "Mon-Fri 19:00-07:00 UTC", "Fri-Mon 07:00-08:00 UTC", "Mon 7:00-8:00 UTC",
            "Mon 07:00-25:00 UTC", "Mon 07:00-08:00 Mars/Olympus",
        ] {
            #expect(throws: ModelError.self, "\(bad)") { try Hours(bad) }
        }
    }

    @Test("networks")
    func networks() throws {
        let ten = try Network("10.0.0.0/9")
        #expect(ten.contains(try #require(IPAddress("10.127.255.255"))))
        #expect(!ten.contains(try #require(IPAddress("10.128.0.0"))))
        #expect(ten.contains(try #require(IPAddress("::ffff:10.1.1.1"))))
        #expect(!ten.contains(try #require(IPAddress("::1"))))
        for bad in ["10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/08", "::/129", "a/8"] {
            #expect(throws: ModelError.self, "\(bad)") { try Network(bad) }
        }
    }

    @Test("layers all apply: buckets count each, sizes and times take the minimum, headers the outermost")
    func layers() {
        let outer = Policy(
            headers: Policy.Headers(response: ["X-Frame-Options": "DENY"], request: .init(remove: ["Cookie"])),
            limits: Limits(
                rate: .init(requests: 100, per: .seconds(60)), concurrency: 8, requestBody: ByteCount(2000),
                timeouts: .init(request: .seconds(10))),
            stale: Staleness(after: .hours(24), then: .readOnly, until: .hours(72)))
        let inner = Policy(
            headers: Policy.Headers(response: ["x-frame-options": "SAMEORIGIN", "X-A": "1"]),
            limits: Limits(rate: .init(requests: 5, per: .seconds(1)), concurrency: 99, requestBody: ByteCount(1000)),
            stale: Staleness(after: .hours(48), then: .deny))
        let effective = EffectivePolicy(layers: [outer, nil, inner])
        #expect(effective.rates.map(\.requests) == [100, 5])
        #expect(effective.concurrency == 8)
        #expect(effective.requestBody == ByteCount(1000))
        #expect(effective.requestTimeout == .seconds(10))
        #expect(effective.responseHeaders == ["X-Frame-Options": "DENY", "X-A": "1"])
        #expect(effective.stale == Staleness(after: .hours(24), then: .deny))
        #expect(EffectivePolicy(layers: []).stale == .standard)
    }
}

@Suite struct CallerKeyTests {
    static let callers = [
        Caller(workload: try? SPIFFEID("spiffe://analytics.corp.example/client/bot")),
        Caller(user: Caller.User(issuer: "https://idp.example", subject: "ana")),
        Caller(user: Caller.User(issuer: "https://idp.example/a+b@c", subject: "a%40#+@\u{301}", client: "")),
        Caller(
            workload: try? SPIFFEID("spiffe://analytics.corp.example/client/bot"),
            user: Caller.User(issuer: "corp.example", subject: "%25+", client: "desk@top")),
    ]

    @Test("a key is read back as who it was", arguments: callers)
    func roundTrip(caller: Caller) { #expect(Caller(key: caller.key) == caller) }

    @Test("clients of one person are one account, other people and workloads are not")
    func accounts() {
        func person(_ subject: String, _ client: String?) -> Caller {
            Caller(user: Caller.User(issuer: "https://idp.example", subject: subject, client: client))
        }
        #expect(Set(["desk", "phone", nil].map { person("ana", $0).account }) == [person("ana", nil).key])
        #expect(Set(["ana", "ana@desk", "ben"].map { person($0, "desk").account }).count == 3)
        for caller in Self.callers where caller.user?.client == nil { #expect(caller.account == caller.key) }
    }

    @Test(arguments: [
        "", "-", "10.0.0.1", "#ana", "spiffe://", "spiffe://corp.example/client/a+", "spiffe://corp.example/client/a+b",
    ])
    func nobody(key: String) { #expect(Caller(key: key) == nil) }
}
