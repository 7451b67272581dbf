import MCP
import Model
import SpokeAgent
import TestSupport
import Testing

@Suite("rates, concurrency and sessions")
struct LimitTests {
    private let now = SpokeFixture.now

    @Test("a bucket gives its burst at once, then one by one, and says how long to wait")
    func burst() {
        var buckets = TokenBuckets()
        let rates = [Limits.Rate(requests: 60, per: .seconds(60), burst: 3)]
        for _ in 0..<3 { #expect(buckets.take(rates, now: now) == nil) }
        #expect(buckets.take(rates, now: now) == .seconds(1))
        #expect(buckets.take(rates, now: now + Milliseconds(400)) == Milliseconds(600))
        #expect(buckets.take(rates, now: now + .seconds(1)) == nil)
        #expect(buckets.take(rates, now: now + .seconds(1)) == .seconds(1))
        #expect(buckets.isFull(now + .seconds(5)))
    }

    @Test("every layer counts, and a refusal takes from none")
    func layers() {
        var buckets = TokenBuckets()
        let rates = [
            Limits.Rate(requests: 100, per: .seconds(60), burst: 100),
            Limits.Rate(requests: 1, per: .seconds(10), burst: 1),
        ]
        #expect(buckets.take(rates, now: now) == nil)
        for _ in 0..<200 { #expect(buckets.take(rates, now: now) == .seconds(10)) }
        // Had refusals been taken from the first bucket, this would fail by it.
        #expect(buckets.take(rates, now: now + .seconds(10)) == nil)
    }

    @Test("in any window no more than the burst and what came back in it")
    func window() {
        var buckets = TokenBuckets()
        let rate = Limits.Rate(requests: 7, per: .seconds(3), burst: 5)
        var taken = 0
        for step in 0..<10_000 where buckets.take([rate], now: now + Milliseconds(Int64(step * 13))) == nil {
            taken += 1
        }
        let milliseconds = 9_999 * 13
        #expect(taken <= 5 + milliseconds * 7 / 3000 + 1)
        #expect(taken >= milliseconds * 7 / 3000 - 1)
    }

    @Test("a clock that steps back neither gives nor takes, and one that leaps fills no more than the burst")
    func clock() {
        var buckets = TokenBuckets()
        let rates = [Limits.Rate(requests: 1, per: .seconds(1), burst: 2)]
        #expect(buckets.take(rates, now: now) == nil)
        #expect(buckets.take(rates, now: now - .hours(1)) == nil)
        #expect(buckets.take(rates, now: now - .hours(1)) != nil)
        #expect(buckets.take(rates, now: Instant(milliseconds: now.milliseconds + 1 << 50)) == nil)
        #expect(buckets.take(rates, now: Instant(milliseconds: now.milliseconds + 1 << 50)) == nil)
        #expect(buckets.take(rates, now: Instant(milliseconds: now.milliseconds + 1 << 50)) != nil)
    }

    @Test("a bucket that was idle for months is full, whatever its rate, and a full one gives no more than its burst")
    func idle() {
        for rate in [
            Limits.Rate(requests: 1_000_000, per: .days(1)),
            Limits.Rate(requests: 1_000_000, per: .days(3650), burst: 1_000_000),
            Limits.Rate(requests: 1, per: .days(3650), burst: 1_000_000),
        ] {
            var buckets = TokenBuckets()
            #expect(buckets.take([rate], now: now) == nil)
            #expect(buckets.take([rate], now: now + .days(107)) == nil)
            #expect(buckets.take([rate], now: now + .days(36_500)) == nil)
        }
        var slow = TokenBuckets()
        let rates = [Limits.Rate(requests: 1, per: .hours(1), burst: 1)]
        #expect(slow.take(rates, now: now) == nil)
        // It is full from 01:00 on; what it was idle for longer counts for nothing.
        #expect(slow.take(rates, now: now + .hours(5)) == nil)
        #expect(slow.take(rates, now: now + .hours(5) + .minutes(30)) == .minutes(30))
    }

    @Test("a rate that changes keeps what was spent")
    func change() {
        var buckets = TokenBuckets()
        #expect(buckets.take([Limits.Rate(requests: 1, per: .hours(1), burst: 1)], now: now) == nil)
        #expect(buckets.take([Limits.Rate(requests: 2, per: .hours(1), burst: 5)], now: now) != nil)
    }

    @Test("callers and servers are counted apart")
    func apart() {
        let limiter = RateLimiter()
        let rates = [Limits.Rate(requests: 1, per: .hours(1), burst: 1)]
        for (caller, server) in [("a", "x"), ("b", "x"), ("a", "y")] {
            #expect(limiter.take(caller: caller, server: server, rates, now: now) == nil)
            #expect(limiter.take(caller: caller, server: server, rates, now: now) != nil)
        }
    }

    @Test("concurrency is given back")
    func concurrency() throws {
        let concurrency = Concurrency()
        let first = try #require(concurrency.enter(caller: "a", server: "x", limit: 2))
        _ = try #require(concurrency.enter(caller: "a", server: "x", limit: 2))
        #expect(concurrency.enter(caller: "a", server: "x", limit: 2) == nil)
        #expect(concurrency.enter(caller: "b", server: "x", limit: 2) != nil)
        first.release()
        // Once more gives nothing back.
        first.release()
        let again = try #require(concurrency.enter(caller: "a", server: "x", limit: 2))
        #expect(concurrency.enter(caller: "a", server: "x", limit: 2) == nil)
        again.release()
    }

    private func session(_ id: String, _ caller: String, used: Instant) -> Session {
        Session(id: id, caller: caller, server: "ledger", version: .v20251125, upstream: "u-\(id)", used: used)
    }

    @Test("a session is found by who began it, at its server, while it is used")
    func find() {
        var sessions = Sessions()
        #expect(sessions.add(session("s", "a", used: now)).isEmpty)
        #expect(sessions.find("s", caller: "b", server: "ledger", now: now) == nil)
        #expect(sessions.find("s", caller: "a", server: "git", now: now) == nil)
        #expect(sessions.find("t", caller: "a", server: "ledger", now: now) == nil)
        let later = now + Sessions.idle - Milliseconds(1)
        #expect(sessions.find("s", caller: "a", server: "ledger", now: later)?.upstream == "u-s")
        #expect(sessions.find("s", caller: "a", server: "ledger", now: later + Sessions.idle) == nil)
        #expect(sessions.sweep(now: later + Sessions.idle).map(\.id) == ["s"])
        #expect(sessions.count == 0)
    }

    @Test("a policy's limit holds at its server, for each caller apart, also when it was lowered")
    func limited() {
        var sessions = Sessions()
        var elsewhere = session("git", "a", used: now - .minutes(9))
        elsewhere.server = "git"
        for old in [session("other", "b", used: now - .minutes(10)), elsewhere] {
            #expect(sessions.add(old, limit: 2).isEmpty)
        }
        for number in 0..<3 {
            #expect(sessions.add(session("s\(number)", "a", used: now + Milliseconds(Int64(number))), limit: 3).isEmpty)
        }
        #expect(sessions.add(session("s3", "a", used: now + .seconds(1)), limit: 3).map(\.id) == ["s0"])
        #expect(sessions.add(session("s4", "a", used: now + .seconds(2)), limit: 1).map(\.id) == ["s1", "s2", "s3"])
        #expect(sessions.find("git", caller: "a", server: "git", now: now) != nil)
        #expect(sessions.find("other", caller: "b", server: "ledger", now: now) != nil)
        #expect(sessions.count == 3)
    }

    @Test("a caller's oldest session makes room for its newest, nobody else's")
    func caps() {
        var sessions = Sessions()
        #expect(sessions.add(session("other", "b", used: now - .minutes(10))).isEmpty)
        for number in 0..<Sessions.maximumPerCaller {
            #expect(sessions.add(session("s\(number)", "a", used: now + Milliseconds(Int64(number)))).isEmpty)
        }
        #expect(sessions.add(session("more", "a", used: now + .seconds(1))).map(\.id) == ["s0"])
        #expect(sessions.find("other", caller: "b", server: "ledger", now: now) != nil)
        #expect(sessions.sweep(now: now) { $0.caller == "a" }.count == Sessions.maximumPerCaller)
        #expect(sessions.count == 1)
    }

    @Test("what clients of one person hold is counted together, and belongs to each alone")
    func clients() {
        var sessions = Sessions()
        var tasks = BoundTasks()
        func begin(_ number: Int, limit: Int? = nil) -> [String] {
            let owner = Caller(
                user: Caller.User(issuer: "https://login.example", subject: "ana", client: "c\(number)"))
            let session = Session(
                id: "s\(number)", caller: owner.key, owner: owner, server: "ledger", version: .v20251125, upstream: "u",
                used: now + Milliseconds(Int64(number)))
            return sessions.add(session, limit: limit).map(\.id)
        }
        func task(_ number: Int, of subject: String = "ana") -> Bool {
            let owner = Caller(
                user: Caller.User(issuer: "https://login.example", subject: subject, client: "c\(number)"))
            let task = BoundTask(caller: owner.key, account: owner.account, tool: "t", used: now)
            return tasks.add("\(subject)-\(number)", server: "ledger", task)
        }
        for number in 0..<Sessions.maximumPerCaller { #expect(begin(number).isEmpty) }
        #expect(sessions.find("s1", caller: "https://login.example#ana@c2", server: "ledger", now: now) == nil)
        #expect(sessions.find("s1", caller: "https://login.example#ana@c1", server: "ledger", now: now) != nil)
        #expect(begin(100) == ["s0"])
        #expect(begin(101, limit: 2).count == Sessions.maximumPerCaller - 1)
        for number in 0..<BoundTasks.maximumPerCaller { #expect(task(number)) }
        #expect(!task(1000))
        #expect(task(1000, of: "ben"))
    }
}
