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
