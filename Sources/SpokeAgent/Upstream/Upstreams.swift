import Logging
import MCP
import Model
import NIOConcurrencyHelpers
import NIOCore

/// The servers of this host, and the keepers of those that the bundle places here. A name of `spoke.yaml` that the topology
/// does not place on this spoke is not served: nothing of it is dialled or run.
final class Upstreams: Sendable {
    private struct Keeping: Sendable {
        var tasks: [String: Task<Void, Never>] = [:]
        var first: [String: EventLoopPromise<Void>] = [:]
        /// Names of `spoke.yaml` that are not placed here, and were told of.
        var beyond: Set<String> = []
        var isStopped = false
    }

    let configured: [String: Upstream]
    let views: ServerViews
    private let group: any EventLoopGroup
    private let onChange: @Sendable () -> Void
    private let now: @Sendable () -> Instant
    private let logger: Logger
    /// Of every server that is configured, for its keeper.
    private let bells: [String: Wakeup]
    private let keeping = NIOLockedValueBox(Keeping())
    private let news = NIOLockedValueBox(NewsPace())

    /// - Parameter onChange: called when a server comes, goes or offers other things.
    init(
        _ configuration: SpokeConfiguration, signer: IdentitySigner, views: ServerViews, group: any EventLoopGroup,
        onChange: @escaping @Sendable () -> Void, now: @escaping @Sendable () -> Instant, logger: Logger
    ) {
        var upstreams: [String: Upstream] = [:]
        var bells: [String: Wakeup] = [:]
        for server in configuration.servers {
            let bell = Wakeup()
            bells[server.name] = bell
            switch server.upstream {
            case .http(let target):
                let identity = server.identity.map {
                    UpstreamIdentity(settings: $0, server: "\(signer.spoke.zone)/\(server.name)", signer: signer)
                }
                upstreams[server.name] = .http(
                    HTTPUpstream(target, identity: identity, group: group, now: now, onListChange: bell.wake))
            case .stdio(let command):
                upstreams[server.name] = .stdio(
                    StdioUpstream(server.name, command, now: now, logger: logger, onListChange: bell.wake))
            }
        }
        configured = upstreams
        self.bells = bells
        self.views = views
        self.group = group
        self.onChange = onChange
        self.now = now
        self.logger = logger
    }

    /// Starts keepers for servers that are placed here now, ends those of servers that are not any more.
    func reconcile(placed: Set<String>) {
        let wanted = placed.intersection(configured.keys)
        let beyond = Set(configured.keys).subtracting(placed)
        let news = keeping.withLockedValue { keeping in
            defer { keeping.beyond = beyond }
            return beyond.subtracting(keeping.beyond)
        }
        for name in news.sorted() {
            logger.warning(
                "server is not placed on this spoke by the topology, not served", metadata: ["server": "\(name)"])
        }
        keeping.withLockedValue { keeping in
            guard !keeping.isStopped else { return }
            for (name, task) in keeping.tasks where !wanted.contains(name) {
                task.cancel()
                keeping.tasks[name] = nil
                keeping.first.removeValue(forKey: name)?.succeed(())
                views[name] = nil
                if case .stdio(let upstream)? = configured[name] { upstream.endAll() }
            }
            for name in wanted where keeping.tasks[name] == nil {
                guard let upstream = configured[name], let bell = bells[name] else { continue }
                views[name] = ServerView()
                let loop = group.next()
                keeping.first[name] = loop.makePromise(of: Void.self)
                let keeper = CatalogKeeper(
                    server: name, upstream: upstream, views: views, bell: bell, loop: loop, now: now, logger: logger,
                    onChange: onChange,
                    firstDone: { [weak self] in self?.firstDone(name) })
                keeping.tasks[name] = Task { await keeper.run() }
            }
        }
    }

    /// Has a server's catalog fetched again soon: a caller asked for what it does not hold.
    func refresh(_ name: String) { bells[name]?.wake() }

    /// A caller was listed a definition that is news: the spoke looks for itself, the hub is told, open streams too. A server can
    /// have news in every list, so that whoever asks for lists would set the pace of all that.
    func noticed(_ name: String) {
        refresh(name)
        guard let hold = news.withLockedValue({ $0.noticed(now: now()) }) else { return }
        guard hold > Milliseconds(0) else { return tellNews() }
        group.next().scheduleTask(in: .milliseconds(hold.count)) { [weak self] in self?.tellNews() }
    }

    private func tellNews() {
        news.withLockedValue { $0.tell(now: now()) }
        onChange()
    }

    private func firstDone(_ name: String) {
        keeping.withLockedValue { $0.first.removeValue(forKey: name) }?.succeed(())
    }

    /// While the first catalog of a server is being fetched: when that ends. Nil at every other time.
    func firstCatalog(_ name: String) -> EventLoopFuture<Void>? {
        keeping.withLockedValue { $0.first[name]?.futureResult }
    }

    /// After the first attempt at every server that is kept now.
    func allFirstCatalogs() async {
        let futures = keeping.withLockedValue { $0.first.values.map(\.futureResult) }
        for future in futures { try? await future.get() }
    }

    /// Ends what is kept for callers who may not connect any more.
    func end(_ sessions: [Session], callers: Set<String>) {
        for session in sessions {
            configured[session.server]?.end(session.upstream, session.version, of: session.owner, on: group.next())
        }
        guard !callers.isEmpty else { return }
        for upstream in configured.values {
            switch upstream {
            case .http(let upstream): upstream.sweep(callers: callers, on: group.next())
            case .stdio(let upstream): upstream.endAll(of: callers)
            }
        }
    }

    /// Ends processes and bridged sessions that nobody used for long.
    func sweep() {
        for upstream in configured.values {
            switch upstream {
            case .http(let upstream): upstream.sweep(on: group.next())
            case .stdio(let upstream): upstream.sweep()
            }
        }
    }

    func stop() async {
        let (tasks, first) = keeping.withLockedValue { keeping in
            keeping.isStopped = true
            defer {
                keeping.tasks = [:]
                keeping.first = [:]
            }
            return (Array(keeping.tasks.values), Array(keeping.first.values))
        }
        for promise in first { promise.succeed(()) }
        for task in tasks { task.cancel() }
        for case .stdio(let upstream) in configured.values { await upstream.stop() }
        for task in tasks { await task.value }
    }

    /// For reports: what the bundle places here, and what `spoke.yaml` names beyond that.
    func status(_ snapshot: Snapshot?) -> [ServerStatus] {
        let all = views.all
        let placed = (snapshot?.servers ?? [:]).map { short, server -> ServerStatus in
            guard configured[short] != nil else {
                return ServerStatus(name: server.name, state: .notConfigured, detail: "spoke.yaml does not name it")
            }
            let view = all[short] ?? ServerView()
            return ServerStatus(
                name: server.name, state: view.state, detail: view.detail.map { String($0.prefix(300)) },
                tools: (view.catalog?.tools.keys).map { Array($0.sorted().prefix(1000)) } ?? [],
                catalogAt: view.catalogAt, observedUntil: server.ruleset.observedUntil)
        }
        guard let snapshot else { return placed }
        let zone = snapshot.delivery.bundle.spoke.zone
        let beyond = configured.keys.filter { snapshot.servers[$0] == nil }.map {
            ServerStatus(
                name: "\(zone)/\($0)", state: .unknown,
                detail: "spoke.yaml names it, the topology does not place it here")
        }
        return (placed + beyond).sorted { $0.name < $1.name }
    }
}
