import Foundation
import Model
import SpokeAgent
import TestSupport
import Testing
import Trust

@Suite("the spoke's clock")
struct TrustedClockTests {
    private let start = SpokeFixture.now

    @Test("without anything signed it is the host's clock")
    func host() {
        #expect(TrustedClock().now(host: start, uptime: .hours(1)) == start)
    }

    @Test("a host's clock that goes back changes nothing, and time goes on")
    func goesBack() {
        var clock = TrustedClock()
        let isNews = clock.saw(start, uptime: .hours(1))
        #expect(isNews)
        #expect(clock.now(host: start + .hours(3), uptime: .hours(4)) == start + .hours(3))
        // Back by a year: three hours have passed all the same.
        #expect(clock.now(host: start - .days(365), uptime: .hours(4)) == start + .hours(3))
        #expect(clock.now(host: start - .days(365), uptime: .hours(30)) == start + .hours(29))
    }

    @Test("an older signed time is no news and moves nothing")
    func older() {
        var clock = TrustedClock()
        _ = clock.saw(start, uptime: .hours(1))
        let isNews = clock.saw(start - .days(1), uptime: .hours(2))
        #expect(!isNews)
        #expect(clock.seen == start)
        #expect(clock.now(host: start - .days(9), uptime: .hours(2)) == start + .hours(1))
        let isSame = clock.saw(start, uptime: .hours(2))
        #expect(!isSame)
    }

    @Test("a newer signed time never lets the clock fall behind what has passed")
    func monotone() {
        var clock = TrustedClock()
        _ = clock.saw(start, uptime: .hours(1))
        _ = clock.saw(start + .minutes(1), uptime: .hours(2))
        #expect(clock.now(host: start, uptime: .hours(2)) == start + .hours(1))
    }

    @Test("a host's own clock that ran ahead leaves nothing behind once it is corrected")
    func ahead() {
        var clock = TrustedClock()
        _ = clock.saw(start, uptime: .hours(1))
        #expect(clock.now(host: start + .days(3650), uptime: .hours(1)) == start + .days(3650))
        #expect(clock.now(host: start + .minutes(5), uptime: .hours(1)) == start + .minutes(5))
    }

    @Test("what was seen survives a restart on a host whose clock went back")
    func restart() throws {
        let directory = try TemporaryDirectory()
        let (now, before) = (start, start - .days(30))
        func clock(_ host: Instant) -> SpokeClock {
            SpokeClock(path: directory.file("clock.json"), host: { host }, uptime: { .minutes(1) })
        }
        let first = clock(now)
        try first.restore()
        try first.saw(now)
        let second = clock(before)
        #expect(second.now() == before)
        try second.restore()
        #expect(second.now() == now)
        #expect(throws: SpokeError.self) { try second.checkNotOlder(now - Milliseconds(1)) }
        #expect(throws: Never.self) { try second.checkNotOlder(now) }
    }

    @Test("a certificate, a rule and a bundle that ended stay ended when the clock goes back")
    func ended() throws {
        let fixture = try SpokeFixture()
        var clock = TrustedClock()
        _ = clock.saw(start, uptime: .hours(1))
        let passed = Milliseconds.days(8)
        let host = start
        let now = clock.now(host: host, uptime: .hours(1) + passed)
        let peer = try SpokeFixture.peer()
        let verifier = try fixture.snapshot().verifier
        #expect(throws: Never.self) { try verifier.recheck(peer, now: host) }
        #expect(throws: TrustError.self) { try verifier.recheck(peer, now: now) }
        #expect(Staleness.standard.freshness(issued: start, now: start) == .fresh)
        #expect(Staleness.standard.freshness(issued: start, now: now) == .expired)
        let request = try SpokeFixture.call("read_entry")
        let tables = try SpokeFixture.tables()
        let fresh = Policy(stale: Staleness(after: .days(30), then: .deny))
        var rule = try SpokeFixture.rule("read", ["tool:read_*"], to: ["anyone"])
        rule.until = start + .days(1)
        let snapshot = try fixture.snapshot(try fixture.bundle(rules: [rule], policy: fresh))
        let long = VerifiedPeer(
            id: peer.id, serial: "0a", notBefore: peer.notBefore, notAfter: start + .days(365), dns: [],
            issuers: peer.issuers)
        let same = Exchange(
            credential: .certificate(long), address: request.address, head: request.head, body: request.body)
        #expect(Self.isForwarded(judge(same, under: snapshot, tables, now: host)))
        #expect(!Self.isForwarded(judge(same, under: snapshot, tables, now: now)))
    }

    private static func isForwarded(_ step: Step) -> Bool {
        if case .forward = step { return true }
        return false
    }
}

extension Milliseconds {
    fileprivate static func + (left: Milliseconds, right: Milliseconds) -> Milliseconds {
        Milliseconds(left.count + right.count)
    }
}
