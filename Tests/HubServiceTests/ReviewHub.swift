import HubService
import Logging
import Model
import Storage
import Synchronization
import TestSupport
import Transport
import Trust

/// The review service over a real ledger, with a clock that the test moves.
final class ReviewHub: Sendable {
    static let start = TestPKI.now
    static let origin = "corp.example/nave/1"

    let directory: TemporaryDirectory
    let ledger: HubLedger
    let usage: UsageStore
    let service: ReviewService
    private let clock: Clock

    private init() async throws {
        let directory = try TemporaryDirectory()
        let clock = Clock(Self.start)
        let now: @Sendable () -> Instant = { clock.now }
        let key = try PrivateKey.generateEd25519()
        let store = try Ledger(
            database: HubDatabase(directory: directory.path), signer: key, origin: Self.origin, now: now,
            random: { try randomBytes($0) })
        _ = try await store.append(by: .hub) { _ in
            [
                .ledgerOpened(
                    LedgerOpened(organization: "corp.example", epoch: 1, origin: Self.origin, root: "sha256:00"))
            ]
        }
        let pki = try TestPKI()
        let serving = try pki.hub()
        let streams = SpokeStreams()
        let trust = try HubTrust(
            organization: "corp.example", roots: [pki.root.certificate],
            identity: TLSIdentity(key: serving.key, chain: serving.chain), snapshot: store.snapshot, now: now)
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let publisher = Publisher(
            keys: OnlineKeys(bundle: key, lease: key, checkpoint: key),
            chain: try ManifestChain([try TestPKI().firstManifest().encoded]), streams: streams, ledger: store,
            now: now, log: log)
        self.directory = directory
        self.clock = clock
        ledger = HubLedger(ledger: store, trust: trust, publisher: publisher, log: log)
        usage = try UsageStore(directory: directory.path)
        service = ReviewService(ledger: ledger, usage: usage, streams: streams, now: now)
    }

    /// A hub whose ledger is opened.
    static func opened() async throws -> ReviewHub { try await ReviewHub() }

    var now: Instant { clock.now }
    func advance(by span: Milliseconds) { clock.advance(by: span) }

    func apply(_ topology: Topology, by person: Standing) async throws {
        _ = try await ledger.append(by: Author(requester: person.identity)) { registry in
            try topologyEvents(from: try registry.topology(), to: topology, digest: "sha256:00")
        }
    }

    /// A spoke tells, now, of a journal that it has kept for three days.
    func report(
        _ spoke: String, uses: [(rule: String, principal: String, capability: String, count: Int64)] = [],
        applied: Int64? = nil
    ) async throws {
        let report = Report(
            journal: "journal of \(spoke)", sequence: 1,
            applied: applied.map { AppliedBundle(revision: $0, digest: "sha256:00") }, refused: nil, servers: [],
            usage: uses.map { use in
                let server = use.rule == "finance/wiki" ? "finance/wiki" : "finance/ledger"
                return UsageCounter(
                    day: String(now.description.prefix(10)), rule: use.rule, principal: use.principal,
                    caller: "spiffe://analytics.corp.example/client/bot", server: server, capability: use.capability,
                    count: use.count, last: now)
            },
            decisions: [], checkpoint: nil, listener: nil, since: Self.start - .days(3), at: now)
        _ = try await usage.merge(report, spoke: spoke, now: now)
    }
}

private final class Clock: Sendable {
    private let moment: Mutex<Instant>

    init(_ now: Instant) { moment = Mutex(now) }

    var now: Instant { moment.withLock { $0 } }
    func advance(by span: Milliseconds) { moment.withLock { $0 = $0 + span } }
}
