import MCP
import Model
import NIOConcurrencyHelpers
import NIOCore

/// Sessions with an HTTP server that only knows the handshake era, held in the place of stateless callers: one a caller, so that
/// nothing that one left with the server is met by another.
final class BridgedSessions: Sendable {
    struct Key: Hashable, Sendable {
        var caller: String
        /// What the server was told that the caller can be asked.
        var capabilities: AskedCapabilities
    }

    /// What a server answered to `initialize`.
    struct Established: Sendable {
        var session: String?
        var version: ProtocolVersion
        /// Who it was begun for.
        var caller: Caller?
        var bridge: EraBridge
    }

    /// The first call of a caller waits for the session, and so do those that come meanwhile.
    typealias Waiter = @Sendable (Result<Established, SpokeError>) -> Void

    private static let idle = Milliseconds.minutes(10)
    private static let maximum = 4096

    private enum Phase: Sendable {
        case starting(waiting: [Waiter])
        case open(Established)
    }

    private struct Entry: Sendable {
        var phase: Phase
        var used: Instant
        /// Of calls under way.
        var calls: Set<Int64> = []
        /// Whether its caller may not connect any more, since hands began to be shaken.
        var isOver = false
    }

    private let entries = NIOLockedValueBox<[Key: Entry]>([:])
    private let lastID = NIOLockedValueBox<Int64>(0)
    /// Sessions that nobody may use, until the next sweep.
    private let over = NIOLockedValueBox<[Established]>([])
    private let now: @Sendable () -> Instant

    init(now: @escaping @Sendable () -> Instant) { self.now = now }

    /// The caller's session, begun where there is none. `waiter` may be called from any thread.
    ///
    /// - Parameter begin: shakes hands with the server.
    func session(of caller: Key, _ waiter: @escaping Waiter, begin: (@escaping Waiter) -> Void) {
        enum Next { case wait, start, ready(Established), full }
        let moment = now()
        let next = entries.withLockedValue { entries -> Next in
            guard var entry = entries[caller] else {
                guard entries.count < Self.maximum else { return .full }
                entries[caller] = Entry(phase: .starting(waiting: [waiter]), used: moment)
                return .start
            }
            entry.used = max(entry.used, moment)
            defer { entries[caller] = entry }
            switch entry.phase {
            case .starting(let waiting):
                entry.phase = .starting(waiting: waiting + [waiter])
                return .wait
            case .open(let established): return .ready(established)
            }
        }
        switch next {
        case .wait: return
        case .ready(let established): waiter(.success(established))
        case .full: waiter(.failure(SpokeError("busy", "too many callers have sessions with this server")))
        case .start: begin { [self] result in began(caller, result) }
        }
    }

    private func began(_ caller: Key, _ result: Result<Established, SpokeError>) {
        let (waiting, result) = entries.withLockedValue { entries -> ([Waiter], Result<Established, SpokeError>) in
            guard let entry = entries[caller], case .starting(let waiting) = entry.phase else { return ([], result) }
            guard case .success(let established) = result else {
                entries[caller] = nil
                return (waiting, result)
            }
            guard !entry.isOver else {
                entries[caller] = nil
                over.withLockedValue { $0.append(established) }
                return (waiting, .failure(SpokeError("upstream-closed", "the session ended as it began")))
            }
            entries[caller]?.phase = .open(established)
            return (waiting, result)
        }
        for waiter in waiting { waiter(result) }
    }

    /// A call begins, under an id that no other call at this server has: callers choose theirs for one request only.
    func begin(of caller: Key) -> Int64 {
        let id = lastID.withLockedValue { last in
            last += 1
            return last
        }
        entries.withLockedValue { entries in _ = entries[caller]?.calls.insert(id) }
        return id
    }

    /// A call is over.
    func end(_ call: Int64, of caller: Key) {
        let moment = now()
        entries.withLockedValue { entries in
            // The session may be another one by now.
            guard var entry = entries[caller], entry.calls.remove(call) != nil else { return }
            entry.used = max(entry.used, moment)
            entries[caller] = entry
        }
    }

    /// The server does not know that session any more.
    func forget(_ session: String?, of caller: Key) {
        entries.withLockedValue { entries in
            if case .open(let established)? = entries[caller]?.phase, established.session == session {
                entries[caller] = nil
            }
        }
    }

    /// Takes out the sessions that nobody used for long, and those of callers who may not connect any more.
    /// - Returns: what the server is to be told the end of.
    func sweep(callers: Set<String> = []) -> [Established] {
        let moment = now()
        let ended = entries.withLockedValue { entries in
            entries.compactMap { caller, entry -> Established? in
                let isGone = callers.contains(caller.caller)
                switch entry.phase {
                case .starting:
                    if isGone { entries[caller]?.isOver = true }
                    return nil
                case .open(let established):
                    guard isGone || (entry.calls.isEmpty && moment - entry.used >= Self.idle) else { return nil }
                    entries[caller] = nil
                    return established
                }
            }
        }
        return ended
            + over.withLockedValue { over in
                defer { over = [] }
                return over
            }
    }
}
