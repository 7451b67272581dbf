import Model
@testable import Storage
import TestSupport
import Testing

@Suite struct ContradictionTests {
    private let directory: TemporaryDirectory
    private let usage: UsageStore

    init() throws {
        directory = try TemporaryDirectory()
        usage = try UsageStore(directory: directory.path)
    }

    private func found(
        _ number: Int, by source: String = "spoke finance/fin-1", code: String = "fork"
    ) -> LedgerContradiction {
        LedgerContradiction(
            at: TestHub.start + .seconds(Int64(number)), source: source, code: code, problem: "two",
            seen: "\(number)\n", ours: "b\n")
    }

    @Test func evidenceIsKeptOnce() async throws {
        let fork = found(0)
        let (first, second) = (try await usage.keep(fork), try await usage.keep(fork))
        #expect(first && !second)
        try await usage.prune(before: TestHub.start + .days(1000))
        #expect(try await usage.contradictions(of: .ledger, limit: 5) == [fork])
        #expect(try await usage.contradictions(of: .journals, limit: 5) == [])
    }

    @Test(
        "whoever sends evidence without end fills nothing and hides nobody's", arguments: ["fork", "journal-rewritten"])
    func aFlood(code: String) async throws {
        let others = [
            found(1, by: "spoke finance/fin-2"), found(2, by: "spoke finance/fin-3", code: "journal-rewritten"),
        ]
        for other in others { _ = try await usage.keep(other) }
        for number in 10..<60 { _ = try await usage.keep(found(number, code: code)) }
        let subject = found(0, code: code).subject
        let all = try await usage.contradictions(of: subject, limit: 100)
        let flood = all.filter { $0.source == "spoke finance/fin-1" }
        // The first ones, and the newest.
        #expect(flood.map(\.seen) == ["59\n"] + (10..<17).reversed().map { "\($0)\n" })
        #expect(flood.map(\.more) == [42] + [Int64?](repeating: nil, count: 7))
        for other in others {
            #expect(try await usage.contradictions(of: other.subject, limit: 2).contains(other))
        }
    }
}
