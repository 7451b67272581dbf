import Logging
import Model
import NIOConcurrencyHelpers
import NIOPosix
import TestSupport
import Transport

@testable import SpokeAgent

/// What the connections of a listener share, at a fixed time and without a server behind it: what is refused goes its whole way.
final class ServicesFixture: Sendable {
    let services: Services
    private let directory: TemporaryDirectory

    init(_ limits: ListenerLimits = ListenerLimits()) async throws {
        let fixture = try SpokeFixture()
        directory = try TemporaryDirectory()
        let now = { @Sendable in SpokeFixture.now }
        let logger = Logger(label: "test")
        var tables = try SpokeFixture.tables()
        tables.limits = limits
        let upstreams = Upstreams(
            SpokeConfiguration(
                listen: HostPort(host: "127.0.0.1", port: 0), servers: [], metrics: nil, audit: AuditSettings(),
                limits: limits, ceiling: nil, oauth: nil),
            signer: try await IdentitySigner(spoke: fixture.spoke, now: now), views: tables.views,
            group: MultiThreadedEventLoopGroup.singleton, onChange: {}, now: now, logger: logger)
        let files = try JournalFiles(directory: directory.path, freshName: "j-1", now: SpokeFixture.now)
        services = Services(
            snapshots: SnapshotBox(try fixture.snapshot()), tables: tables,
            journal: Journal(files: files, sync: .second, now: now, onFailure: { _ in }), upstreams: upstreams,
            held: HeldCalls(limits), ceiling: nil, isDraining: NIOLockedValueBox(false), now: now, logger: logger)
    }

    /// To be called at the end: the journal has a thread.
    func stop() async { await services.journal.stop() }

    /// A call that no rule allows, so that its answer is made here.
    static func deniedCall(_ id: Int) -> String {
        #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"delete_entry","arguments":{}}}"#
    }

    /// A message that has no answer, and goes no further.
    static let progress = #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1}}"#
}
