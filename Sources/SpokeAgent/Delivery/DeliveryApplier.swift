import Logging
import Model
import Transport
import Trust

/// Takes deliveries in, one after the other: verify, persist, activate. What is enforced changes here and nowhere else.
actor DeliveryApplier {
    private var manifests: HeldManifests
    private let spoke: SPIFFEID
    private let clock: SpokeClock
    private let store: DeliveryStore
    private let manifestStore: ManifestStore
    private let bundles: BundleStore
    private let services: Services
    private let listener: Listener
    private(set) var identity: TLSIdentity
    private(set) var refused: RefusedDelivery?

    init(
        manifests: HeldManifests, spoke: SPIFFEID, clock: SpokeClock, store: DeliveryStore,
        manifestStore: ManifestStore, bundles: BundleStore, services: Services, listener: Listener,
        identity: TLSIdentity
    ) {
        self.manifests = manifests
        self.spoke = spoke
        self.clock = clock
        self.store = store
        self.manifestStore = manifestStore
        self.bundles = bundles
        self.services = services
        self.listener = listener
        self.identity = identity
    }

    /// What was stored before this start.
    /// - Throws: What the store and the verifier throw; nothing is enforced then, and nobody is let in.
    func activateStored() throws {
        guard let stored = try store.load(manifests, spoke: spoke, now: clock.host()) else { return }
        try activate(stored)
        // A crash may have come between the delivery and the note of its time.
        try clock.saw(stored.leaseIssued)
    }

    /// Of the trust manifest: what the hub need not send again.
    var manifestVersion: Int64 { manifests.newest.version }

    /// Of the trust manifest in force.
    var roots: [Certificate] {
        get throws(TrustError) { try manifests.newest.rootCertificates() }
    }

    /// Walks to the newest version of the trust manifest, all of the way or not at all.
    /// - Returns: whether the hub should hear of it at once.
    func apply(manifests bytes: [UInt8]) -> Bool {
        do {
            let walked = try manifests.walked(
                bytes, seen: services.snapshots.current?.delivery.checkpoint, now: services.now())
            guard walked.newest.version > manifests.newest.version else { return false }
            // Persisted first: a spoke that has left a version never believes its keys again.
            try manifestStore.persist(walked)
            // If we die here: the next start believes the new version and enforces the last delivery of the one before.
            manifests = walked
            if let held = services.snapshots.current?.delivery { try activate(held, trustChanged: true) }
            services.logger.notice(
                "trust manifest in force",
                metadata: [
                    "version": "\(walked.newest.version)", "origin": "\(walked.newest.origin)",
                    "expires": "\(walked.newest.expires)",
                ])
            return true
        } catch { return refuse(error, "trust manifest refused") }
    }

    /// A renewed certificate: new connections meet it, those that are open stay.
    /// - Throws: `bad-certificate`.
    func show(_ renewed: TLSIdentity) throws(TransportError) {
        try listener.show(renewed)
        identity = renewed
    }

    /// - Returns: whether the hub should hear of it at once.
    func apply(_ bytes: [UInt8]) -> Bool {
        let held = services.snapshots.current?.delivery
        do {
            try manifests.newest.checkExpiry(services.now())
            let delivery = try DeliveryVerifier(manifest: manifests.newest, spoke: spoke)
                .verify(bytes, held: held, now: clock.host())
            try clock.checkNotOlder(delivery.leaseIssued)
            if held?.digest != delivery.digest { try bundles.keep(bytes, digest: delivery.digest) }
            // Persisted first: a spoke that enforced a bundle enforces at least that one after a restart.
            try store.persist(bytes)
            try clock.saw(delivery.leaseIssued)
            try activate(delivery)
            let isNews = held?.digest != delivery.digest || refused != nil
            refused = nil
            return isNews
        } catch { return refuse(error, "delivery refused") }
    }

    private func refuse(_ error: any Error, _ what: Logger.Message) -> Bool {
        let known = error as? any NaveError
        let code = known?.code ?? "bad-delivery"
        services.logger.warning(
            what, metadata: ["code": "\(code)", "detail": "\(known?.message ?? "\(error)")"])
        let isNews = refused?.code != code
        refused = RefusedDelivery(
            at: services.now(), code: code, detail: String((known?.message ?? "\(error)").prefix(300)))
        return isNews
    }

    private func activate(_ delivery: VerifiedDelivery, trustChanged: Bool = false) throws {
        let snapshot = try Snapshot(delivery, manifest: manifests.newest, ceiling: services.ceiling)
        let previous = services.snapshots.swap(snapshot)
        if trustChanged || snapshot.changesTrust(from: previous) {
            // Who has no connection open now may have left sessions and processes here all the same.
            let revoked = Set(delivery.bundle.revokedIdentities).subtracting(
                previous?.delivery.bundle.revokedIdentities ?? [])
            let cut = try listener.trustChanged(identity, snapshot)
            let gone = Set((cut.map(\.id) + revoked.map(\.identity)).map { Caller(workload: $0).key })
            let sessions = services.tables.sessions.sweep(now: services.now()) { gone.contains($0.caller) }
            services.held.end(callers: gone)
            services.upstreams.end(sessions, callers: gone)
            if !cut.isEmpty { services.logger.info("peers cut off", metadata: ["count": "\(cut.count)"]) }
        }
        services.streams.recheck()
        guard previous?.delivery.digest != delivery.digest else { return }
        services.snapshots.note(services.now())
        services.upstreams.reconcile(placed: Set(snapshot.servers.keys))
        services.logger.info(
            "bundle in force",
            metadata: [
                "revision": "\(delivery.bundle.revision)", "digest": "\(delivery.digest)",
                "servers": "\(snapshot.servers.count)",
                "rules": "\(delivery.bundle.rules.count)",
            ])
    }
}
