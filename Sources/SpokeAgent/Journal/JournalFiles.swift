import Foundation
import Model

/// The files of one journal, used by its one thread:
///
/// - `name.json`: the journal's random name and since when it is kept;
/// - `NNNNNNNNNNNNNNNNNNNN.jsonl`: segments, named by the number of the first decision that can stand in them;
/// - `usage.json`: counters folded up to a number, so that older segments may go.
package struct JournalFiles: Sendable {
    package struct Name: Hashable, Sendable, Codable {
        package var name: String
        package var since: Instant
    }

    package static let segmentBytes = 64 << 20

    package let name: Name
    package private(set) var usage: UsageBook
    /// Of the last decision line.
    package private(set) var last: Int64
    package private(set) var acknowledged: Int64

    private let directory: String
    private let segmentLimit: Int
    private var segments: [Int64]
    private var file: Int32 = -1
    private var size = 0
    /// Where reading for reports goes on: everything before it was acknowledged.
    private var cursor: (segment: Int64, offset: Int)

    /// Opens a journal or begins one. A last line without its end is cut off: its write never finished, so nothing was
    /// forwarded on it.
    /// - Parameter freshName: taken when there is no journal yet.
    /// - Throws: `not-writable`, `not-readable`, `bad-journal`.
    package init(
        directory: String, freshName: String, now: Instant, segmentLimit: Int = segmentBytes
    ) throws(SpokeError) {
        self.directory = directory
        self.segmentLimit = segmentLimit
        do {
            if let bytes = try DurableFile.read(directory + "/name.json") {
                name = try JSONCoding.decode(Name.self, from: bytes)
            } else {
                name = Name(name: freshName, since: now)
                try DurableFile.write(JSONCoding.canonical(name), to: directory + "/name.json")
            }
            let stored = try DurableFile.read(directory + "/usage.json").map {
                try JSONCoding.decode(UsageBook.Stored.self, from: $0)
            }
            usage = stored.map(UsageBook.init) ?? UsageBook()
            last = stored?.number ?? 0
            acknowledged = stored?.acknowledged ?? 0
        } catch let error as any NaveError {
            throw error as? SpokeError ?? SpokeError(error)
        } catch {
            throw SpokeError("bad-journal", "cannot open the journal in `\(directory)`: \(error)")
        }
        segments = try Self.segments(in: directory)
        cursor = (segments.first ?? 1, 0)
        for segment in segments { try replay(segment) }
        try advanceCursor()
        try openSegment(segments.last ?? last + 1)
    }

    private static func segments(in directory: String) throws(SpokeError) -> [Int64] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
            throw SpokeError("not-readable", "cannot list `\(directory)`")
        }
        return names.filter { $0.hasSuffix(".jsonl") }.compactMap { Int64($0.dropLast(6)) }.sorted()
    }

    private func path(_ segment: Int64) -> String {
        let digits = String(segment)
        return directory + "/" + String(repeating: "0", count: max(0, 20 - digits.count)) + digits + ".jsonl"
    }

    private mutating func replay(_ segment: Int64) throws(SpokeError) {
        var book = usage
        var number = last
        let whole = try Self.forEachLine(path(segment), from: 0) { line, _ in
            if case .decision(let record) = line {
                book.fold(record)
                number = max(number, record.number)
            }
            return true
        }
        usage = book
        last = number
        guard segment == segments.last else { return }
        // If we die here the next start cuts the same bytes.
        guard truncate(path(segment), off_t(whole)) == 0 || errno == EINVAL else {
            throw .system("not-writable", "cannot cut the torn end of `\(path(segment))`", errno)
        }
    }

    /// - Parameter take: told each line and the offset behind it; false stops.
    /// - Returns: the offset behind the last whole line that was taken.
    /// - Throws: `bad-journal` for a line that is not one of ours.
    static func forEachLine(
        _ path: String, from offset: Int, upTo limit: Int? = nil, _ take: (JournalLine, Int) -> Bool
    ) throws(SpokeError) -> Int {
        let handle = open(path, O_RDONLY | O_CLOEXEC)
        guard handle >= 0 else { throw .system("not-readable", "cannot open `\(path)`", errno) }
        defer { close(handle) }
        var status = stat()
        guard fstat(handle, &status) == 0 else { throw .system("not-readable", "cannot look at `\(path)`", errno) }
        let end = min(Int(status.st_size), limit ?? Int.max)
        var position = offset
        var read = offset
        var pending: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 256 << 10)
        while read < end {
            let count = pread(handle, &part, min(part.count, end - read), off_t(read))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            read += count
            pending += part[..<count]
            var rest = pending[...]
            while let newline = rest.firstIndex(of: 0x0A) {
                let line: JournalLine
                do {
                    line = try JournalLine(parsing: Array(rest[..<newline]))
                } catch {
                    throw SpokeError(
                        "bad-journal", "the line at byte \(position) of `\(path)` is damaged: \(error.message)")
                }
                position += newline - rest.startIndex + 1
                rest = rest[(newline + 1)...]
                guard take(line, position) else { return position }
            }
            pending = Array(rest)
        }
        return position
    }

    private mutating func openSegment(_ segment: Int64) throws(SpokeError) {
        let handle = open(path(segment), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard handle >= 0 else { throw .system("not-writable", "cannot open `\(path(segment))`", errno) }
        var status = stat()
        guard fstat(handle, &status) == 0 else {
            close(handle)
            throw .system("not-writable", "cannot look at `\(path(segment))`", errno)
        }
        if file >= 0 { close(file) }
        file = handle
        size = Int(status.st_size)
        if segments.last != segment { segments.append(segment) }
        try DurableFile.syncDirectory(of: path(segment))
    }

    /// Writes lines with one write(2): when it returns they survive the death of this process.
    ///
    /// Decisions get their numbers here. When the write fails nothing of it counts: what was written of it is cut off, and
    /// the numbers are given again.
    /// - Returns: the decisions' numbers, in order.
    /// - Throws: `not-writable`.
    package mutating func append(_ lines: [JournalLine]) throws(SpokeError) -> [Int64] {
        if file < 0 { try reopen() }
        if size >= segmentLimit { try rotate() }
        var numbers: [Int64] = []
        var records: [DecisionRecord] = []
        var bytes: [UInt8] = []
        do throws(ModelError) {
            for line in lines {
                guard case .decision(var record) = line else {
                    bytes += try line.bytes
                    continue
                }
                record.number = last + Int64(records.count) + 1
                numbers.append(record.number)
                records.append(record)
                bytes += try JournalLine.decision(record).bytes
            }
        } catch { throw SpokeError(error) }
        if let failure = writeAll(bytes, to: file) {
            if ftruncate(file, off_t(size)) != 0 {
                // The next append has to cut the torn line before it may go on.
                close(file)
                file = -1
            }
            throw .system("not-writable", "cannot write the journal", failure)
        }
        size += bytes.count
        for record in records { usage.fold(record) }
        last += Int64(records.count)
        return numbers
    }

    /// After it what was appended survives the death of the host.
    package func sync() throws(SpokeError) {
        guard file >= 0 else { return }
        guard fdatasync(file) == 0 else { throw .system("not-writable", "cannot sync the journal", errno) }
    }

    private mutating func reopen() throws(SpokeError) {
        let segment = segments.last ?? last + 1
        guard truncate(path(segment), off_t(size)) == 0 else {
            throw .system("not-writable", "cannot cut the torn end of `\(path(segment))`", errno)
        }
        try openSegment(segment)
    }

    private mutating func rotate() throws(SpokeError) {
        try sync()
        try openSegment(last + 1)
    }

    /// Where the decisions after the last acknowledged one stand now.
    package var unread: JournalReading {
        let from = segments.filter { $0 >= cursor.segment }
        return JournalReading(
            parts: from.map { segment in
                JournalReading.Part(
                    segment: segment, path: path(segment), from: segment == cursor.segment ? cursor.offset : 0,
                    end: segment == from.last ? size : nil)
            }, acknowledged: acknowledged, last: last)
    }

    /// The hub holds everything up to `number`: older segments may go once a file holds what they counted.
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
        let done = zip(segments, segments.dropFirst()).filter { $0.1 <= acknowledged + 1 }.map(\.0)
        guard !done.isEmpty else { return }
        try storeUsage()
        for segment in done where unlink(path(segment)) != 0 && errno != ENOENT {
            throw .system("not-writable", "cannot delete `\(path(segment))`", errno)
        }
        segments.removeAll { done.contains($0) }
    }

    /// Also at the end, to spare the next start the folding.
    package func storeUsage() throws(SpokeError) {
        let bytes: [UInt8]
        do throws(ModelError) { bytes = try JSONCoding.canonical(usage.stored(acknowledged: acknowledged)) } catch {
            throw SpokeError(error)
        }
        try DurableFile.write(bytes, to: directory + "/usage.json")
    }

    private mutating func advanceCursor() throws(SpokeError) {
        let acknowledged = acknowledged
        if let segment = segments.last(where: { $0 <= acknowledged + 1 }), segment > cursor.segment {
            cursor = (segment, 0)
        }
        guard segments.contains(cursor.segment) else { return }
        var offset = cursor.offset
        _ = try Self.forEachLine(path(cursor.segment), from: cursor.offset) { line, end in
            if case .decision(let record) = line, record.number > acknowledged { return false }
            offset = end
            return true
        }
        cursor.offset = offset
    }

    /// The journal is not used after it.
    package mutating func closeFile() {
        if file >= 0 { close(file) }
        file = -1
    }
}
