import Foundation
import Model

/// One file of a journal: `NNNNNNNNNNNNNNNNNNNN.jsonl`, named by the position of its first line.
package struct JournalSegment: Hashable, Sendable {
    package var line: Int64
    package var path: String
    /// Whether it lies in the second place, for want of room in the first.
    package var isSpilled = false
    /// Number of the first decision that can stand in it.
    var number: Int64 = 1
    /// What stands in it; counted anew by the journal's thread for the one that is written.
    var bytes = 0

    init(line: Int64, in directory: String, isSpilled: Bool, number: Int64) {
        let digits = String(line)
        self.line = line
        self.isSpilled = isSpilled
        self.number = number
        path = directory + "/" + String(repeating: "0", count: max(0, 20 - digits.count)) + digits + ".jsonl"
    }

    /// The segments of a directory and of the second place, in order. Of one that was moved from there and not yet deleted
    /// there only the whole copy is listed, and of two that begin at one line the empty one first.
    /// - Throws: `not-readable`.
    package static func all(in directory: String, spill: String?) throws(SpokeError) -> [JournalSegment] {
        var found = try list(directory, isSpilled: false)
        if let spill, access(spill, F_OK) == 0 {
            let own = Set(found.filter { $0.bytes > 0 }.map(\.line))
            found += try list(spill, isSpilled: true).filter { !own.contains($0.line) }
        }
        return found.sorted { ($0.line, $0.bytes) < ($1.line, $1.bytes) }
    }

    private static func list(_ directory: String, isSpilled: Bool) throws(SpokeError) -> [JournalSegment] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
            throw SpokeError("not-readable", "cannot list `\(directory)`")
        }
        let lines = names.filter { $0.hasSuffix(".jsonl") }.compactMap { Int64($0.dropLast(6)) }
        var segments: [JournalSegment] = []
        for line in lines {
            var segment = JournalSegment(line: line, in: directory, isSpilled: isSpilled, number: 1)
            var status = stat()
            guard stat(segment.path, &status) == 0 else {
                throw .system("not-readable", "cannot look at `\(segment.path)`", errno)
            }
            segment.bytes = Int(status.st_size)
            segments.append(segment)
        }
        return segments
    }

    /// - Parameter take: told each line, its bytes without the line end, and the offset behind it; false stops.
    /// - Returns: the offset behind the last whole line that was taken.
    /// - Throws: `not-readable`; `bad-journal` for a line that is not one of ours.
    @discardableResult
    static func forEachLine(
        _ path: String, from offset: Int = 0, upTo limit: Int? = nil, _ take: (ChainedLine, [UInt8], Int) -> Bool
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
                let bytes = Array(rest[..<newline])
                let line: ChainedLine
                do {
                    line = try ChainedLine(parsing: bytes)
                } catch {
                    throw SpokeError(
                        "bad-journal", "the line at byte \(position) of `\(path)` is damaged: \(error.message)")
                }
                position += bytes.count + 1
                rest = rest[(newline + 1)...]
                guard take(line, bytes, position) else { return position }
            }
            pending = Array(rest)
        }
        return position
    }

    /// The number of the first decision in it; nil when there is none.
    /// - Throws: `not-readable`, `bad-journal`.
    func firstNumber() throws(SpokeError) -> Int64? {
        var found: Int64?
        try Self.forEachLine(path) { line, _, _ in
            if case .decision(let record) = line.line { found = record.number }
            return found == nil
        }
        return found
    }
}
