import MCP
import Model
import NIOConcurrencyHelpers

/// One session of the handshake era, as a client and the upstream know it.
package struct Session: Hashable, Sendable {
    /// What the client sees in `Mcp-Session-Id`: random, ours, worthless to anybody else.
    package var id: String
    /// `Caller.key` of who began it.
    package var caller: String
    /// The same, as the server is told it.
    package var owner: Caller?
    /// `Caller.account`: what it is counted by.
    package let account: String
    /// Short name.
    package var server: String
    package var version: ProtocolVersion
    /// What the upstream knows the session by; for a stdio server the process.
    package var upstream: String
    package var used: Instant

    package init(
        id: String, caller: String, owner: Caller? = nil, server: String, version: ProtocolVersion, upstream: String,
        used: Instant
    ) {
        self.id = id
        self.caller = caller
        self.owner = owner
        account = owner?.account ?? caller
        self.server = server
        self.version = version
        self.upstream = upstream
        self.used = used
    }
}

/// Sessions by the id that clients see. A session belongs to who began it; to anybody else it does not exist. Pure.
package struct Sessions: Sendable {
    package static let idle = Milliseconds.minutes(60)
    package static let maximumPerCaller = 64
    package static let maximum = 20_000
    /// Requests of a server that wait for one client.
    package static let maximumAsked = 16

    private var byID: [String: Session] = [:]
    private var counts: [String: Int] = [:]
    /// By session: requests of its server that were passed to the client and are not answered yet.
    private var asked: [String: [RequestID: ServerRequestKind]] = [:]

    package init() {}

    package var count: Int { byID.count }

    /// - Returns: nil for an id that is unknown, of another caller or server, or idle for too long.
    package mutating func find(_ id: String, caller: String, server: String, now: Instant) -> Session? {
        guard var session = byID[id], session.caller == caller, session.server == server, now - session.used < Self.idle
        else { return nil }
        session.used = max(session.used, now)
        byID[id] = session
        return session
    }

    /// Notes a request of the server that goes to the client.
    /// - Returns: false when the session is gone, too many wait already or the id is taken.
    package mutating func ask(_ request: RequestID, _ kind: ServerRequestKind, in session: String) -> Bool {
        guard byID[session] != nil, asked[session, default: [:]].count < Self.maximumAsked,
            asked[session]?[request] == nil
        else { return false }
        asked[session, default: [:]][request] = kind
        return true
    }

    /// - Returns: what was asked under that id and is not answered yet.
    package func asked(_ request: RequestID, in session: String) -> ServerRequestKind? { asked[session]?[request] }

    /// - Returns: what the client answers with that id; nil when nothing, or nothing any more, was asked so.
    package mutating func answer(_ request: RequestID, in session: String) -> ServerRequestKind? {
        asked[session]?.removeValue(forKey: request)
    }

    /// - Parameter limit: of the policy: how many sessions the caller may have with that server, this one included.
    /// - Returns: sessions that had to make room, oldest first.
    package mutating func add(_ session: Session, limit: Int? = nil) -> [Session] {
        var evicted: [Session] = []
        if let limit, counts[session.account, default: 0] >= limit {
            let own = byID.values.filter { $0.account == session.account && $0.server == session.server }
                .sorted(by: Self.wasUsedBefore)
            evicted += own.prefix(max(0, own.count + 1 - limit))
            for old in evicted { remove(old.id) }
        }
        if counts[session.account, default: 0] >= Self.maximumPerCaller,
            let oldest = byID.values.filter({ $0.account == session.account }).min(by: Self.wasUsedBefore)
        {
            remove(oldest.id)
            evicted.append(oldest)
        }
        if byID.count >= Self.maximum, let oldest = byID.values.min(by: Self.wasUsedBefore) {
            remove(oldest.id)
            evicted.append(oldest)
        }
        byID[session.id] = session
        counts[session.account, default: 0] += 1
        return evicted
    }

    private static func wasUsedBefore(_ one: Session, _ other: Session) -> Bool {
        (one.used, one.id) < (other.used, other.id)
    }

    @discardableResult
    package mutating func remove(_ id: String) -> Session? {
        guard let session = byID.removeValue(forKey: id) else { return nil }
        asked[id] = nil
        let left = counts[session.account, default: 1] - 1
        counts[session.account] = left > 0 ? left : nil
        return session
    }

    /// - Returns: the sessions that were idle too long, or that belong to a caller who may not connect any more.
    package mutating func sweep(now: Instant, gone: (Session) -> Bool = { _ in false }) -> [Session] {
        let over = byID.values.filter { now - $0.used >= Self.idle || gone($0) }
        for session in over { remove(session.id) }
        return over
    }
}

/// The sessions of this spoke, shared by all event loops.
package final class SessionTable: Sendable {
    private let box = NIOLockedValueBox(Sessions())

    package init() {}

    package func find(_ id: String, caller: String, server: String, now: Instant) -> Session? {
        box.withLockedValue { $0.find(id, caller: caller, server: server, now: now) }
    }

    package func ask(_ request: RequestID, _ kind: ServerRequestKind, in session: String) -> Bool {
        box.withLockedValue { $0.ask(request, kind, in: session) }
    }

    package func asked(_ request: RequestID, in session: String) -> ServerRequestKind? {
        box.withLockedValue { $0.asked(request, in: session) }
    }

    package func answer(_ request: RequestID, in session: String) -> ServerRequestKind? {
        box.withLockedValue { $0.answer(request, in: session) }
    }

    package func add(_ session: Session, limit: Int? = nil) -> [Session] {
        box.withLockedValue { $0.add(session, limit: limit) }
    }

    @discardableResult
    package func remove(_ id: String) -> Session? { box.withLockedValue { $0.remove(id) } }

    package func sweep(now: Instant, gone: (Session) -> Bool = { _ in false }) -> [Session] {
        box.withLockedValue { $0.sweep(now: now, gone: gone) }
    }
}
