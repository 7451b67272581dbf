import Foundation
import Model
import Trust

/// Reads every line of a journal and says what is not as it was written. Changes nothing, and needs nothing but the files.
struct JournalVerification {
    /// Of each kind; a journal that was replaced would name every line.
    private static let maximumProblems = 20

    private struct Due {
        var head: String
        var source: String
    }

    private let keys: [String: PublicKey]
    private var due: [Int64: Due] = [:]
    private var chain: JournalChain
    private var first: Int64?
    private var count = 0
    private var number: Int64?
    private var checked = 0
    private var unknownSigners = 0
    /// How the last line is called.
    private var name = ""
    private var outcome = SpokeVerification.Outcome()

    /// - Parameters:
    ///   - keys: of the spoke, by key id; a checkpoint of another key is counted as not verified.
    ///   - anchored: what the ledger proves; nil where no ledger was asked.
    /// - Throws: `not-readable`, `bad-journal`.
    static func run(
        directory: String, spill: String?, keys: [String: PublicKey], anchored: [LedgerEvidence.Anchored]?
    ) throws -> SpokeVerification.Outcome {
        guard let name = try name(in: directory) else {
            return SpokeVerification.Outcome(lines: ["journal   none yet"])
        }
        // Read before the lines: a spoke that runs meanwhile only adds.
        let head = try JournalHead.stored(in: directory)?.checkpoint
        let stored = try DurableFile.read(directory + "/usage.json", maximumBytes: 256 << 20).map {
            try JSONCoding.decode(UsageBook.Stored.self, from: $0)
        }
        var check = JournalVerification(keys: keys, chain: JournalChain(beginning: name))
        if let head { check.due[head.line] = Due(head: head.head, source: "head.json") }
        let own = anchored?.filter { $0.checkpoint.journal == name }
        for anchor in own ?? [] {
            check.due[anchor.checkpoint.line] = Due(
                head: anchor.checkpoint.head, source: "entry \(anchor.entry) of the ledger")
        }
        let segments = try JournalSegment.all(in: directory, spill: spill).filter { $0.bytes > 0 }
        for segment in segments { check.read(segment, isLast: segment.path == segments.last?.path, stored?.first ?? 1) }
        check.end(segments.count, own)
        return check.outcome
    }

    /// - Returns: nil where no journal has begun.
    static func name(in directory: String) throws -> String? {
        try DurableFile.read(directory + "/name.json").map {
            try JSONCoding.decode(JournalFiles.Name.self, from: $0).name
        }
    }

    /// What the ledger anchors of journals that are not among those that were given: one that was replaced under a new name
    /// would be in order by itself.
    ///
    /// - Parameter names: of the journals that were given.
    static func uncovered(_ anchored: [LedgerEvidence.Anchored], by names: Set<String>) -> [String] {
        Dictionary(grouping: anchored.filter { !names.contains($0.checkpoint.journal) }, by: \.checkpoint.journal)
            .sorted { $0.key < $1.key }.compactMap { journal, heads in
                heads.max { $0.checkpoint.line < $1.checkpoint.line }.map { newest in
                    "journal: the ledger anchors `\(journal)` of this spoke up to line \(newest.checkpoint.line), by entry "
                        + "\(newest.entry), and it is not here: it was replaced, or --journal has to say where it is kept"
                }
            }
    }

    private init(keys: [String: PublicKey], chain: JournalChain) {
        self.keys = keys
        self.chain = chain
    }

    private mutating func fail(_ problem: String) {
        guard outcome.problems.count < Self.maximumProblems else { return }
        outcome.problems.append("journal: \(problem)")
    }

    private mutating func read(_ segment: JournalSegment, isLast: Bool, _ kept: Int64) {
        let file = segment.path.split(separator: "/").last ?? ""
        var check = self
        do throws(SpokeError) {
            let whole = try JournalSegment.forEachLine(segment.path) { line, bytes, _ in
                check.take(line, bytes, "\(file)", kept)
                return true
            }
            self = check
            guard segment.bytes > whole else { return }
            let torn = "\(segment.bytes - whole) bytes of an unfinished line at the end of \(file)"
            if isLast { outcome.lines.append("journal: \(torn)") } else { fail(torn) }
        } catch {
            self = check
            fail("after line \(chain.line)\(name): \(error.message)")
        }
    }

    private mutating func take(_ line: ChainedLine, _ bytes: [UInt8], _ file: String, _ kept: Int64) {
        if first == nil {
            first = line.position
            if line.position > 1 {
                // Older segments were let go once the hub had taken them in; the anchored heads cover their last line too.
                chain = JournalChain(line: line.position - 1, head: line.previous)
                if line.position > kept {
                    fail(
                        "lines \(kept) to \(line.position - 1) are missing: "
                            + "this spoke has let go only of what is before them")
                }
            }
        }
        if let problem = chain.problem(with: line) {
            fail("\(problem)\(line.position == chain.line + 1 ? name : "") (\(file))")
            chain = JournalChain(line: line.position - 1, head: line.previous)
        }
        if case .checkpoint(let envelope) = line.line { check(envelope, file) }
        chain.follow(bytes)
        count += 1
        name = Self.name(of: line.line)
        if let due = due.removeValue(forKey: chain.line), due.head != chain.head {
            fail("line \(chain.line) or one before it is not what was signed, by \(due.source)\(name) (\(file))")
        }
        guard case .decision(let record) = line.line else { return }
        if let number, record.number != number + 1 {
            fail("line \(chain.line) is of decision \(record.number), where \(number + 1) was due (\(file))")
        }
        number = record.number
    }

    private static func name(of line: JournalLine) -> String {
        switch line {
        case .decision(let record): ", decision \(record.number)"
        case .outcome(let outcome): ", outcome of decision \(outcome.outcome)"
        case .checkpoint: ", a checkpoint"
        }
    }

    private mutating func check(_ json: JSON, _ file: String) {
        do {
            let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: json)
            guard let key = keys[JournalCheckpoint.signer(of: envelope)] else {
                unknownSigners += 1
                return
            }
            let checkpoint = try JournalCheckpoint.verified(envelope, key: key)
            guard checkpoint.line == chain.line, checkpoint.head == chain.head else {
                return fail("the checkpoint in line \(chain.line + 1) signs other lines than stand before it (\(file))")
            }
            checked += 1
        } catch { fail("the checkpoint in line \(chain.line + 1) does not hold: \(error) (\(file))") }
    }

    private mutating func end(_ segments: Int, _ anchored: [LedgerEvidence.Anchored]?) {
        if let last = due.keys.max(), last > chain.line {
            let source = due[last]?.source ?? ""
            fail("lines \(chain.line + 1) to \(last) are missing: signed by \(source)")
        }
        var text = "journal   \(count) lines"
        if let first, first > 1 { text += " from \(first) on" }
        text += " in \(segments) segments, next number \((number ?? 0) + 1)"
        outcome.lines.append(text)
        if checked + unknownSigners > 0 {
            outcome.lines.append(
                "segments  \(checked) checkpoints signed by this spoke"
                    + (unknownSigners > 0 ? ", \(unknownSigners) by keys that are not here: --ledger has them" : ""))
        }
        guard let anchored else { return }
        guard let newest = anchored.max(by: { $0.checkpoint.line < $1.checkpoint.line }) else {
            return fail("the ledger anchors nothing of this journal")
        }
        outcome.lines.append(
            "anchored  up to line \(newest.checkpoint.line) of \(chain.line), by entry \(newest.entry) of the ledger "
                + "(\(anchored.count) anchors)")
    }
}
