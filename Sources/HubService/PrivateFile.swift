import Foundation
import Model
import Trust

/// Files of the data directory: mode 0600, written whole and flushed before they get their name.
package enum PrivateFile {
    /// - Throws: `no-file`, `too-large`, `not-readable`.
    package static func read(_ path: String, maximumBytes: Int = 1 << 20) throws(HubError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw HubError(
                errno == ENOENT ? .notFound : .broken, errno == ENOENT ? "no-file" : "not-readable",
                "cannot read \(quoted(path)): \(reason())")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Foundation.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw HubError(.broken, "not-readable", "cannot read \(quoted(path)): \(reason())")
            }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= maximumBytes else {
                throw HubError(.broken, "too-large", "\(quoted(path)) has more than \(maximumBytes) bytes")
            }
        }
    }

    package static func readText(_ path: String) throws(HubError) -> String {
        guard let text = String(validating: try read(path), as: UTF8.self) else {
            throw HubError(.broken, "not-readable", "\(quoted(path)) is not text")
        }
        return text
    }

    /// Makes a file that does not exist yet.
    /// - Throws: `exists`, `not-writable`, `disk-full`.
    package static func create(_ path: String, _ bytes: [UInt8]) throws(HubError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let exists = errno == EEXIST
            throw HubError(
                exists ? .conflict : .unavailable, exists ? "exists" : "not-writable",
                "cannot make \(quoted(path)): \(reason())", hint: exists ? "move it away first" : nil)
        }
        defer { close(descriptor) }
        try write(bytes, to: descriptor, path)
    }

    /// Adds a line to a file, which is made if there is none. What a process that died left of a line stays one of its own.
    package static func append(line: [UInt8], to path: String) throws(HubError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failedWrite(path) }
        defer { close(descriptor) }
        var last = [UInt8(ascii: "\n")]
        let size = lseek(descriptor, 0, SEEK_END)
        if size > 0 { _ = pread(descriptor, &last, 1, size - 1) }
        try write(
            (last == [UInt8(ascii: "\n")] ? [] : [UInt8(ascii: "\n")]) + line + [UInt8(ascii: "\n")], to: descriptor,
            path)
        flushDirectory(of: path)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(HubError) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failedWrite(path) }
            written += count
        }
        guard fsync(descriptor) == 0 else { throw failedWrite(path) }
    }

    /// Puts new contents in the place of the old: whoever reads sees one or the other.
    package static func replace(_ path: String, _ bytes: [UInt8]) throws(HubError) {
        let temporary = "\(path).new"
        unlink(temporary)
        try create(temporary, bytes)
        // If the process dies here, the old contents stand and the temporary file is overwritten next time.
        guard rename(temporary, path) == 0 else { throw failedWrite(path) }
        flushDirectory(of: path)
    }

    /// - Throws: `not-writable`, `exists`.
    package static func makeDirectory(_ path: String) throws(HubError) {
        guard mkdir(path, 0o700) == 0 else {
            let exists = errno == EEXIST
            throw HubError(
                exists ? .conflict : .unavailable, exists ? "exists" : "not-writable",
                "cannot make the directory \(quoted(path)): \(reason())")
        }
    }

    /// Makes a directory wholly or not at all: everything is made in a sibling, which then gets its name.
    /// - Parameters:
    ///   - suffix: Of the sibling's name.
    ///   - fill: Given the sibling's path.
    /// - Returns: What `fill` returns.
    /// - Throws: `not-writable`, and what `fill` throws: then nothing is left.
    static func makeWhole<Made>(_ path: String, suffix: String, _ fill: (String) throws -> Made) throws -> Made {
        let draft = "\(path).\(suffix)-\(Hex.encode(try randomBytes(8)))"
        try makeDirectory(draft)
        do {
            let made = try fill(draft)
            // If the process dies before this: a sibling that nobody takes for the directory.
            guard rename(draft, path) == 0 else {
                throw HubError(.unavailable, "not-writable", "cannot make \(quoted(path)): \(reason())")
            }
            flushDirectory(of: path)
            return made
        } catch {
            try? FileManager.default.removeItem(atPath: draft)
            throw error
        }
    }

    /// - Throws: `not-empty` for what is there and no empty directory.
    static func demandEmpty(_ path: String, hint: String) throws(HubError) {
        guard FileManager.default.fileExists(atPath: path) else { return }
        guard (try? FileManager.default.contentsOfDirectory(atPath: path))?.isEmpty == true else {
            throw HubError(.conflict, "not-empty", "\(quoted(path)) is not an empty directory", hint: hint)
        }
    }

    /// Makes a rename in the directory survive a loss of power.
    package static func flushDirectory(of path: String) {
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func failedWrite(_ path: String) -> HubError {
        let full = [ENOSPC, EDQUOT, EFBIG].contains(errno)
        return HubError(
            full ? .full : .unavailable, full ? "disk-full" : "not-writable",
            "cannot write \(quoted(path)): \(reason())")
    }

    static func reason() -> String { String(cString: strerror(errno)) }
}
