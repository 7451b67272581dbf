import Foundation
import Model
import NIOConcurrencyHelpers
import SpokeAgent
import TestSupport
import Testing
import Trust

/// A journal with an enrolled spoke's directory around it, so that `nave-spoke verify` reads it.
@Suite("the journal's hash chain")
struct JournalChainTests {
    private let directory: TemporaryDirectory
    private let now = SpokeFixture.now
    private let signer: JournalSigner
    private let key: PrivateKey

    init() throws {
        directory = try TemporaryDirectory()
        key = try PrivateKey.generateP256()
        signer = JournalSigner(spoke: try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1"), key: key)
    }

    private func settings(segment: Int = 64 << 20, spill: Int? = nil, keep: Int = 1 << 30) -> AuditSettings {
        var settings = AuditSettings()
        settings.segment = segment
        settings.keep = keep
        settings.spill = spill.map { AuditSettings.Spill(directory: directory.file("spill"), limit: $0) }
        return settings
    }

    private func open(
        _ settings: AuditSettings, write: @escaping @Sendable ([UInt8], Int32) -> Int32? = writeAll
    ) throws -> JournalFiles {
        try FileManager.default.createDirectory(atPath: directory.file("journal"), withIntermediateDirectories: true)
        return try JournalFiles(
            directory: directory.file("journal"), freshName: "j-1", now: now, settings: settings, signer: signer,
            write: write)
    }

    private func decision(_ verdict: DecisionRecord.Verdict = .allow) -> JournalLine {
        .decision(
            DecisionRecord(
                number: 0, at: now, caller: "spiffe://a.example/client/b", address: nil, server: "finance/ledger",
                aim: "tool:read_entry", verdict: verdict))
    }

    private func segments(_ place: String = "journal") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.file(place)).filter { $0.hasSuffix(".jsonl") }
            .sorted().map { "\(place)/\($0)" }
    }

    private func lines(_ file: String) throws -> [String] {
        try directory.read(file).split(separator: "\n").map(String.init)
    }

    private func verify() throws -> SpokeVerification.Outcome {
        try SpokeVerification.journal(
            directory.file("journal"), spill: directory.file("spill"), key: key.publicKey)
    }

    /// Three closed segments and one that is open, its head signed.
    private func written() throws {
        var files = try open(settings(segment: 3000))
        while try segments().count < 4 { _ = try files.append([decision(), .outcome(outcome)]) }
        _ = try files.signedHead(now: now)
        files.closeFile()
    }

    private var outcome: JournalLine.Outcome {
        JournalLine.Outcome(outcome: 1, at: now, status: 200, result: "ok")
    }

    @Test("a whole journal verifies, through segments and restarts")
    func whole() throws {
        try written()
        var again = try open(settings(segment: 3000))
        _ = try again.append([decision()])
        again.closeFile()
        let found = try verify()
        #expect(found.problems == [])
        #expect(found.lines.contains { $0.contains("3 checkpoints signed by this spoke") }, "\(found.lines)")
    }

    struct Change: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Words of the problem that must be named.
        var words: [String]
        var make: @Sendable (inout [[String]]) -> Void

        init(_ what: String, _ words: String..., make: @escaping @Sendable (inout [[String]]) -> Void) {
            testDescription = what
            self.words = words
            self.make = make
        }
    }

    static let changes = [
        Change("one byte of a line", "line 3 is not what was written", "decision 2") {
            $0[0][2] = $0[0][2].replacingOccurrences(of: "read_entry", with: "read_entrx")
        },
        Change("a line dropped", "line 2 is missing") { $0[0].remove(at: 1) },
        Change("three lines dropped", "line 2 and others up to 4 is missing") { $0[0].removeSubrange(1...3) },
        Change("two lines exchanged", "line 2 is missing", "line 2 stands where line 4 was due") {
            $0[0].swapAt(1, 2)
        },
        Change("a line added", "stands where line") { $0[1].insert($0[1][0], at: 1) },
        Change("the end cut off", "are missing: signed by head.json") { $0[3].removeAll() },
        Change("the last line changed", "is not what was signed, by head.json") {
            let last = $0[3].count - 1
            $0[3][last] = $0[3][last].replacingOccurrences(of: "\"status\":200", with: "\"status\":201")
        },
        Change("two segments exchanged", "stands where line", "is missing") { $0.swapAt(1, 2) },
        Change("the first segment gone", "lines 1 to") { $0[0] = [] },
        Change("a checkpoint of other lines", "signs other lines than stand before it") {
            let mine = $0[0].count - 1
            let other = $0[1][$0[1].count - 1]
            let envelope = other.components(separatedBy: "\"checkpoint\":")[1].components(separatedBy: ",\"line\"")[0]
            let own = $0[0][mine].components(separatedBy: ",\"line\"")[1]
            $0[0][mine] = "{\"checkpoint\":\(envelope),\"line\"\(own)"
        },
        Change("no JSON any more", "after line 1", "damaged") { $0[0][1] = "{" + $0[0][1] },
    ]

    @Test("every change is named", arguments: changes)
    func changed(_ change: Change) throws {
        try written()
        let files = try segments()
        var content = try files.map { try lines($0) }
        change.make(&content)
        for (file, lines) in zip(files, content) {
            try directory.write(file, lines.map { $0 + "\n" }.joined())
        }
        let problems = try verify().problems
        for word in change.words {
            #expect(problems.contains { $0.contains(word) }, "\(word): \(problems)")
        }
    }

    @Test("a spoke does not go on from a journal that is shorter than what it signed, or another")
    func start() throws {
        var files = try open(settings())
        _ = try files.append([decision(), decision(), decision()])
        _ = try files.signedHead(now: now)
        files.closeFile()
        let file = try #require(try segments().first)
        let whole = try lines(file)
        try directory.write(file, whole.dropLast().map { $0 + "\n" }.joined())
        #expect(throws: SpokeError.self) { try open(settings()) }
        try directory.write(
            file, whole.map { $0.replacingOccurrences(of: "read_entry", with: "read_entrx") + "\n" }.joined())
        let error = #expect(throws: SpokeError.self) { try open(settings()) }
        #expect(error?.code == "bad-journal")
        #expect(error?.hint?.contains("evidence") == true)
        try directory.write(file, whole.map { $0 + "\n" }.joined())
        #expect(try open(settings()).last == 3)
    }

    @Test("dead between the closing checkpoint and the next segment: the next start opens it")
    func closed() throws {
        try written()
        let last = try #require(try segments().last)
        try FileManager.default.removeItem(atPath: directory.file(last))
        try FileManager.default.removeItem(atPath: directory.file("journal/head.json"))
        var again = try open(settings(segment: 3000))
        _ = try again.append([decision()])
        again.closeFile()
        #expect(try segments().last == last)
        #expect(try verify().problems == [])
    }

    @Test("the head is signed by the certificate's key and covers every line")
    func head() throws {
        var files = try open(settings())
        #expect(try files.signedHead(now: now) == nil)
        _ = try files.append([decision(), .outcome(outcome)])
        let json = try #require(try files.signedHead(now: now))
        let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: json)
        let checkpoint = try JournalCheckpoint.verified(envelope, key: key.publicKey)
        #expect((checkpoint.line, checkpoint.number, checkpoint.journal) == (2, 1, "j-1"))
        #expect(checkpoint.head == files.chain.head)
        #expect(try files.signedHead(now: now + .hours(1)) == json, "nothing new, nothing signed")
        let other = try PrivateKey.generateP256()
        #expect(throws: TrustError.self) { try JournalCheckpoint.verified(envelope, key: other.publicKey) }
        signer.use(other)
        _ = try files.append([decision()])
        let renewed = try JSONCoding.decode(DSSEEnvelope.self, from: try #require(try files.signedHead(now: now)))
        #expect(try JournalCheckpoint.verified(renewed, key: other.publicKey).line == 3)
    }

    // MARK: a full disk

    @Test("a full disk: lines go to the second place, and come home when there is room")
    func spill() throws {
        let isFull = NIOLockedValueBox(false)
        let place = directory.file("journal")
        let write: @Sendable ([UInt8], Int32) -> Int32? = { bytes, file in
            // Only the data directory is full: /proc tells which file a descriptor is.
            let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(file)")) ?? ""
            guard isFull.withLockedValue(\.self), path.hasPrefix(place) else { return writeAll(bytes, to: file) }
            _ = writeAll(Array(bytes.prefix(5)), to: file)
            return ENOSPC
        }
        var files = try open(settings(spill: 64 << 10), write: write)
        _ = try files.append([decision()])
        isFull.withLockedValue { $0 = true }
        #expect(try files.append([decision(), decision()]) == [2, 3])
        #expect(files.isSpilling)
        #expect(try segments("spill").count == 1)
        files.closeFile()
        // A restart meanwhile goes on where it was.
        files = try open(settings(spill: 64 << 10), write: write)
        #expect(try files.append([decision()]) == [4])
        #expect(files.isSpilling)
        #expect(try verify().problems == [])
        isFull.withLockedValue { $0 = false }
        #expect(try files.returnFromSpill())
        #expect(!files.isSpilling)
        #expect(try segments("spill").isEmpty)
        #expect(try files.append([decision()]) == [5])
        #expect(try files.unread.decisions(maximumBytes: 1 << 20).decisions.map(\.number) == [1, 2, 3, 4, 5])
        files.closeFile()
        #expect(try verify().problems == [])
    }

    @Test("the second place has an end, and then there is no line")
    func spillFull() throws {
        let write: @Sendable ([UInt8], Int32) -> Int32? = { bytes, file in
            let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(file)")) ?? ""
            return path.contains("/spill/") ? writeAll(bytes, to: file) : ENOSPC
        }
        var files = try open(settings(spill: 2000), write: write)
        var written = 0
        let error = #expect(throws: SpokeError.self) {
            while written < 100 {
                _ = try files.append([decision()])
                written += 1
            }
        }
        #expect(error?.code == "spill-full")
        #expect((1...10).contains(written))
        #expect(files.last == Int64(written))
        files.closeFile()
        #expect(try verify().problems == [])
    }

    @Test("what found no room is counted, and the first line that does says how many")
    func lost() async throws {
        let isFull = NIOLockedValueBox(true)
        let files = try open(settings()) { bytes, file in
            isFull.withLockedValue(\.self) ? ENOSPC : writeAll(bytes, to: file)
        }
        let moment = now
        let journal = Journal(files: files, sync: .second, now: { moment }, onFailure: { _ in })
        guard case .decision(let denial) = decision(.deny), case .decision(let call) = decision() else { return }
        func ask(_ record: DecisionRecord) async -> Result<Int64, SpokeError> {
            await withCheckedContinuation { continuation in
                journal.record(record) { continuation.resume(returning: $0) }
            }
        }
        journal.deny(denial)
        journal.outcome(outcome)
        await #expect(throws: SpokeError.self) { try await ask(call).get() }
        let trouble = try #require(journal.figures.trouble)
        #expect((trouble.state, trouble.lost, journal.figures.lost) == (.full, 2, 2))
        isFull.withLockedValue { $0 = false }
        #expect(try await ask(call).get() == 2)
        #expect(journal.figures.trouble == nil)
        #expect(journal.figures.lost == 2)
        await journal.stop()
        let file = try #require(try segments().first)
        let first = try #require(try lines(file).first)
        #expect(first.contains("2 lines found no room"), "\(first)")
        #expect(try verify().problems == [])
    }
}
