import Foundation
import Model

/// What the system says about an `errno`.
func systemMessage(_ number: Int32) -> String { String(cString: strerror(number)) }

/// Files that must be whole and on disk before anything relies on them.
package enum DurableFile {
    /// Writes a new file beside the old one, then takes its place: after a crash there is the old one or the new one.
    ///
    /// Steps: write `PATH.new` and fsync it; rename it over `PATH`; fsync the directory. If we die before the rename the old
    /// file counts and `PATH.new` is overwritten next time; after it the new one counts, and the last fsync only makes sure
    /// that a power cut agrees.
    /// - Throws: `not-writable`.
    package static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600) throws(SpokeError) {
        let temporary = path + ".new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard file >= 0 else { throw .system("not-writable", "cannot open `\(temporary)`", errno) }
        var failure: Int32? = fchmod(file, mode) == 0 ? nil : errno
        if failure == nil { failure = writeAll(bytes, to: file) }
        if failure == nil, fsync(file) != 0 { failure = errno }
        close(file)
        if let failure { throw .system("not-writable", "cannot write `\(temporary)`", failure) }
        guard rename(temporary, path) == 0 else { throw .system("not-writable", "cannot replace `\(path)`", errno) }
        try syncDirectory(of: path)
    }

    /// - Returns: nil when there is no such file.
    /// - Throws: `not-readable`, `too-large`.
    package static func read(_ path: String, maximumBytes: Int = 16 << 20) throws(SpokeError) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw .system("not-readable", "cannot open `\(path)`", errno)
        }
        defer { close(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Foundation.read(file, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system("not-readable", "cannot read `\(path)`", errno) }
            guard count > 0 else { return bytes }
            guard bytes.count + count <= maximumBytes else {
                throw SpokeError("too-large", "`\(path)` is longer than \(maximumBytes) bytes")
            }
            bytes += part[..<count]
        }
    }

    /// Whether somebody else than its owner may read a file.
    static func isReadableByOthers(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & 0o077 != 0
    }

    /// Removes a file if it is there, durably.
    /// - Throws: `not-writable`.
    package static func remove(_ path: String) throws(SpokeError) {
        guard unlink(path) == 0 else {
            if errno == ENOENT { return }
            throw .system("not-writable", "cannot remove `\(path)`", errno)
        }
        try syncDirectory(of: path)
    }

    /// Makes the names in a file's directory durable.
    static func syncDirectory(of path: String) throws(SpokeError) {
        let directory = String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex))
        let handle = open(directory.isEmpty ? "." : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard handle >= 0 else { throw .system("not-writable", "cannot open `\(directory)`", errno) }
        defer { close(handle) }
        guard fsync(handle) == 0 else { throw .system("not-writable", "cannot sync `\(directory)`", errno) }
    }
}

/// Writes every byte, however the kernel splits them.
/// - Returns: the `errno` of the write that failed.
package func writeAll(_ bytes: [UInt8], to file: Int32) -> Int32? {
    var written = 0
    while written < bytes.count {
        let count = bytes[written...].withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
        if count < 0 {
            if errno == EINTR { continue }
            return errno
        }
        written += count
    }
    return nil
}
