import Model
import Storage
import Trust

/// A delivery ready to be written, and what tells it apart.
package struct PublishedDelivery: Hashable, Sendable {
    package var revision: Int64
    /// `sha256:…` of the bundle's payload.
    package var digest: String
    /// Canonical JSON of a `Delivery`, one line.
    package var json: [UInt8]
}

/// Versions of the trust manifest ready to be written.
package struct PublishedManifests: Hashable, Sendable {
    /// The last of them.
    package var version: Int64
    /// Canonical JSON of `ManifestLinks`, one line.
    package var json: [UInt8]
}

/// Compiles what each spoke has to enforce, signs it, and pushes it on open streams. A spoke's bundle is compiled when it is
/// first wanted and again when its revision moves; the same state gives the same bytes.
package actor Publisher {
    private struct Signed {
        var revision: Int64
        var digest: String
        var identity: SPIFFEID
        var envelope: JSON
    }

    private var keys: OnlineKeys
    private var chain: ManifestChain
    private let streams: SpokeStreams
    private let now: @Sendable () -> Instant
    private var snapshot: Snapshot
    private var signed: [String: Signed] = [:]
    private var lastIssued = Instant(milliseconds: 0)

    package init(
        keys: OnlineKeys, chain: ManifestChain, streams: SpokeStreams, snapshot: Snapshot,
        now: @escaping @Sendable () -> Instant
    ) {
        self.keys = keys
        self.chain = chain
        self.streams = streams
        self.snapshot = snapshot
        self.now = now
    }

    /// Takes over what the ledger says now and pushes to connected spokes whose bundle that changes.
    package func follow(_ newest: Snapshot) throws {
        guard newest.size > snapshot.size else { return }
        let before = snapshot.state
        snapshot = newest
        for name in streams.connected {
            guard let zone = Self.zone(of: name), newest.state.revision(ofZone: zone) != before.revision(ofZone: zone)
            else { continue }
            try push(name)
        }
    }

    /// Sends every connected spoke its bundle with a new lease.
    package func renewLeases() throws {
        for name in streams.connected { try push(name) }
    }

    /// Signs with the keys of a new version of the trust manifest. Every open stream gets the version first, then a delivery
    /// under it.
    func adopt(_ keys: OnlineKeys, _ chain: ManifestChain, _ newest: Snapshot) throws {
        guard chain.newest.version > self.chain.newest.version else { return }
        let known = self.chain.newest.version
        self.keys = keys
        self.chain = chain
        if newest.size >= snapshot.size { snapshot = newest }
        signed = [:]
        guard let links = try published(after: known) else { return }
        for name in streams.connected {
            streams.put(.manifests(links), to: name)
            try push(name)
        }
    }

    /// What a stream begins with, as of one moment: the versions that the spoke has not seen, then its delivery.
    /// - Parameter version: That the spoke holds; nil when it did not say.
    package func opening(
        for spoke: String, after version: Int64?
    ) throws -> (manifests: PublishedManifests?, delivery: PublishedDelivery?) {
        (try published(after: version ?? 0), try delivery(for: spoke))
    }

    private func published(after version: Int64) throws -> PublishedManifests? {
        guard let links = chain.links(after: version) else { return nil }
        return PublishedManifests(version: chain.newest.version, json: try JSONCoding.canonical(links))
    }

    /// The newest delivery for a spoke, with a lease of now.
    /// - Parameter spoke: Full name.
    /// - Returns: Nil when the topology has no such spoke.
    package func delivery(for spoke: String) throws -> PublishedDelivery? {
        guard let signed = try current(spoke) else { return nil }
        // A lease older than the one a spoke holds is refused: the clock must not seem to step back.
        lastIssued = max(lastIssued, now())
        let lease = Lease(spoke: signed.identity, bundle: signed.digest, issued: lastIssued)
        let envelope = try DSSE.sign(
            try JSONCoding.canonical(lease), payloadType: Lease.payloadType, keys: [keys.lease])
        let delivery = Delivery(
            bundle: signed.envelope, lease: try JSONCoding.encode(envelope), checkpoint: snapshot.checkpoint)
        return PublishedDelivery(
            revision: signed.revision, digest: signed.digest, json: try JSONCoding.canonical(delivery))
    }

    /// Spokes whose bundle the entries from `first` on changed, full names, sorted.
    package nonisolated static func affected(since first: Int64, _ state: RegistryState) -> [String] {
        state.topology.spokes.filter { state.revision(ofZone: $0.zone) >= first }.map(\.fullName).sorted()
    }

    private func push(_ name: String) throws {
        guard let delivery = try delivery(for: name) else { return }
        streams.put(.delivery(delivery), to: name)
    }

    private func current(_ name: String) throws -> Signed? {
        guard let spoke = snapshot.state.topology.spokes.first(where: { $0.fullName == name }) else {
            signed[name] = nil
            return nil
        }
        let revision = snapshot.state.revision(ofZone: spoke.zone)
        if let known = signed[name], known.revision == revision { return known }
        guard let bundle = compileBundle(spoke: spoke, from: snapshot.state) else { return nil }
        let payload = try JSONCoding.canonical(bundle)
        let envelope = try DSSE.sign(payload, payloadType: PolicyBundle.payloadType, keys: [keys.bundle])
        let made = Signed(
            revision: bundle.revision, digest: digestText(of: payload), identity: bundle.spoke,
            envelope: try JSONCoding.encode(envelope))
        signed[name] = made
        return made
    }

    private static func zone(of name: String) -> String? { name.split(separator: "/").first.map(String.init) }
}
