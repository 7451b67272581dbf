import GRDB
import Model
@testable import Storage
import TestSupport
import Testing

@Suite struct UsageStoreTests {
    private let directory: TemporaryDirectory
    private let store: UsageStore
    private static let start = TestHub.start
    private static let now = start + .seconds(60)

    init() throws {
        directory = try TemporaryDirectory()
        store = try UsageStore(directory: directory.path)
    }

    private static func report(
        _ sequence: Int64, journal: String = "j1", at: Int64, counts: [(String, Int64)] = [], decisions: [Int64] = [],
        server: String = "finance/ledger", since: Int64 = 0, listener: String? = nil
    ) -> Report {
        Report(
            journal: journal, sequence: sequence, applied: AppliedBundle(revision: sequence, digest: "sha256:00"),
            refused: nil, servers: [ServerStatus(name: server, state: .up)],
            usage: counts.map { capability, count in
                UsageCounter(
                    day: "2026-09-21", rule: "finance/r", principal: "zone:analytics",
                    caller: "spiffe://x.example/client/a",
                    server: server, capability: capability, count: count, last: start + .seconds(count))
            },
            decisions: decisions.map { number in
                DecisionRecord(
                    number: number, at: start + .seconds(number), caller: "spiffe://x.example/client/\(number % 2)",
                    address: "10.0.0.1", server: server, aim: "tool:read", verdict: number % 3 == 0 ? .deny : .allow,
                    count: number % 3 == 0 ? 5 : 1)
            },
            checkpoint: nil, listener: listener, since: start + .seconds(since), at: start + .seconds(at))
    }

    /// Everything a reader could see.
    private func facts() async throws -> [String] {
        let uses = try await used()
        return [
            "\(try await store.statuses().sorted { $0.key < $1.key }.map { $0.value.report })",
            "\(try await store.decisions(limit: 1000))", "\(uses)", "\(try await store.denials(since: Self.start))",
        ]
    }

    private func used(_ pattern: String = "*", rule: String? = nil) async throws -> GrantUsage {
        try await store.usage(
            principal: "zone:analytics", server: "finance/ledger", capabilities: [try CapabilityPattern(pattern)],
            rule: rule)
    }

    @Test func theSameReportTwiceIsTakenOnce() async throws {
        let report = Self.report(7, at: 10, counts: [("tool:read", 3), ("tool:write", 2)], decisions: [1, 3, 7])
        #expect(try await store.merge(report, spoke: "finance/fin-1", now: Self.now) == 7)
        let once = try await facts()
        #expect(try await store.merge(report, spoke: "finance/fin-1", now: Self.now) == 7)
        #expect(try await facts() == once)
        #expect(try await used() == GrantUsage(count: 5, last: Self.start + .seconds(3)))
        #expect(try await store.denials(since: Self.start) == 5)
    }

    @Test func anOlderReportNeverTakesBack() async throws {
        let old = Self.report(3, at: 5, counts: [("tool:read", 1)], decisions: [1, 2], listener: "old:1")
        let new = Self.report(9, at: 10, counts: [("tool:read", 4)], decisions: [3, 9], listener: "new:1")
        #expect(try await store.merge(new, spoke: "finance/fin-1", now: Self.now) == 9)
        // Its answer names what is held, so that the spoke does not send all of it again.
        #expect(try await store.merge(old, spoke: "finance/fin-1", now: Self.now) == 9)
        #expect(try await used().count == 4)
        #expect(try await store.statuses()["finance/fin-1"]?.report.listener == "new:1")
        #expect(try await store.decisions(limit: 10).map(\.id) == ["j1:9", "j1:3", "j1:2", "j1:1"])
    }

    /// The answer to the first was lost; the spoke sends the same lines and newer ones under a newer sequence.
    @Test func aLostAnswerCountsNothingTwice() async throws {
        let first = Self.report(4, at: 5, counts: [("tool:read", 2)], decisions: [1, 4])
        let second = Self.report(6, at: 6, counts: [("tool:read", 3)], decisions: [1, 4, 6])
        _ = try await store.merge(first, spoke: "finance/fin-1", now: Self.now)
        #expect(try await store.merge(second, spoke: "finance/fin-1", now: Self.now) == 6)
        #expect(try await used().count == 3)
        #expect(try await store.decisions(limit: 10).count == 3)
    }

