import Model
import NIOConcurrencyHelpers
import Transport

/// Tells whoever started the hub where it listens, once both listeners are up.
final class ReadyFile: Sendable {
    private struct Contents: Hashable, Sendable, Codable {
        var listen: HostPort
        var front: HostPort
    }

    private let path: String?
    private let found = NIOLockedValueBox<[Listener: HostPort]>([:])

    init(path: String?) { self.path = path }

    /// - Throws: `not-writable`.
    func note(_ listener: Listener, at address: HostPort) throws {
        let all = found.withLockedValue { found in
            found[listener] = address
            return found
        }
        guard let path, let listen = all[.mutual], let front = all[.front] else { return }
        try PrivateFile.replace(path, try JSONCoding.canonical(Contents(listen: listen, front: front)))
    }
}
