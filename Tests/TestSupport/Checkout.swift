import Foundation

/// Whether this run has minutes to spend: `Deploy/check --long`.
package let isLong = ProcessInfo.processInfo.environment["NAVE_LONG"] == "1"

/// This checkout's own files, found from where this source lies.
package enum Checkout {
    package static let root: URL = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// A program of this build, beside the test bundle that runs.
    package static func program(_ name: String) -> URL {
        let beside = Bundle.main.bundleURL.appending(path: name)
        if FileManager.default.isExecutableFile(atPath: beside.path) { return beside }
        return root.appending(path: ".build/debug/\(name)")
    }

    /// Files below a folder of the checkout whose names end so, as paths relative to the root, sorted.
    package static func files(below folder: String, ending suffix: String) throws -> [String] {
        let start = root.appending(path: folder).path
        guard let walk = FileManager.default.enumerator(atPath: start) else { return [] }
        return walk.compactMap { $0 as? String }.filter { $0.hasSuffix(suffix) }.map { "\(folder)/\($0)" }.sorted()
    }

    package static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }
}

/// A directory of a test's own, removed when the value goes.
package final class TemporaryDirectory: Sendable {
    package let path: String

    /// The parent of all that this process makes. What processes left that were killed goes when the next one begins.
    private static let parent: URL = {
        let all = FileManager.default.temporaryDirectory
        let prefix = "nave-tests-"
        for name in (try? FileManager.default.contentsOfDirectory(atPath: all.path)) ?? [] where name.hasPrefix(prefix)
        {
            guard let pid = pid_t(name.dropFirst(prefix.count)), kill(pid, 0) != 0, errno == ESRCH else { continue }
            try? FileManager.default.removeItem(at: all.appending(path: name))
        }
        return all.appending(path: "\(prefix)\(getpid())")
    }()

    package init() throws {
        path = Self.parent.appending(path: UUID().uuidString).path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    package func file(_ name: String) -> String { "\(path)/\(name)" }

    @discardableResult
    package func write(_ name: String, _ text: String) throws -> String {
        let target = URL(fileURLWithPath: file(name))
        try FileManager.default.createDirectory(
            at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: target, atomically: true, encoding: .utf8)
        return target.path
    }

    package func read(_ name: String) throws -> String { try String(contentsOfFile: file(name), encoding: .utf8) }
}
