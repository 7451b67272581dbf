import HubService
import Model
import Testing

@Suite struct RateLimiterTests {
    private let start = TestHub.start

    @Test func eachCallerHasABucketThatRefillsEvenly() async throws {
        let limiter = RateLimiter()
        let route = try #require(Routes.table.first { $0.name == .enrol })
        for _ in 0..<20 { try limiter.admit(route, caller: "10.0.0.1", now: start) }
        #expect(await code { try limiter.admit(route, caller: "10.0.0.1", now: start) } == "too-many-requests")
        #expect(await code { try limiter.admit(route, caller: "10.0.0.2", now: start) } == nil)
        #expect(
            await code { try limiter.admit(route, caller: "10.0.0.1", now: start + .seconds(2)) } == "too-many-requests"
        )
        #expect(await code { try limiter.admit(route, caller: "10.0.0.1", now: start + .seconds(3)) } == nil)
        #expect(
            await code { try limiter.admit(route, caller: "10.0.0.1", now: start + .seconds(3)) } == "too-many-requests"
        )
    }

    @Test func newcomersAreCountedByTheirHost() throws {
        let route = try #require(Routes.table.first { $0.name == .enrol })
        let account = { Call(route: route, address: $0).account }
        #expect(account("10.0.0.1") == "10.0.0.1")
        #expect(account("2001:db8::1") == account("2001:db8::ffff:1"))
        #expect(account("2001:db8::1") != account("2001:db8:0:1::1"))
        let spoke = try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1")
        #expect(Call(route: route, identity: spoke, address: "10.0.0.1").account == spoke.description)
    }

    @Test func aClockThatStepsBackGivesNothing() async throws {
        let limiter = RateLimiter()
        let route = try #require(Routes.table.first { $0.name == .enrol })
        for _ in 0..<20 { try limiter.admit(route, caller: "a", now: start) }
        #expect(await code { try limiter.admit(route, caller: "a", now: start - .hours(1)) } == "too-many-requests")
    }
}
