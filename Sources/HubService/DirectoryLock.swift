import Foundation
import Model

/// Keeps a second hub off a data directory: there is one writer. The kernel gives the lock back when the process ends,
/// however it ends.
final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// - Throws: `not-a-hub`, `already-running`, `not-writable`.
    init(_ directory: HubDirectory) throws {
        // Also says that there is no hub, before a lock file is left where none is.
        _ = try directory.settings()
        descriptor = open(directory.file("lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw HubError(
                .unavailable, "not-writable", "cannot write in \(quoted(directory.path)): \(PrivateFile.reason())",
                hint: "the hub's directory belongs to the user that made it")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw HubError(.conflict, "already-running", "another hub serves \(quoted(directory.path))")
        }
    }

    func release() { close(descriptor) }
}
