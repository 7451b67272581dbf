import Foundation
import Logging
import Model
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import ServiceLifecycle
import Transport
import Trust
import UnixSignals

/// `nave-spoke run`: everything wired by hand, in the order in which it must come up and go down.
package struct SpokeProgram: Sendable {
    private struct ReadyFile: Codable, Hashable, Sendable {
        var listen: String
    }

    private static let maintenance = Duration.seconds(15)
    private static let certificateLook = Duration.seconds(5)
    private static let drainTime = Duration.seconds(10)

    private let data: String
    private let configurationFile: String
    private let readyFile: String?
    private let reportInterval: Milliseconds
    private let renewAfter: Milliseconds
    private let logger: Logger
    /// Starts with what was seen before this start once it is restored.
    private let clock: SpokeClock
    private let now: @Sendable () -> Instant

    package init(
        data: String, configurationFile: String, readyFile: String?, reportInterval: Milliseconds,
        renewAfter: Milliseconds, logLevel: Logger.Level
    ) {
        self.data = data
        self.configurationFile = configurationFile
        self.readyFile = readyFile
        self.reportInterval = reportInterval
        self.renewAfter = renewAfter
        logger = Logger(label: "nave.spoke") { _ in JSONLogHandler(level: logLevel) }
        let kept = SpokeClock(path: SpokeDirectory.clock(of: data), host: wallClock, uptime: uptime)
        clock = kept
        now = { kept.now() }
    }

    /// Serves until SIGTERM or SIGINT; then what is under way ends, the journal is made durable, and it returns.
    /// - Throws: `not-enrolled`, `bad-configuration`, `cannot-listen`, and what reading the data directory throws.
    package func run() async throws {
        // A file that may not grow is met as a failed write, not as a signal.
        signal(SIGXFSZ, SIG_IGN)
        let directory = try SpokeDirectory(enrolled: data)
        try directory.lock()
        try directory.makeJournal()
        try clock.restore()
        guard let text = try DurableFile.read(configurationFile, maximumBytes: 1 << 20) else {
            throw SpokeError(
                "not-readable", "there is no `\(configurationFile)`", hint: "--config names the host's spoke.yaml")
        }
        let configuration = try SpokeConfiguration.read(text, file: configurationFile)
        let spoke = try directory.load()
        let identity = try TLSIdentity(key: spoke.key, chain: spoke.chain)
        let logger = logger
        let signer = JournalSigner(spoke: spoke.identity.identity, key: spoke.key)
        let files = try JournalFiles(
            directory: directory.journal, freshName: "j-" + Hex.encode(try randomBytes(8)), now: now(),
            settings: configuration.audit, signer: signer)
        let journal = Journal(files: files, sync: configuration.audit.sync, now: now) { error in
            logger.error(
                "the journal cannot be written as it should be",
                metadata: ["code": "\(error.code)", "detail": "\(error.message)"])
        }
        let group = MultiThreadedEventLoopGroup.singleton
        let reportWakeup = Wakeup()
        let tables = try Tables(limits: configuration.limits)
        let streams = OpenStreams()
        let identities = try await IdentitySigner(spoke: spoke.identity.identity, now: now)
        let services = Services(
            snapshots: SnapshotBox(), tables: tables, journal: journal, streams: streams,
            upstreams: Upstreams(
                configuration, signer: identities, views: tables.views, group: group,
                onChange: {
                    reportWakeup.wake()
                    streams.recheck()
                }, now: now, logger: logger),
            held: HeldCalls(configuration.limits), ceiling: configuration.ceiling, isDraining: NIOLockedValueBox(false),
            now: now, logger: logger)
        let listener = try Listener(services, identity: identity)
        let applier = DeliveryApplier(
            manifests: spoke.manifests, spoke: spoke.identity.identity, clock: clock,
            store: DeliveryStore(path: directory.delivery),
            manifestStore: ManifestStore(path: directory.manifests), bundles: BundleStore(directory: directory.bundles),
            services: services, listener: listener,
            identity: identity)
        do { try await applier.activateStored() } catch {
            // Nobody is let in until the hub sends a good one.
            logger.error("the stored delivery is refused", metadata: ["detail": "\(error)"])
        }
        let address = try await listener.start(configuration.listen, group: group)
        var tokens: Listener?
        if let oauth = configuration.oauth {
            let gate = try BearerGate(oauth, servers: configuration.servers.map(\.name), services)
            let listener = try Listener(services, gate: gate)
            let address = try await listener.start(oauth.listen, group: group)
            logger.info("listening for tokens", metadata: ["listen": "\(address)", "url": "\(oauth.url)"])
            tokens = listener
        }
        let roots = try spoke.manifest.rootCertificates()
        let link = try HubLink(
            hub: spoke.identity.hub, address: spoke.identity.address, identity: identity, roots: roots)
        let renewal = RenewalDemand()
        let renewer = Renewer(
            spoke: spoke.identity, directory: directory, demand: renewal, time: RenewalTime(age: renewAfter),
            link: link, applier: applier, signer: signer, now: now, random: { .random(in: 0 ... .max) }, logger: logger)
        let reporter = Reporter(
            link: link, journal: journal, applier: applier, services: services, wakeup: reportWakeup,
            interval: reportInterval, listener: address.description,
            ceiling: ReportedCeiling(configuration.ceiling), logger: logger)
        let sync = Sync(
            link: link, applier: applier, snapshots: services.snapshots, reporter: reportWakeup, renewal: renewal,
            logger: logger)
        if let metrics = configuration.metrics {
            _ = try await MetricsPage(services: services, keySet: identities.keySet).start(metrics, group: group)
        }
        logger.info("listening", metadata: ["listen": "\(address)", "identity": "\(spoke.identity.identity)"])
        let running = Running(
            sync: sync, reporter: reporter, renewer: renewer, services: services, listener: listener, tokens: tokens,
            oauth: configuration.oauth, link: link, journal: journal,
            maintenance: Self.maintenance, certificateLook: Self.certificateLook, drainTime: Self.drainTime,
            ready: { try writeReadyFile(address) })
        var lifecycle = ServiceGroupConfiguration(
            services: [.init(service: running)], gracefulShutdownSignals: [.sigterm, .sigint],
            logger: Logger(label: "nave.spoke.services") { _ in SwiftLogNoOpLogHandler() })
        lifecycle.maximumGracefulShutdownDuration = .seconds(30)
        try await ServiceGroup(configuration: lifecycle).run()
        logger.info("stopped")
    }

    private func writeReadyFile(_ address: HostPort) throws {
        guard let readyFile else { return }
        try DurableFile.write(
            try JSONCoding.canonical(ReadyFile(listen: address.description)), to: readyFile, mode: 0o644)
    }
}

