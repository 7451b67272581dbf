import Foundation
import Hummingbird
import HummingbirdCore
import Logging
import Model
import NIOCore
import NIOPosix
import ServiceLifecycle
import Storage
import UnixSignals
import Transport

/// `nave-hub serve`: the parts behind two listeners, and what is done again and again.
package struct HubProgram: Sendable {
    package static let version = naveVersion
    /// How long decisions and usage counters are kept.
    static let retention = Milliseconds.days(400)
    static let pingInterval = Milliseconds.seconds(15)
    static let manyConnections = 16_384

    private let directory: HubDirectory
    private let readyFile: String?
    private let leaseInterval: Milliseconds
    private let anchorInterval: Milliseconds
    private let log: Logger
    private let now: @Sendable () -> Instant

    /// - Parameters:
    ///   - readyFile: Written once both listeners are up: `{"front":"HOST:PORT","listen":"HOST:PORT"}`.
    ///   - leaseInterval: `1s` to `1h`.
    ///   - anchorInterval: the same; the ledger gets at most one entry for all journals in it.
    ///   - logLevel: `trace`, `debug`, `info`, `notice`, `warning` or `error`.
    /// - Throws: `bad-interval`, `bad-level`.
    package init(
        data: String, readyFile: String?, leaseInterval: String, anchorInterval: String = "60s", logLevel: String,
        passphrase: [UInt8]? = nil
    ) throws {
        self.leaseInterval = try Self.interval(leaseInterval)
        self.anchorInterval = try Self.interval(anchorInterval)
        guard let level = Logger.Level(rawValue: logLevel) else {
            throw HubError(.invalid, "bad-level", "\(quoted(logLevel)) is no log level", hint: "as info")
        }
        directory = HubDirectory(data, passphrase: passphrase)
        self.readyFile = readyFile
        log = Logger(label: "nave.hub") { _ in JSONLogHandler(component: "hub", level: level) }
        now = HubClock.now
    }

    private static func interval(_ text: String) throws(HubError) -> Milliseconds {
        guard let interval = Milliseconds(text), interval >= .seconds(1), interval <= .hours(1) else {
            throw HubError(.invalid, "bad-interval", "\(quoted(text)) is no interval from 1s to 1h")
        }
        return interval
    }

    /// Serves until SIGTERM or SIGINT; then streams end, requests finish, and it returns.
    /// - Throws: `not-a-hub`, `already-running`, `address-in-use`, and what reading the data directory throws.
    package func serve() async throws {
        // Whatever file a library makes here is nobody else's to read.
        umask(0o077)
        // A file that may not grow is met as a failed write, not as a signal.
        signal(SIGXFSZ, SIG_IGN)
        let lock = try DirectoryLock(directory)
        defer { lock.release() }
        let parts = try await HubParts(directory: directory, now: now, log: log)
        let (settings, trust, publisher) = (parts.settings, parts.trust, parts.publisher)
        let writer = StreamWriter(
            streams: parts.streams, publisher: publisher, checkpoints: parts.services.checkpoints,
            ledger: parts.ledger, log: log)
        let ready = ReadyFile(path: readyFile)
        let share = AddressShare()

        let (now, log) = (now, log)
        let applications: [any Service] = [
            application(
                .mutual, at: settings.listen, parts.handlers, writer, ready,
                HTTPServerBuilder { responder in
                    MutualChannel(http: Self.http(responder), trust: trust, now: now, log: log)
                }),
            application(
                .front, at: settings.front, parts.handlers, writer, ready,
                HTTPServerBuilder { responder in FrontChannel(http: Self.http(responder), trust: trust, share: share) }
            ),
        ]
        let turns = [
            Periodic(name: "ping", interval: Self.pingInterval, log: log) { parts.streams.pingAll() },
            Periodic(name: "leases", interval: leaseInterval, log: log) { try await publisher.renewLeases() },
            Periodic(name: "journals", interval: anchorInterval, log: log) {
                try await parts.services.anchoring.anchor()
            },
            Periodic(name: "hub certificate", interval: .hours(24), log: log) { try await parts.leaf.renew() },
            Periodic(name: "retention", interval: .hours(24), log: log) {
                try await parts.usage.prune(before: now() - Self.retention)
            },
        ]
        var configuration = ServiceGroupConfiguration(
            services: (applications + turns).map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: Self.quiet)
        configuration.maximumGracefulShutdownDuration = .seconds(20)
        log.info(
            "starting",
            metadata: [
                "organization": "\(settings.organization)", "version": "\(Self.version)",
                "entries": "\(parts.ledger.snapshot.size)",
            ])
        for alarm in try await parts.ledger.recoveredOwners() {
            log.warning(
                "alarm: an owner was made by recover-admin",
                metadata: ["identity": "\(alarm.identity)", "entry": "\(alarm.index)", "at": "\(alarm.at)"])
        }
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw HubError(
                .unavailable, "address-in-use", "cannot listen on \(settings.listen) and \(settings.front): \(error)",
                hint: "is another hub running?")
        }
        log.info("stopped")
    }

    private func application(
        _ listener: Listener, at address: HostPort, _ handlers: RouteHandlers, _ writer: StreamWriter,
        _ ready: ReadyFile, _ server: HTTPServerBuilder
    ) -> any Service {
        let log = log
        return Application(
            responder: Dispatcher(listener: listener, handlers: handlers, streams: writer, log: log), server: server,
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port), serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(Self.manyConnections)),
            onServerRunning: { channel in
                let bound = HostPort(host: address.host, port: channel.localAddress?.port ?? address.port)
                log.info("listening", metadata: ["listener": "\(listener.rawValue)", "address": "\(bound)"])
                do { try ready.note(listener, at: bound) } catch {
                    log.error("cannot write the ready file", error: error)
                }
            }, logger: Self.quiet)
    }

    /// Frameworks say what they do through this; what matters of it the hub says itself.
    private static let quiet = Logger(label: "nave.hub.frameworks") { _ in
        JSONLogHandler(component: "frameworks", level: .error)
    }

    private static func http(_ responder: @escaping HTTPChannelHandler.Responder) -> HTTP1Channel {
        HTTP1Channel(
            responder: responder,
            configuration: HTTP1Channel.Configuration(
                idleTimeout: .seconds(60),
                httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                    maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100)))
    }
}

/// The one place where the hub asks what time it is.
package enum HubClock {
    package static let now: @Sendable () -> Instant = {
        Instant(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down)))
    }
}
