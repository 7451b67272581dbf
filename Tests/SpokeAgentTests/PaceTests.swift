import Model
import SpokeAgent
import Testing

@Suite("when to try again")
struct PaceTests {
    @Test(
        "the pause to the hub doubles up to ten seconds, half of it by chance, and begins anew after a good connection")
    func backoff() {
        var backoff = Backoff(first: Milliseconds(500), longest: .seconds(10))
        let longest = (0..<7).map { _ in backoff.next { $0 }.count }
        #expect(longest == [500, 1000, 2000, 4000, 8000, 10_000, 10_000])
        #expect(backoff.next { _ in 0 } == .seconds(5))
        backoff.reset()
        #expect(backoff.next { _ in 0 } == Milliseconds(250))
    }

    @Test("a reason to fetch a catalog holds until five seconds after the last fetch, and no longer")
    func catalog() {
        for (elapsed, hold) in [(0, 5000), (1, 4999), (4999, 1), (5000, 0), (60_000, 0), (-10, 5000)] {
            #expect(CatalogPace.hold(sinceLast: Milliseconds(Int64(elapsed))) == Milliseconds(Int64(hold)))
        }
        #expect(CatalogPace.regular == .minutes(1))
    }

    @Test("what callers are listed is told at once, then once in five seconds, however often it is news")
    func listed() {
        let start = SpokeFixture.now
        var pace = NewsPace()
        #expect(pace.noticed(now: start) == Milliseconds(0))
        pace.tell(now: start)
        #expect(pace.noticed(now: start + .seconds(2)) == .seconds(3))
        for step in 2..<5 { #expect(pace.noticed(now: start + .seconds(Int64(step))) == nil) }
        pace.tell(now: start + .seconds(5))
        // Nothing is lost that comes while it is told.
        #expect(pace.noticed(now: start + .seconds(5)) == .seconds(5))
        pace.tell(now: start + .seconds(10))
        #expect(pace.noticed(now: start + .minutes(1)) == Milliseconds(0))
        pace.tell(now: start + .minutes(1))
        // A clock that steps back holds nothing for longer.
        #expect(pace.noticed(now: start) == .seconds(5))
    }

    @Test("a changed list is a reason, other news is not")
    func news() {
        for kind in ["tools", "prompts", "resources"] {
            #expect(ListChange.isTold(by: "notifications/\(kind)/list_changed"))
        }
        for method in ["notifications/roots/list_changed", "notifications/progress", "tools/list"] {
            #expect(!ListChange.isTold(by: method))
        }
        #expect(!ListChange.isTold(by: nil))
    }
}
