import Logging
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

/// Compiles what each spoke has to enforce, has the digests logged, signs, and pushes on open streams.
///
/// The order is commit, publish, push, and each step begins after the one before is on disk:
/// - Dead between commit and publish: the change stands, its bundles do not. Spokes keep what they have; the next start, the
///   next change or the next delivery compiles the same bytes from the registry and publishes them then.
/// - Dead between publish and push: the entry stands. A start compiles the same root, finds it logged and appends nothing;
///   spokes get the bundles when they connect.
///
/// So no bundle leaves that is not logged, and no entry is made for a lease or for a state that is logged already.
package actor Publisher {
    private struct Signed {
        var digest: String
        var bundle: PolicyBundle
        var envelope: JSON
    }

    /// A publication and where it stands in the ledger.
    private struct Logged {
        var publication: Publication
        var index: Int64
        /// Base 64 of the entry's bytes.
        var entry: String
    }

    private var keys: OnlineKeys
    private var chain: ManifestChain
    private let streams: SpokeStreams
    private let ledger: Ledger
    private let now: @Sendable () -> Instant
    private let log: Logger
    private var current: Logged?
    private var publishing: Task<Void, any Error>?
    /// Connected spokes to whom a publication is still to be pushed.
    private var changed: Set<String> = []
    private var signed: [String: Signed] = [:]
    private var held = HeldSizes()
    private var cache = LedgerProofCache()
    private var lastIssued = Instant(milliseconds: 0)

    package init(
        keys: OnlineKeys, chain: ManifestChain, streams: SpokeStreams, ledger: Ledger,
        now: @escaping @Sendable () -> Instant, log: Logger
    ) {
        self.keys = keys
        self.chain = chain
        self.streams = streams
        self.ledger = ledger
        self.now = now
        self.log = log
    }

    /// Publishes what the ledger says now, if it is not published yet, and pushes to connected spokes whose bundle that
    /// changes. A failure is logged, not thrown: the change before it stands, and the next lease renewal tries again.
    package func follow() async {
        do { _ = try await published() } catch {
            log.error("bundles are not published, spokes keep what they have", error: error)
        }
    }

    /// Sends every connected spoke its bundle with a new lease.
    package func renewLeases() async throws {
        _ = try await published()
        for name in streams.connected { await push(name) }
    }

    /// A spoke opened a stream or reported, and holds the checkpoint of this size.
    /// - Parameter isNew: the spoke holds nothing else that was sent before.
    package func heard(_ spoke: String, holding size: Int64?, isNew: Bool) { held.note(spoke, size, isNew: isNew) }

    /// Signs with the keys of a new version of the trust manifest. Every open stream gets the version first, then a delivery
    /// under it.
    func adopt(_ keys: OnlineKeys, _ chain: ManifestChain) async throws {
        guard chain.newest.version > self.chain.newest.version else { return }
        let known = self.chain.newest.version
        self.keys = keys
        self.chain = chain
        signed = [:]
        guard let links = try manifests(after: known) else { return }
        for name in streams.connected {
            streams.put(.manifests(links), to: name)
            await push(name)
        }
    }

    /// The versions of the trust manifest that a spoke has not seen; nil when it has all.
    package func manifests(after version: Int64) throws -> PublishedManifests? {
        guard let links = chain.links(after: version) else { return nil }
        return PublishedManifests(version: chain.newest.version, json: try JSONCoding.canonical(links))
    }

    /// The newest delivery for a spoke, with a lease of now and proofs from each checkpoint that the spoke may hold.
    /// - Parameter spoke: Full name.
    /// - Returns: Nil when the topology has no such spoke.
    /// - Throws: `cannot-prove` when the ledger does not reach what the spoke holds; what signing and reading proofs throw.
    package func delivery(for spoke: String) async throws -> PublishedDelivery? {
        guard let logged = try await published(), let leaf = logged.publication.leaf(of: spoke),
            let signed = try sign(spoke, logged.publication)
        else { return nil }
        let version = chain.newest.version
        // Taken after the publication: it has the entry.
        let head = ledger.snapshot
        let proof = try await proof(leaf, logged, head.size, spoke)
        // Other keys were adopted meanwhile: the lease would not be of the bundle's version.
        guard chain.newest.version == version else { return try await delivery(for: spoke) }
        // A lease older than the one a spoke holds is refused: the clock must not seem to step back.
        lastIssued = max(lastIssued, now())
        let lease = Lease(spoke: signed.bundle.spoke, bundle: signed.digest, issued: lastIssued)
        let envelope = try DSSE.sign(
            try JSONCoding.canonical(lease), payloadType: Lease.payloadType, keys: [keys.lease])
        let delivery = Delivery(
            bundle: signed.envelope, lease: try JSONCoding.encode(envelope), checkpoint: head.checkpoint, proof: proof)
        held.sent(spoke, head.size)
        return PublishedDelivery(
            revision: signed.bundle.revision, digest: signed.digest, json: try JSONCoding.canonical(delivery))
    }

    /// Spokes whose bundle the entries from `first` on changed, full names, sorted.
    package nonisolated static func affected(since first: Int64, _ state: RegistryState) -> [String] {
        // Most appends change no scope, and there may be thousands of spokes.
        let scopes = Set(state.changes.filter { $0.value >= first }.keys)
        guard !scopes.isEmpty else { return [] }
        let isEverywhere = scopes.contains("organization")
        return state.topology.spokes.filter { isEverywhere || scopes.contains($0.zone) }.map(\.fullName).sorted()
    }

    // MARK: publishing

    /// The publication of the newest state; makes it first where there is none. One at a time, however many ask.
    /// - Returns: Nil when there is nothing to publish and never was.
    private func published() async throws -> Logged? {
        while true {
            if let publishing {
                try await publishing.value
                continue
            }
            let wanted = ledger.snapshot
            // Every change that a bundle can show raises the revision of a scope.
            if let current, current.publication.state.changes == wanted.state.changes { return current }
            if wanted.publication == nil, wanted.state.topology.spokes.isEmpty { return nil }
            let task = Task {
                // Gone before anybody who waits for it goes on: they would find it again, for ever.
                defer { publishing = nil }
                try await publish(wanted)
            }
            publishing = task
            try await task.value
            let names = changed
            changed = []
            for name in names.sorted() { await push(name) }
        }
    }

    private func publish(_ wanted: Snapshot) async throws {
        let before = current?.publication
        let publication = try Publication(of: wanted.state, reusing: before)
        let index: Int64
        if let known = wanted.publication, known.body == publication.body {
            index = known.index
        } else {
            let body = publication.body
            guard let receipt = try await ledger.append(by: .hub, { _ in [.bundlesPublished(body)] }) else { return }
            index = receipt.first
        }
        guard let leaf = try await ledger.leaves(from: index, limit: 1, size: index + 1).first else {
            throw HubError(.broken, "internal", "the ledger has no entry \(index)")
        }
        current = Logged(publication: publication, index: index, entry: Base64.encode(leaf.bytes))
        changed.formUnion(streams.connected.filter { publication.digest(of: $0) != before?.digest(of: $0) })
    }

    /// Puts the newest delivery on a spoke's stream, also where it has had it.
    func push(_ name: String) async {
        do {
            guard let delivery = try await delivery(for: name) else { return }
            streams.put(.delivery(delivery), to: name)
        } catch {
            log.error("a delivery is not sent", error: error, metadata: ["spoke": "\(name)"])
        }
    }

    private func sign(_ name: String, _ publication: Publication) throws -> Signed? {
        guard let digest = publication.digest(of: name) else {
            signed[name] = nil
            return nil
        }
        if let known = signed[name], known.digest == digest { return known }
        guard let spoke = publication.state.topology.spokes.first(where: { $0.fullName == name }),
            let bundle = compileBundle(spoke: spoke, from: publication.state)
        else { return nil }
        let payload = try JSONCoding.canonical(bundle)
        let envelope = try DSSE.sign(payload, payloadType: PolicyBundle.payloadType, keys: [keys.bundle])
        let made = Signed(
            digest: digestText(of: payload), bundle: bundle, envelope: try JSONCoding.encode(envelope))
        signed[name] = made
        return made
    }

    // MARK: proofs

    private func proof(
        _ leaf: DeliveryProof.Leaf, _ logged: Logged, _ size: Int64, _ spoke: String
    ) async throws -> DeliveryProof {
        cache.move(to: size)
        var inclusion = cache.inclusion(of: logged.index)
        if inclusion == nil {
            let made = ProofText.encode(try await ledger.inclusionProof(index: logged.index, size: size))
            cache.keep(inclusion: made, of: logged.index, size: size)
            inclusion = made
        }
        var consistency: [ConsistencyProof] = []
        // Whoever held something of an epoch before, or nothing, begins where this one begins.
        let start = chain.newest.start.map { [$0.size] } ?? []
        for first in Set(held.sizes(of: spoke) + start).sorted() {
            guard first <= size else {
                throw HubError(
                    .conflict, "cannot-prove",
                    "`\(spoke)` holds a checkpoint of size \(first), this ledger has \(size) entries",
                    hint: "the hub's database is older than what its spokes have seen")
            }
            var proof = cache.consistency(from: first)
            if proof == nil {
                let path = try await ledger.consistencyProof(first: first, second: size)
                let made = ConsistencyProof(size: first, path: ProofText.encode(path))
                cache.keep(made, size: size)
                proof = made
            }
            if let proof { consistency.append(proof) }
        }
        return DeliveryProof(
            leaf: leaf, entry: logged.entry, index: logged.index, inclusion: inclusion ?? [],
            consistency: consistency.isEmpty ? nil : consistency)
    }
}

/// Which checkpoints a spoke may hold: the one that it told of, and those sent to it since, since it may have taken or
/// refused each of them.
private struct HeldSizes {
    /// More are not followed; a spoke that holds none of them says so in its next report.
    private static let maximum = 8

    private var sizes: [String: [Int64]] = [:]

    func sizes(of spoke: String) -> [Int64] { sizes[spoke] ?? [] }

    mutating func note(_ spoke: String, _ size: Int64?, isNew: Bool) {
        guard let size else {
            if isNew { sizes[spoke] = nil }
            return
        }
        let later = isNew ? [] : (sizes[spoke] ?? []).filter { $0 > size }
        sizes[spoke] = [size] + later
    }

    mutating func sent(_ spoke: String, _ size: Int64) {
        // Who told of nothing holds nothing, or is no spoke with a stream.
        var known = sizes[spoke] ?? []
        guard !known.contains(size) else { return }
        known.append(size)
        if known.count > Self.maximum { known.remove(at: 1) }
        sizes[spoke] = known
    }
}