    @Test func journalsAndSpokesAddUp() async throws {
        _ = try await store.merge(
            Self.report(1, at: 1, counts: [("tool:read", 2)]), spoke: "finance/fin-1", now: Self.now)
        let newer = Self.report(1, journal: "j2", at: 0, counts: [("tool:read", 3)], since: 50, listener: "second:1")
        _ = try await store.merge(newer, spoke: "finance/fin-1", now: Self.now)
        let other = Self.report(1, journal: "j3", at: 1, counts: [("tool:read", 4)])
        _ = try await store.merge(other, spoke: "finance/fin-2", now: Self.now)
        #expect(try await used().count == 9)
        // A new journal is believed even when the spoke's clock was set back.
        #expect(try await store.statuses()["finance/fin-1"]?.report.listener == "second:1")
        #expect(try await store.observation(spoke: "finance/fin-1")?.since == Self.start + .seconds(50))
    }

    @Test func usesAreCountedByCapabilityAndRule() async throws {
        let report = Self.report(1, at: 1, counts: [("tool:read_a", 2), ("tool:write", 3), ("resource:x://y", 4)])
        _ = try await store.merge(report, spoke: "finance/fin-1", now: Self.now)
        #expect(try await used("tool:read_*").count == 2)
        #expect(try await used("tool:*").count == 5)
        #expect(try await used("prompt:*") == GrantUsage(count: 0, last: nil))
        #expect(try await used("*", rule: "finance/r").count == 9)
        #expect(try await used("*", rule: "finance/other").count == 0)
    }

    @Test func aSpokeSpeaksForItsOwnZoneAndJournalOnly() async throws {
        let report = Self.report(1, at: 1, counts: [("tool:read", 2)])
        _ = try await store.merge(report, spoke: "sales/s-1", now: Self.now)
        #expect(try await used().count == 0)
        let failure = await failureCode { _ = try await store.merge(report, spoke: "finance/fin-1", now: Self.now) }
        #expect(failure == "foreign-journal")
        #expect(try await store.statuses()["finance/fin-1"] == nil)
    }

    @Test func aSpokeCannotMakeSumsOverflowOrTimesRunAhead() async throws {
        var report = Self.report(9, at: 9, counts: [("tool:read", 1), ("tool:write", 7)], decisions: [3, 99])
        report.usage[0].count = .max
        report.usage[0].last = Self.now + .days(9)
        report.usage[1].count = .min
        report.decisions[0].count = .max
        report.decisions[1].count = .max
        report.usage.append(report.usage[0])
        report.usage[2].day = "someday"
        // A day that is not pruned before it comes.
        report.usage.append(report.usage[1])
        report.usage[3].day = "9999-12-31"
        report.usage[3].count = 5
        _ = try await store.merge(report, spoke: "finance/fin-1", now: Self.now)
        report.journal = "j2"
        _ = try await store.merge(report, spoke: "finance/fin-2", now: Self.now)
        #expect(try await used() == GrantUsage(count: 2 << 40, last: Self.now))
        #expect(try await store.denials(since: Self.start) == 4 << 40)
        #expect(try await store.denials(since: Self.now + .seconds(1)) == 0)
    }

    @Test func aSpokeCannotBeginJournalsWithoutEnd() async throws {
        let queue = try DatabaseQueue(path: directory.file(UsageStore.fileName))
        let maximum = UsageStore.maximumJournals
        try await queue.write { db in
            for number in 1..<maximum {
                try db.execute(
                    sql: "INSERT INTO journals (name, spoke, sequence, since) VALUES (?, 'finance/fin-1', 0, ?)",
                    arguments: ["old-\(number)", Self.start.milliseconds])
            }
        }
        let last = Self.report(3, at: 9, decisions: [3])
        _ = try await store.merge(last, spoke: "finance/fin-1", now: Self.now)
        _ = try await store.merge(last, spoke: "finance/fin-1", now: Self.now)
        let another = Self.report(1, journal: "another", at: 10, since: 1)
        let refused = await failureCode {
            _ = try await store.merge(another, spoke: "finance/fin-1", now: Self.now)
        }
        #expect(refused == "too-many-journals")
        _ = try await store.merge(
            Self.report(1, journal: "other", at: 1), spoke: "finance/fin-2", now: Self.now)
        // They go when nothing of them is left; the one that is written stays.
        try await store.prune(before: Self.now + .days(1))
        let names = try await queue.read { try String.fetchAll($0, sql: "SELECT name FROM journals ORDER BY name") }
        #expect(names == ["j1", "other"])
        _ = try await store.merge(another, spoke: "finance/fin-1", now: Self.now)
    }