/// What runs between the start and the signal to end.
private struct Running: Service {
    let sync: Sync
    let reporter: Reporter
    let renewer: Renewer
    let services: Services
    let listener: Listener
    let tokens: Listener?
    let oauth: OAuthSettings?
    let link: HubLink
    let journal: Journal
    let maintenance: Duration
    /// Between two looks at the files of the certificate for tokens' callers.
    let certificateLook: Duration
    let drainTime: Duration
    let ready: @Sendable () throws -> Void

    func run() async throws {
        let tasks = [
            Task { await sync.run() }, Task { await reporter.run() }, Task { await maintain() },
            Task { await renewer.run() }, Task { await watchCertificate() },
        ]
        let announced = Task {
            // Servers whose catalogs come at once are callable when somebody reads the file.
            let all = Task { await services.upstreams.allFirstCatalogs() }
            let limit = Task {
                try? await Task.sleep(for: .seconds(5))
                all.cancel()
            }
            await all.value
            limit.cancel()
            try ready()
        }
        try? await gracefulShutdown()
        for task in tasks { task.cancel() }
        announced.cancel()
        async let drained: Void? = tokens?.drain(within: drainTime)
        await listener.drain(within: drainTime)
        await drained
        await services.upstreams.stop()
        for task in tasks { await task.value }
        // What was decided last is told when the hub is there; if not, the next start tells it.
        let last = Task { _ = try? await reporter.report() }
        let limit = Task {
            try? await Task.sleep(for: .seconds(3))
            last.cancel()
        }
        await last.value
        limit.cancel()
        await journal.stop()
        await link.current.shutdown()
    }

    private func maintain() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: maintenance) } catch { return }
            services.upstreams.end(services.tables.sessions.sweep(now: services.now()), callers: [])
            services.upstreams.sweep()
            services.tables.tasks.sweep(now: services.now())
        }
    }

    /// Whoever renews the certificate replaces its files one after the other: a pair that does not fit changes nothing, and is
    /// looked at again once it is another.
    private func watchCertificate() async {
        guard let oauth, let tokens else { return }
        var files = CertificateFiles(oauth)
        while !Task.isCancelled {
            do { try await Task.sleep(for: certificateLook) } catch { return }
            guard files.haveChanged() else { continue }
            do throws(TransportError) {
                try tokens.reload(oauth)
                services.logger.notice("the certificate for tokens' callers is another one")
            } catch {
                services.logger.error(
                    "the certificate for tokens' callers cannot be used", metadata: ["detail": "\(error.message)"])
            }
        }
    }
}
