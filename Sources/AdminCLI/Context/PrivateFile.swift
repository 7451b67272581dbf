import Foundation
import Model

/// Files that hold keys: read only when nobody else can read them, and replaced whole.
package enum PrivateFile {
    static let maximumBytes = 1 << 20

    /// - Throws: `no-file`, `file-readable`, `file-too-large`, `cannot-read`.
    package static func read(_ path: String) throws(AdminError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno == ENOENT ? "no-file" : "cannot-read"
            throw AdminError(code, "cannot open \(backticked(path)): \(reason(errno))")
        }
        defer { close(descriptor) }
        // Asked of the file that is open: the name may mean another one by now.
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw AdminError("cannot-read", "\(backticked(path)) is no file")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw AdminError(
                "file-readable", "\(backticked(path)) holds secrets and can be read by others",
                hint: "chmod 600 \(path)")
        }
        return try bytes(of: descriptor, path, maximum: maximumBytes)
    }

    /// Reads a file that others may read.
    /// - Throws: `no-file`, `file-too-large`, `cannot-read`.
    static func readOpenly(_ path: String, maximum: Int) throws(AdminError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno == ENOENT ? "no-file" : "cannot-read"
            throw AdminError(code, "cannot open \(backticked(path)): \(reason(errno))")
        }
        defer { close(descriptor) }
        return try bytes(of: descriptor, path, maximum: maximum)
    }

    /// Reads up to the end; for standard input, too.
    /// - Throws: `file-too-large`, `cannot-read`.
    static func bytes(of descriptor: Int32, _ name: String, maximum: Int) throws(AdminError) -> [UInt8] {
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = buffer.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw AdminError("cannot-read", "cannot read \(backticked(name)): \(reason(errno))")
            }
            if count == 0 { return content }
            content.append(contentsOf: buffer.prefix(count))
            guard content.count <= maximum else {
                throw AdminError("file-too-large", "\(backticked(name)) has more than \(maximum) bytes")
            }
        }
    }

    /// Replaces the file by one of mode 0600, or leaves it as it is. The directory is made when it is missing.
    /// - Throws: `cannot-write`.
    package static func replace(_ path: String, with bytes: [UInt8]) throws(AdminError) {
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
        try makeDirectory(directory)
        // The name is nobody else's: two tasks of one process may replace the same file, as `nave connect` does.
        let draft = "\(path).\(UInt64.random(in: 0 ... .max)).new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw AdminError("cannot-write", "cannot make \(backticked(draft)): \(reason(errno))")
        }
        var isWritten = writeWhole(bytes, to: descriptor) && fsync(descriptor) == 0
        var failure = errno
        close(descriptor)
        // A crash here leaves the old file, and a draft that nobody reads.
        if isWritten, rename(draft, path) != 0 {
            isWritten = false
            failure = errno
        }
        guard isWritten else {
            unlink(draft)
            throw AdminError("cannot-write", "cannot write \(backticked(path)): \(reason(failure))")
        }
        let parent = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if parent >= 0 {
            fsync(parent)
            close(parent)
        }
    }

    /// A file of mode 0600 that was not there before, still empty.
    package struct Fresh {
        private let path: String

        /// - Throws: `exists`, `cannot-write`.
        package init(_ path: String) throws(AdminError) {
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else {
                guard errno != EEXIST else {
                    throw AdminError("exists", "\(backticked(path)) exists", hint: "it is never overwritten")
                }
                throw AdminError("cannot-write", "cannot make \(backticked(path)): \(reason(errno))")
            }
            close(descriptor)
            self.path = path
        }

        /// - Throws: `cannot-write`.
        package func fill(_ bytes: [UInt8]) throws(AdminError) { try replace(path, with: bytes) }

        package func remove() { unlink(path) }
    }

    /// Whether somebody else than its owner may read a file.
    package static func isReadableByOthers(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & 0o077 != 0
    }

    /// - Throws: `cannot-write`.
    package static func makeDirectory(_ path: String) throws(AdminError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw AdminError("cannot-write", "cannot make the directory \(backticked(path)): \(reason(errno))")
        }
    }

    static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }

    private static func writeWhole(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno != EINTR { return false }
            if count > 0 { rest = rest.dropFirst(count) }
        }
        return true
    }
}
