import Model
import NIOConcurrencyHelpers

/// The spoke's one clock: the host's, held up by what was signed. `clock.json` keeps the newest signed time.
package final class SpokeClock: Sendable {
    private struct Kept: Codable, Hashable, Sendable {
        var v: Int64 = 1
        var seen: Instant
    }

    private let path: String
    private let state = NIOLockedValueBox(TrustedClock())
    /// The host's clock as it is: a lease may not lie ahead of this.
    package let host: @Sendable () -> Instant
    private let uptime: @Sendable () -> Milliseconds

    package init(
        path: String, host: @escaping @Sendable () -> Instant, uptime: @escaping @Sendable () -> Milliseconds
    ) {
        self.path = path
        self.host = host
        self.uptime = uptime
    }

    /// Takes over what was seen before this start.
    /// - Throws: `not-readable`, and what is wrong with the file.
    package func restore() throws {
        guard let bytes = try DurableFile.read(path) else { return }
        let kept = try JSONCoding.decode(Kept.self, from: bytes)
        guard kept.v == 1 else { throw SpokeError("not-readable", "`\(path)` is of version \(kept.v)") }
        let uptime = uptime()
        _ = state.withLockedValue { $0.saw(kept.seen, uptime: uptime) }
    }

    package func now() -> Instant {
        let (host, uptime) = (host(), uptime())
        return state.withLockedValue { $0.now(host: host, uptime: uptime) }
    }

    /// A time whose signature was verified; kept on disk before anything rests on it.
    /// - Throws: `not-writable`.
    package func saw(_ signed: Instant) throws {
        let uptime = uptime()
        guard state.withLockedValue({ $0.saw(signed, uptime: uptime) }) else { return }
        try DurableFile.write(try JSONCoding.canonical(Kept(seen: signed)), to: path)
    }

    /// Also a spoke that holds no delivery any more takes none from before what it has seen.
    /// - Throws: `lease-older`.
    package func checkNotOlder(_ issued: Instant) throws(SpokeError) {
        guard let seen = state.withLockedValue({ $0.seen }), issued < seen else { return }
        throw SpokeError("lease-older", "the lease was issued at \(issued), before \(seen), which was seen")
    }
}