    struct Listing: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var filter: DecisionFilter
        var limit = 10
        var numbers: [Int64]
    }

    static let listings = [
        Listing(testDescription: "all", filter: DecisionFilter(), numbers: [6, 5, 4, 3, 2, 1]),
        Listing(testDescription: "limit", filter: DecisionFilter(), limit: 2, numbers: [6, 5]),
        Listing(testDescription: "denied", filter: DecisionFilter(verdict: .deny), numbers: [6, 3]),
        Listing(
            testDescription: "caller", filter: DecisionFilter(caller: "spiffe://x.example/client/1"),
            numbers: [5, 3, 1]),
        Listing(testDescription: "since", filter: DecisionFilter(since: start + .seconds(4)), numbers: [6, 5, 4]),
        Listing(testDescription: "zone", filter: DecisionFilter(zone: "finance"), numbers: [6, 5, 4, 3, 2, 1]),
        Listing(testDescription: "other zone", filter: DecisionFilter(zone: "sales"), numbers: []),
        Listing(testDescription: "other server", filter: DecisionFilter(server: "finance/other"), numbers: []),
        Listing(
            testDescription: "all of them",
            filter: DecisionFilter(
                zone: "finance", server: "finance/ledger", caller: "spiffe://x.example/client/0", verdict: .deny,
                since: start), numbers: [6]),
    ]

    @Test(arguments: listings)
    func decisionsAreListedNewestFirst(listing: Listing) async throws {
        let report = Self.report(6, at: 9, decisions: [1, 2, 3, 4, 5, 6])
        _ = try await store.merge(report, spoke: "finance/fin-1", now: Self.now)
        let rows = try await store.decisions(listing.filter, limit: listing.limit)
        #expect(rows.map(\.record.number) == listing.numbers)
        #expect(rows.allSatisfy { $0.spoke == "finance/fin-1" && $0.id == "j1:\($0.record.number)" })
    }

    @Test func aDecisionIsFoundByItsName() async throws {
        _ = try await store.merge(Self.report(3, at: 9, decisions: [3]), spoke: "finance/fin-1", now: Self.now)
        #expect(try await store.decision(id: "j1:3")?.record.aim == "tool:read")
        for id in ["j1:4", "j2:3", "j1", "3", "", "j1:x"] { #expect(try await store.decision(id: id) == nil) }
    }

    @Test func pruningShortensWhatWasObserved() async throws {
        let report = Self.report(3, at: 9, counts: [("tool:read", 2)], decisions: [3])
        _ = try await store.merge(report, spoke: "finance/fin-1", now: Self.start + .seconds(9))
        let observation = Observation(since: Self.start, last: Self.start + .seconds(9))
        #expect(try await store.observation(spoke: "finance/fin-1") == observation)
        let later = Self.start + .days(30)
        try await store.prune(before: later)
        #expect(try await used().count == 0)
        #expect(try await store.decisions(limit: 10) == [])
        #expect(try await store.observation(spoke: "finance/fin-1")?.since == later)
        #expect(try await store.observation(spoke: "finance/fin-2") == nil)
        // The status is no history and stays.
        #expect(try await store.statuses()["finance/fin-1"]?.report.applied?.revision == 3)
    }

    @Test func whatWasTakenInSurvives() async throws {
        _ = try await store.merge(
            Self.report(3, at: 9, counts: [("tool:read", 2)], decisions: [3]), spoke: "finance/fin-1", now: Self.now)
        let before = try await facts()
        let again = try UsageStore(directory: directory.path)
        #expect(try await again.decisions(limit: 10) == store.decisions(limit: 10))
        #expect(try await facts() == before)
    }
}
