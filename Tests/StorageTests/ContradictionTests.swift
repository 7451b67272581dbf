import Model
import Storage
import TestSupport
import Testing

@Suite struct ContradictionTests {
    @Test func evidenceIsKeptOnce() async throws {
        let directory = try TemporaryDirectory()
        let usage = try UsageStore(directory: directory.path)
        let found = LedgerContradiction(
            at: TestHub.start, source: "spoke finance/fin-1", code: "fork", problem: "two", seen: "a\n", ours: "b\n")
        let (first, second) = (try await usage.keep(found), try await usage.keep(found))
        #expect(first && !second)
        try await usage.prune(before: TestHub.start + .days(1000))
        #expect(try await usage.contradictions(limit: 5) == [found])
    }
}
