import Foundation
import Model
import NIOConcurrencyHelpers
import SpokeAgent
import TestSupport
import Testing

@Suite("the journal")
struct JournalTests {
    private let directory: TemporaryDirectory
    private let now = SpokeFixture.now

    init() throws { directory = try TemporaryDirectory() }

    private func open(segmentLimit: Int = 64 << 20, keep: Int = 0) throws -> JournalFiles {
        var settings = AuditSettings()
        settings.segment = segmentLimit
        settings.keep = keep
        return try JournalFiles(directory: directory.path, freshName: "j-1", now: now, settings: settings)
    }

    private func record(_ aim: String = "tool:read_entry", _ verdict: DecisionRecord.Verdict = .allow) -> DecisionRecord
    {
        DecisionRecord(
            number: 0, at: now, caller: "spiffe://a.example/client/b", address: nil, server: "finance/ledger", aim: aim,
            verdict: verdict, reason: verdict == .deny ? "no-rule" : nil,
            rule: verdict == .allow ? "finance/read" : nil,
            principal: verdict == .allow ? "anyone" : nil)
    }

    private func segments() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.path).filter { $0.hasSuffix(".jsonl") }.sorted()
    }

    @Test("numbers go on after a restart, and so do counts; the name stays")
    func restart() throws {
        var files = try open()
        #expect(try files.append([.decision(record()), .decision(record())]) == [1, 2])
        files.closeFile()
        var again = try JournalFiles(directory: directory.path, freshName: "j-2", now: now + .hours(1))
        #expect(again.name == files.name)
        #expect(try again.append([.decision(record())]) == [3])
        let told = try again.unread.decisions(maximumBytes: 1 << 20)
        #expect(told.decisions.map(\.number) == [1, 2, 3])
        #expect(again.usage.changed(after: 0, upTo: 3).map(\.count) == [3])
        again.closeFile()
    }

    @Test("a torn last line is cut, wherever it tore", arguments: [1, 17, 60])
    func torn(_ bytes: Int) throws {
        var files = try open()
        _ = try files.append([.decision(record()), .decision(record())])
        files.closeFile()
        let path = directory.path + "/" + (try #require(try segments().first))
        var content = try Data(contentsOf: URL(fileURLWithPath: path))
        let whole = content.count
        content.append(content.prefix(bytes))
        try content.write(to: URL(fileURLWithPath: path))
        var again = try open()
        #expect(try again.append([.decision(record())]) == [3])
        again.closeFile()
        let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
        #expect(text.utf8.count > whole)
        #expect(text.split(separator: "\n").count == 3)
        #expect(try open().last == 3)
    }

    @Test("a damaged line within the journal is told, not passed over")
    func damaged() throws {
        var files = try open()
        _ = try files.append([.decision(record())])
        files.closeFile()
        let path = directory.path + "/" + (try #require(try segments().first))
        try Data("{\"number\":1}\n".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: SpokeError.self) { try open() }
    }

    @Test("a write that fails gives no number, and none is lost")
    func failedWrite() throws {
        // The kernel's own full disk: every write fails with ENOSPC.
        try FileManager.default.createSymbolicLink(
            atPath: directory.path + "/00000000000000000001.jsonl", withDestinationPath: "/dev/full")
        var files = try open()
        for _ in 0..<2 {
            let error = #expect(throws: SpokeError.self) { try files.append([.decision(record())]) }
            #expect(error?.code == "not-writable")
        }
        #expect(files.last == 0)
    }

    @Test("who asks for a line on a full disk is told that there is none")
    func journalDenies() async throws {
        try FileManager.default.createSymbolicLink(
            atPath: directory.path + "/00000000000000000001.jsonl", withDestinationPath: "/dev/full")
        let failures = NIOLockedValueBox(0)
        let moment = now
        let journal = Journal(files: try open(), sync: .second, now: { moment }) { _ in
            failures.withLockedValue { $0 += 1 }
        }
        let result = await withCheckedContinuation { continuation in
            journal.record(record()) { continuation.resume(returning: $0) }
        }
        #expect(throws: SpokeError.self) { try result.get() }
        #expect(failures.withLockedValue(\.self) == 1)
        await journal.stop()
        let after = await withCheckedContinuation { continuation in
            journal.record(record()) { continuation.resume(returning: $0) }
        }
        #expect(throws: SpokeError.self) { try after.get() }
    }

    @Test("lines of many askers get numbers of their own, in order")
    func manyAskers() async throws {
        let moment = now
        let journal = Journal(files: try open(), sync: .always, now: { moment }, onFailure: { _ in })
        let numbers = try await withThrowingTaskGroup(of: Int64.self) { group in
            for _ in 0..<200 {
                let record = record()
                group.addTask {
                    try await withCheckedThrowingContinuation { continuation in
                        journal.record(record) { continuation.resume(with: $0.mapError { $0 as any Error }) }
                    }
                }
            }
            return try await group.reduce(into: Set<Int64>()) { $0.insert($1) }
        }
        #expect(numbers == Set(1...200))
        await journal.stop()
        #expect(try open().last == 200)
    }

    @Test("segments rotate, and go only when acknowledged, after the counts are safe")
    func rotation() throws {
        var files = try open(segmentLimit: 1000)
        for _ in 0..<20 { _ = try files.append([.decision(record())]) }
        let before = try segments()
        #expect(before.count > 3)
        try files.acknowledge(0, now: now)
        #expect(try segments() == before)
        try files.acknowledge(15, now: now)
        let after = try segments()
        #expect(after.count < before.count)
        #expect(after == Array(before.suffix(after.count)))
        #expect(try files.unread.decisions(maximumBytes: 1 << 20).decisions.map(\.number) == [16, 17, 18, 19, 20])
        files.closeFile()
        var again = try open(segmentLimit: 1000)
        #expect(again.acknowledged == 15)
        #expect(try again.append([.decision(record())]) == [21])
        let told = try again.unread.decisions(maximumBytes: 1 << 20)
        #expect(told.decisions.map(\.number) == Array(16...21))
        #expect(again.usage.changed(after: 15, upTo: 21).map(\.count) == [21])
        again.closeFile()
    }

    @Test("everything acknowledged and deleted: numbering still goes on")
    func numbering() throws {
        var files = try open(segmentLimit: 200)
        for _ in 0..<3 { _ = try files.append([.decision(record())]) }
        try files.acknowledge(3, now: now)
        files.closeFile()
        for name in try segments() { try FileManager.default.removeItem(atPath: directory.path + "/" + name) }
        var again = try open()
        #expect(try again.append([.decision(record())]) == [4])
        again.closeFile()
    }

    @Test("a report holds no more than asked for, and the next goes on after what was acknowledged")
    func pages() throws {
        var files = try open()
        for _ in 0..<100 {
            _ = try files.append([
                .decision(record()), .outcome(JournalLine.Outcome(outcome: 1, at: now, status: 200, result: "ok")),
            ])
        }
        var told: [Int64] = []
        while told.count < 100 {
            let page = try files.unread.decisions(maximumBytes: 5000)
            try #require(!page.decisions.isEmpty)
            #expect(page.decisions.count < 20)
            told += page.decisions.map(\.number)
            // Half of the time the place has to be looked for, as after an answer that fell behind.
            let place = told.count.isMultiple(of: 2) ? page.place : nil
            try files.acknowledge(try #require(told.last), place: place, now: now)
        }
        #expect(told == Array(1...100))
        #expect(try files.unread.decisions(maximumBytes: 5000).decisions.isEmpty)
        files.closeFile()
    }

    @Test("the same denial again is counted for ten seconds, then told in one line")
    func tally() {
        var tally = DenialTally()
        #expect(tally.take(record("tool:x", .deny), now: now).count == 1)
        for second in 1..<10 {
            #expect(tally.take(record("tool:x", .deny), now: now + .seconds(Int64(second))).isEmpty)
        }
        #expect(tally.take(record("tool:y", .deny), now: now).count == 1)
        let summaries = tally.expired(now: now + .seconds(10))
        #expect(summaries.map(\.count) == [9])
        #expect(tally.take(record("tool:x", .deny), now: now + .seconds(10)).map(\.count) == [1])
        #expect(tally.drain().isEmpty)
    }

    @Test("made-up names do not make the tally grow without end")
    func tallyBound() {
        var tally = DenialTally()
        var lines = 0
        for number in 0..<DenialTally.maximumKinds * 3 {
            lines += tally.take(record("tool:\(number)", .deny), now: now).count
        }
        #expect(lines == DenialTally.maximumKinds * 3)
    }

    @Test("uses are counted by day, rule, principal, caller and capability; conversation upkeep is not")
    func usage() throws {
        var book = UsageBook()
        var number: Int64 = 0
        func fold(_ aim: String, _ verdict: DecisionRecord.Verdict = .allow, at: Instant) {
            number += 1
            var record = record(aim, verdict)
            record.number = number
            record.at = at
            book.fold(record)
        }
        fold("tool:a", at: now)
        fold("tool:a", at: now + .days(1))
        fold("tool:a", at: now + .days(1))
        fold("tool:b", at: now)
        fold("tool:c", .deny, at: now)
        fold("reach", at: now)
        let counters = book.changed(after: 0, upTo: number)
        #expect(counters.map(\.count).reduce(0, +) == 4)
        #expect(counters.count == 3)
        #expect(book.changed(after: 2, upTo: number).count == 2)
        var again = UsageBook(book.stored(acknowledged: 0, chain: JournalChain(beginning: "j-1"), first: 1))
        var repeated = record("tool:a")
        repeated.number = 1
        again.fold(repeated)
        #expect(again.changed(after: 0, upTo: number).map(\.count).reduce(0, +) == 4)
        again.forget(acknowledged: number, now: now + .days(5))
        #expect(again.changed(after: 0, upTo: number).isEmpty)
    }
}
