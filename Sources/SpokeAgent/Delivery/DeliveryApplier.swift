import Logging
import Model
import Transport
import Trust

/// Takes deliveries in, one after the other: verify, persist, activate. What is enforced changes here and nowhere else.
actor DeliveryApplier {
    private let verifier: DeliveryVerifier
    private let manifest: TrustManifest
    private let store: DeliveryStore
    private let services: Services
    private let listener: Listener
    private(set) var identity: TLSIdentity
    private(set) var refused: RefusedDelivery?

    init(
        verifier: DeliveryVerifier, manifest: TrustManifest, store: DeliveryStore, services: Services,
        listener: Listener,
        identity: TLSIdentity
    ) {
        self.verifier = verifier
        self.manifest = manifest
        self.store = store
        self.services = services
        self.listener = listener
        self.identity = identity
    }

    /// What was stored before this start.
    /// - Throws: What the store and the verifier throw; nothing is enforced then, and nobody is let in.
    func activateStored() throws {
        guard let stored = try store.load(verifier, now: services.now()) else { return }
        try activate(stored)
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
            try manifest.checkExpiry(services.now())
            let delivery = try verifier.verify(bytes, held: held, now: services.now())
            // Persisted first: a spoke that enforced a bundle enforces at least that one after a restart.
            try store.persist(bytes)
            try activate(delivery)
            let isNews = held?.digest != delivery.digest || refused != nil
            refused = nil
            return isNews
        } catch {
            let known = error as? any NaveError
            let code = known?.code ?? "bad-delivery"
            services.logger.warning(
                "delivery refused", metadata: ["code": "\(code)", "detail": "\(known?.message ?? "\(error)")"])
            let isNews = refused?.code != code
            refused = RefusedDelivery(
                at: services.now(), code: code, detail: String((known?.message ?? "\(error)").prefix(300)))
            return isNews
        }
    }

    private func activate(_ delivery: VerifiedDelivery) throws {
        let snapshot = try Snapshot(delivery, manifest: manifest)
        let previous = services.snapshots.swap(snapshot)
        if snapshot.changesTrust(from: previous) {
            let gone = Set(try listener.trustChanged(identity, snapshot).map { Caller(workload: $0.id).key })
            let sessions = services.tables.sessions.sweep(now: services.now()) { gone.contains($0.caller) }
            services.upstreams.end(sessions, callers: gone)
            if !gone.isEmpty { services.logger.info("peers cut off", metadata: ["count": "\(gone.count)"]) }
        }
        guard previous?.delivery.digest != delivery.digest else { return }
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
