import Logging
import Model
import Storage
import Transport
import Trust

/// Every part of a hub but its sockets, made from a data directory and handed to the next by hand, in order.
package struct HubParts: Sendable {
    package let settings: HubSettings
    /// Every version of the trust manifest.
    package let chain: ManifestChainBox
    package let authority: Authority
    package let ledger: HubLedger
    package let usage: UsageStore
    package let trust: HubTrust
    package let streams: SpokeStreams
    package let publisher: Publisher
    package let services: Services
    package let handlers: RouteHandlers
    /// The hub's own certificate.
    let leaf: HubLeaf

    /// - Throws: `not-a-hub`, `epoch-needed`, `key-not-held`, and what reading keys and databases throws.
    package init(directory: HubDirectory, now: @escaping @Sendable () -> Instant, log: Logger) async throws {
        settings = try directory.settings()
        let database = try HubDatabase(directory: directory.path)
        let manifests = try ManifestChain(try database.manifests())
        chain = ManifestChainBox(manifests)
        try EpochNeed.demandMet(by: manifests.newest, in: directory)
        let keys = try OnlineKeys(of: manifests.newest, in: directory)
        try manifests.keepCopy(in: directory)
        do throws(TrustError) { try manifests.newest.checkExpiry(now()) } catch {
            // The hub has to run for the next version to be published; spokes refuse its deliveries until then.
            log.error("the trust manifest has ended", metadata: ["detail": "\(error.message)"])
        }
        let store = try Ledger(
            database: database, signer: keys.checkpoint, origin: manifests.newest.origin, now: now,
            random: { try randomBytes($0) })
        usage = try UsageStore(directory: directory.path)
        authority = try Authority(
            directory: directory, organization: settings.organization, records: store.snapshot.authorities)

        let (identity, issued) = try HubLeaf.made(settings, authority, now())
        trust = try HubTrust(
            organization: settings.organization, roots: try manifests.newest.rootCertificates(), identity: identity,
            snapshot: store.snapshot, now: now)
        streams = SpokeStreams()
        publisher = Publisher(
            keys: keys, chain: manifests, streams: streams, ledger: store, now: now, log: log)
        ledger = HubLedger(ledger: store, trust: trust, publisher: publisher, authority: authority, log: log)
        // A certificate that is shown stands in the ledger first. This append also publishes what a process that died
        // between a change and its publication left behind.
        try await ledger.append(by: .hub) { [authority] registry in
            authority.unrecorded(try registry.authorities()) + [.certificateIssued(issued)]
        }

        let organization = settings.organization
        let enrolment = Enrolment(
            settings: settings, ledger: ledger, authority: authority, manifests: chain, now: now, log: log)
        let certificates = Certificates(settings: settings, ledger: ledger, authority: authority, now: now)
        let manifestService = ManifestService(
            directory: directory, ledger: ledger, chain: chain, publisher: publisher, trust: trust, now: now, log: log)
        leaf = HubLeaf(settings: settings, authority: authority, ledger: ledger, trust: trust, now: now)
        let tools = ToolService(ledger: ledger, usage: usage)
        let anchoring = JournalAnchoring(ledger: ledger, usage: usage, now: now, log: log)
        let checkpoints = CheckpointComparison(ledger: ledger, usage: usage, chain: chain, now: now, log: log)
        services = Services(
            enrolment: enrolment,
            renewal: Renewal(enrolment: enrolment, settings: settings, ledger: ledger, now: now, log: log),
            certificates: certificates,
            topology: TopologyService(
                organization: organization, ledger: ledger, authority: authority, now: now, tools: tools,
                wire: { [usage] in try await usage.statuses().mapValues(\.report.wire) },
                ceilings: { [usage] in try await usage.statuses().compactMapValues(\.report.ceiling) }),
            reports: ReportService(
                ledger: ledger, usage: usage, checkpoints: checkpoints, publisher: publisher, anchoring: anchoring,
                now: now, log: log),
            access: Access(ledger: ledger, usage: usage, now: now),
            accessLists: AccessLists(
                ledger: ledger, history: LedgerHistory(database: database), usage: usage, now: now),
            lists: Lists(
                ledger: ledger, usage: usage, streams: streams, trust: trust, publisher: publisher,
                certificates: certificates, tools: tools, now: now),
            reviews: ReviewService(ledger: ledger, usage: usage, streams: streams, now: now),
            manifests: manifestService,
            authorities: AuthorityService(
                organization: organization, authority: authority, ledger: ledger, chain: chain,
                manifests: manifestService, leaf: leaf, streams: streams, now: now, log: log),
            persons: PersonErasure(ledger: ledger, usage: usage, now: now, log: log),
            ledgerViews: LedgerViews(ledger: ledger), checkpoints: checkpoints, anchoring: anchoring, tools: tools)
        handlers = RouteHandlers(services: services, ledger: ledger, organization: organization, now: now)
    }
}
