import Foundation
import Model
import Trust

/// The files of one journal, used by its one thread:
///
/// - `name.json`: the journal's random name and since when it is kept;
/// - segments (`JournalSegment`), whose lines form one hash chain; the last line of a closed one is a signed checkpoint;
/// - `head.json`: the newest checkpoint that was signed, so that a shortened journal is noticed;
/// - `usage.json`: counters folded up to a number, so that older segments may go.
package struct JournalFiles: Sendable {
    package struct Name: Hashable, Sendable, Codable {
        package var name: String
        package var since: Instant
    }

    package let name: Name
    package private(set) var usage: UsageBook
    /// Of the last decision line.
    package private(set) var last: Int64
    package private(set) var acknowledged: Int64
    package private(set) var chain: JournalChain

    private let directory: String
    private let settings: AuditSettings
    private let signer: JournalSigner?
    private let write: @Sendable ([UInt8], Int32) -> Int32?
    private var segments: [JournalSegment]
    private var signed: (line: Int64, envelope: JSON)?
    private var file: Int32 = -1
    /// Of the newest line.
    private var moment: Instant
    /// Where reading for reports goes on: everything before it was acknowledged.
    private var cursor: (segment: Int64, offset: Int)

    /// Opens a journal or begins one. A last line without its end is cut off: its write never finished, so nothing was
    /// forwarded on it.
    /// - Parameters:
    ///   - freshName: taken when there is no journal yet.
    ///   - signer: nil for a journal without checkpoints.
    ///   - write: every byte to a descriptor, or the `errno`.
    /// - Throws: `not-writable`, `not-readable`, `bad-journal`.
    package init(
        directory: String, freshName: String, now: Instant, settings: AuditSettings = AuditSettings(),
        signer: JournalSigner? = nil, write: @escaping @Sendable ([UInt8], Int32) -> Int32? = writeAll
    ) throws(SpokeError) {
        self.directory = directory
        self.settings = settings
        self.signer = signer
        self.write = write
        moment = now
        let stored: UsageBook.Stored?
        do {
            if let bytes = try DurableFile.read(directory + "/name.json") {
                name = try JSONCoding.decode(Name.self, from: bytes)
            } else {
                name = Name(name: freshName, since: now)
                try DurableFile.write(JSONCoding.canonical(name), to: directory + "/name.json")
            }
            stored = try DurableFile.read(directory + "/usage.json", maximumBytes: 256 << 20).map {
                try JSONCoding.decode(UsageBook.Stored.self, from: $0)
            }
            usage = stored.map(UsageBook.init) ?? UsageBook()
            last = stored?.number ?? 0
            acknowledged = stored?.acknowledged ?? 0
        } catch { throw SpokeError(error, else: "bad-journal", "cannot open the journal in `\(directory)`") }
        chain = JournalChain(beginning: name.name)
        if let line = stored?.line, let head = stored?.head { chain = JournalChain(line: line, head: head) }
        let found = try JournalSegment.all(in: directory, spill: settings.spill?.directory)
        // An empty one before another held no line when the disk was full.
        segments = found.dropLast().filter { $0.bytes > 0 } + found.suffix(1)
        cursor = (segments.first?.line ?? chain.line + 1, 0)
        let isClosed = try restore()
        try advanceCursor()
        if let open = segments.last, !isClosed { try openSegment(open) } else { try openSegment(nextSegment()) }
    }

    // MARK: the start

    /// Folds in what came after `usage.json`, and holds the chain against the newest checkpoint.
    /// - Returns: whether the last segment is closed.
    private mutating func restore() throws(SpokeError) -> Bool {
        var firsts: [Int64?] = []
        for segment in segments { firsts.append(try segment.firstNumber()) }
        let newest = try JournalHead.stored(in: directory)
        signed = newest.map { ($0.checkpoint.line, $0.envelope) }
        let from = firsts.lastIndex { $0.map { $0 <= usage.number + 1 } ?? false } ?? 0
        for index in segments.indices.prefix(from) {
            segments[index].number = firsts[index...].compactMap(\.self).first ?? 1
        }
        var isClosed = false
        for index in segments.indices where index >= from {
            segments[index].number = firsts[index] ?? last + 1
            isClosed = try replay(index, isFirst: index == from, newest?.checkpoint)
        }
        if let newest = newest?.checkpoint, newest.line > chain.line {
            throw Self.bad(
                "it ends with line \(chain.line), this spoke has signed up to line \(newest.line)", directory)
        }
        return isClosed
    }

    private mutating func replay(
        _ index: Int, isFirst: Bool, _ newest: JournalCheckpoint?
    ) throws(SpokeError) -> Bool {
        let segment = segments[index]
        var (book, number, chain, problem, isClosed) = (usage, last, chain, String?.none, false)
        var isStart = isFirst
        let whole = try JournalSegment.forEachLine(segment.path) { line, bytes, _ in
            // What comes before the first segment that is read was checked by whoever closed it.
            if isStart {
                chain =
                    segment.line == 1
                    ? JournalChain(beginning: name.name)
                    : JournalChain(line: segment.line - 1, head: line.previous)
            }
            isStart = false
            problem = chain.problem(with: line)
            chain.follow(bytes)
            if let newest, newest.line == chain.line, newest.head != chain.head {
                problem = "line \(chain.line) is not the one that this spoke has signed"
            }
            isClosed = false
            switch line.line {
            case .decision(let record):
                book.fold(record)
                number = max(number, record.number)
            case .checkpoint: isClosed = true
            case .outcome: break
            }
            return problem == nil
        }
        if let problem { throw Self.bad("\(problem) (`\(segment.path)`)", directory) }
        (usage, last, self.chain) = (book, number, chain)
        guard index == segments.count - 1 else { return isClosed }
        segments[index].bytes = whole
        // If we die here the next start cuts the same bytes.
        guard truncate(segment.path, off_t(whole)) == 0 || errno == EINVAL else {
            throw .system("not-writable", "cannot cut the torn end of `\(segment.path)`", errno)
        }
        return isClosed
    }

    private static func bad(_ problem: String, _ directory: String) -> SpokeError {
        SpokeError(
            "bad-journal", "the journal in `\(directory)` is not what this spoke wrote: \(problem)",
            hint: "move the directory aside as evidence; the spoke then begins another journal, under another name")
    }

    // MARK: writing

    /// Whether lines go to the second place now.
    package var isSpilling: Bool { segments.last?.isSpilled ?? false }
    /// Whether lines lie in the second place.
    var hasSpilled: Bool { segments.contains { $0.isSpilled } }
    /// Of all segments.
    package var bytes: Int { segments.reduce(0) { $0 + $1.bytes } }

    /// Writes lines with one write(2): when it returns they survive the death of this process.
    ///
    /// Decisions get their numbers here. When the write fails nothing of it counts: what was written of it is cut off, and
    /// the numbers are given again. With a second place the lines go there then.
    /// - Returns: the decisions' numbers, in order.
    /// - Throws: `not-writable`, `spill-full`.
    package mutating func append(_ lines: [JournalLine]) throws(SpokeError) -> [Int64] {
        do throws(SpokeError) { return try put(lines) } catch {
            // A torn end that could not be cut has to be cut first: nothing may stand behind it.
            guard let spill = settings.spill, !isSpilling, file >= 0 else { throw error }
            try openSpill(spill)
            return try put(lines)
        }
    }

    private mutating func put(_ lines: [JournalLine]) throws(SpokeError) -> [Int64] {
        if file < 0 { try reopen() }
        if segments[segments.count - 1].bytes >= settings.segment { try rotate() }
        var (chain, numbers, records, bytes) = (chain, [Int64](), [DecisionRecord](), [UInt8]())
        do throws(ModelError) {
            for line in lines {
                if let at = line.at { moment = max(moment, at) }
                guard case .decision(var record) = line else {
                    bytes += try chain.append(line)
                    continue
                }
                record.number = last + Int64(records.count) + 1
                numbers.append(record.number)
                records.append(record)
                bytes += try chain.append(.decision(record))
            }
        } catch { throw SpokeError(error) }
        if let spill = settings.spill, isSpilling {
            let used = segments.reduce(0) { $0 + ($1.isSpilled ? $1.bytes : 0) }
            guard used + bytes.count <= spill.limit else {
                throw SpokeError("spill-full", "the journal has no room, nor has `\(spill.directory)`")
            }
        }
        try putBytes(bytes)
        self.chain = chain
        for record in records { usage.fold(record) }
        last += Int64(records.count)
        return numbers
    }

    private mutating func putBytes(_ bytes: [UInt8]) throws(SpokeError) {
        let index = segments.count - 1
        if let failure = write(bytes, file) {
            if ftruncate(file, off_t(segments[index].bytes)) != 0 {
                // The next append has to cut the torn line before it may go on.
                close(file)
                file = -1
            }
            throw .system("not-writable", "cannot write the journal", failure)
        }
        segments[index].bytes += bytes.count
    }

    private func nextSegment(spill: String? = nil) -> JournalSegment {
        JournalSegment(line: chain.line + 1, in: spill ?? directory, isSpilled: spill != nil, number: last + 1)
    }

    private mutating func openSegment(_ segment: JournalSegment) throws(SpokeError) {
        let handle = open(segment.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard handle >= 0 else { throw .system("not-writable", "cannot open `\(segment.path)`", errno) }
        let size = lseek(handle, 0, SEEK_END)
        guard size >= 0 else {
            close(handle)
            throw .system("not-writable", "cannot look at `\(segment.path)`", errno)
        }
        if file >= 0 { close(file) }
        file = handle
        if segments.last?.path != segment.path { segments.append(segment) }
        segments[segments.count - 1].bytes = Int(size)
        try DurableFile.syncDirectory(of: segment.path)
    }

    private mutating func reopen() throws(SpokeError) {
        let segment = segments.last ?? nextSegment()
        guard truncate(segment.path, off_t(segment.bytes)) == 0 else {
            throw .system("not-writable", "cannot cut the torn end of `\(segment.path)`", errno)
        }
        try openSegment(segment)
    }

    /// Closes the segment with a checkpoint and opens the next. If we die between the two, the next start opens it.
    private mutating func rotate() throws(SpokeError) {
        if let signer, let open = segments.last, open.line <= chain.line {
            var next = chain
            do {
                let envelope = try signer.sign(checkpoint(signer, at: moment))
                try putBytes(try next.append(.checkpoint(try JSONCoding.encode(envelope))))
            } catch { throw SpokeError(error, else: "not-writable", "cannot close a segment") }
            chain = next
        }
        try sync()
        try openSegment(nextSegment())
    }

    /// After it what was appended survives the death of the host.
    package func sync() throws(SpokeError) {
        guard file >= 0 else { return }
        guard fdatasync(file) == 0 else { throw .system("not-writable", "cannot sync the journal", errno) }
    }

    /// The journal is not used after it.
    package mutating func closeFile() {
        if file >= 0 { close(file) }
        file = -1
    }

    // MARK: checkpoints

    /// The newest checkpoint, on disk like every line that it covers, so that a crash leaves no journal that is shorter than
    /// what was signed.
    /// - Returns: nil before the first line, and for a journal without a signer.
    /// - Throws: `not-writable`, and what signing throws.
    package mutating func signedHead(now: Instant) throws(SpokeError) -> JSON? {
        guard let signer, chain.line > 0 else { return nil }
        if let signed, signed.line == chain.line { return signed.envelope }
        try sync()
        do {
            let envelope = try JSONCoding.encode(try signer.sign(checkpoint(signer, at: now)))
            try DurableFile.write(envelope.canonicalBytes, to: JournalHead.path(in: directory))
            signed = (chain.line, envelope)
            return envelope
        } catch { throw SpokeError(error, else: "not-writable", "cannot sign the journal's head") }
    }

    private func checkpoint(_ signer: JournalSigner, at now: Instant) -> JournalCheckpoint {
        JournalCheckpoint(
            spoke: signer.spoke, journal: name.name, segment: segments.last?.line ?? 1, line: chain.line, number: last,
            head: chain.head, at: now)
    }

    // MARK: the second place

    private mutating func openSpill(_ spill: AuditSettings.Spill) throws(SpokeError) {
        guard mkdir(spill.directory, 0o700) == 0 || errno == EEXIST else {
            throw .system("not-writable", "cannot make the directory `\(spill.directory)`", errno)
        }
        // A signed head promises that every line before it is on disk.
        try sync()
        let left = segments.last
        try openSegment(nextSegment(spill: spill.directory))
        dropIfEmpty(left)
    }

    /// Goes on in the data directory when it has room again, and brings there what was spilled.
    /// - Returns: whether lines go to the data directory now.
    package mutating func returnFromSpill() throws(SpokeError) -> Bool {
        if isSpilling {
            let probe = directory + "/probe"
            defer { unlink(probe) }
            do { try DurableFile.write([UInt8](repeating: 0, count: 64 << 10), to: probe) } catch {
                unlink(probe + ".new")
                return false
            }
            let left = segments.last
            try rotate()
            dropIfEmpty(left)
        }
        for index in segments.indices.dropLast() where segments[index].isSpilled {
            var segment = segments[index]
            guard let bytes = try DurableFile.read(segment.path, maximumBytes: 1 << 30) else { continue }
            let home = JournalSegment(line: segment.line, in: directory, isSpilled: false, number: segment.number)
            try DurableFile.write(bytes, to: home.path)
            // If we die here both are there and alike, and the next start reads this one.
            unlink(segment.path)
            segment.path = home.path
            segment.isSpilled = false
            segments[index] = segment
        }
        return true
    }

    private mutating func dropIfEmpty(_ segment: JournalSegment?) {
        guard let segment, segment.bytes == 0, segments.last?.path != segment.path else { return }
        unlink(segment.path)
        segments.removeAll { $0.path == segment.path }
    }

    // MARK: reports

    /// Where the decisions after the last acknowledged one stand now.
    package var unread: JournalReading {
        let from = segments.filter { $0.line >= cursor.segment }
        return JournalReading(
            parts: from.map { segment in
                JournalReading.Part(
                    segment: segment.line, path: segment.path, from: segment.line == cursor.segment ? cursor.offset : 0,
                    end: segment.path == from.last?.path ? segment.bytes : nil)
            }, acknowledged: acknowledged, last: last)
    }

    /// The hub holds everything up to `number`: older segments may go once a file holds what they counted, but for as many
    /// bytes of them as are kept.
    ///
    /// Steps: write `usage.json`; delete segments that lie wholly before `number`. If we die between them, the next start
    /// passes over lines that are folded in already.
    /// - Parameter place: behind the line of that number, when it is known; else it is looked for.
    /// - Throws: `not-writable`, `not-readable`.
    package mutating func acknowledge(
        _ number: Int64, place: JournalReading.Place? = nil, now: Instant
    ) throws(SpokeError) {
        guard number > acknowledged else { return }
        acknowledged = min(number, last)
        usage.forget(acknowledged: acknowledged, now: now)
        if let place { cursor = (place.segment, place.offset) } else { try advanceCursor() }
        let told = zip(segments, segments.dropFirst()).filter { $0.1.number <= acknowledged + 1 }.map(\.0)
        var kept = told.reduce(0) { $0 + $1.bytes }
        let done = told.prefix { segment in
            defer { kept -= segment.bytes }
            return kept > settings.keep
        }
        guard !done.isEmpty else { return }
        try storeUsage(dropping: done.count)
        for segment in done where unlink(segment.path) != 0 && errno != ENOENT {
            throw .system("not-writable", "cannot delete `\(segment.path)`", errno)
        }
        segments.removeFirst(done.count)
    }

    /// Also at the end, to spare the next start the folding.
    package func storeUsage(dropping count: Int = 0) throws(SpokeError) {
        let first = segments.dropFirst(count).first?.line ?? chain.line + 1
        let bytes: [UInt8]
        do throws(ModelError) {
            bytes = try JSONCoding.canonical(usage.stored(acknowledged: acknowledged, chain: chain, first: first))
        } catch { throw SpokeError(error) }
        try DurableFile.write(bytes, to: directory + "/usage.json")
    }

    private mutating func advanceCursor() throws(SpokeError) {
        let acknowledged = acknowledged
        if let segment = segments.last(where: { $0.number <= acknowledged + 1 }), segment.line > cursor.segment {
            cursor = (segment.line, 0)
        }
        guard let segment = segments.first(where: { $0.line == cursor.segment }) else { return }
        var offset = cursor.offset
        try JournalSegment.forEachLine(segment.path, from: cursor.offset) { line, _, end in
            if case .decision(let record) = line.line, record.number > acknowledged { return false }
            offset = end
            return true
        }
        cursor.offset = offset
    }
}
