import Logging
import Model
import Storage
import Trust

/// The trust manifest while the hub runs: shows the chain, prepares the next version, publishes it. The hub cannot sign one:
/// the keys of the role `manifest` are elsewhere.
package actor ManifestService {
    /// How long a version is good when nobody says, and at most.
    package static let standardValidity = Milliseconds.days(1095)
    package static let maximumValidity = Milliseconds.days(3650)
    static let maximumManifestKeys = 16

    private let directory: HubDirectory
    private let ledger: HubLedger
    private let chain: ManifestChainBox
    private let publisher: Publisher
    private let trust: HubTrust
    private let now: @Sendable () -> Instant
    private let log: Logger
    /// The newest version that this process signs under, and has sent to open streams.
    private var adopted: Int64

    package init(
        directory: HubDirectory, ledger: HubLedger, chain: ManifestChainBox, publisher: Publisher, trust: HubTrust,
        now: @escaping @Sendable () -> Instant, log: Logger
    ) {
        self.directory = directory
        self.ledger = ledger
        self.chain = chain
        self.publisher = publisher
        self.trust = trust
        self.now = now
        self.log = log
        adopted = chain.current.newest.version
    }

    /// The versions after the one that is named; all of them when none is.
    /// - Throws: `bad-query`.
    package nonisolated func links(_ query: Query) throws -> ManifestLinks {
        chain.current.links(after: try query.manifestVersion() ?? 0) ?? ManifestLinks(manifests: [])
    }

    /// The next version, still unsigned.
    /// - Throws: `unknown-role`, `bad-manifest-keys`, `bad-validity`, and what storing a key throws.
    package func prepare(_ request: RotateRequest) async throws -> RotateAnswer {
        _ = try await finish()
        let current = chain.current.newest
        let validity = try Self.demandValidity(request.validFor ?? Self.standardValidity)
        var replacing: [TrustRole: (keys: [PublicKey], threshold: Int)] = [:]
        for name in request.roles {
            guard let role = TrustRole(rawValue: name) else {
                throw HubError(
                    .invalid, "unknown-role", "\(quoted(name)) is no role",
                    hint: "the roles are bundle, lease, checkpoint and manifest")
            }
            replacing[role] =
                role == .manifest
                ? try Self.manifestKeys(request) : ([try directory.nextKey(role).publicKey], 1)
        }
        guard replacing[.manifest] != nil || (request.manifestKeys == nil && request.threshold == nil) else {
            throw HubError(.invalid, "bad-manifest-keys", "manifest keys are given without the role `manifest`")
        }
        let next = try current.successor(
            expires: now() + validity, replacing: replacing, roots: try plannedRoots(current))
        return RotateAnswer(manifest: try JSONCoding.encode(try next.unsigned))
    }

    /// - Parameter span: Nil for a text that is none.
    /// - Throws: `bad-validity`.
    static func demandValidity(_ span: Milliseconds?) throws(HubError) -> Milliseconds {
        guard let span, span >= .days(1), span <= maximumValidity else {
            throw HubError(.invalid, "bad-validity", "a trust manifest is good for 1 day to 10 years", hint: "as 1095d")
        }
        return span
    }

    /// The roots that the next version is to name: those that the ledger knows and that have not retired. A root that only the
    /// manifest knows, after a restore, goes.
    private func plannedRoots(_ current: TrustManifest) throws -> [Certificate] {
        let known = try ledger.snapshot.authorities.filter { $0.name == AuthorityName.root && $0.state != .retired }
            .map { try $0.decoded() }
        let present = try current.rootCertificates().filter(known.contains)
        return present + known.filter { !present.contains($0) }
    }

    private static func manifestKeys(_ request: RotateRequest) throws -> (keys: [PublicKey], threshold: Int) {
        let given = request.manifestKeys ?? []
        guard (1...maximumManifestKeys).contains(given.count), Set(given).count == given.count else {
            throw HubError(
                .invalid, "bad-manifest-keys", "the role `manifest` needs 1 to \(maximumManifestKeys) different keys",
                hint: "make them where they are kept, with `nave trust key FILE`")
        }
        let threshold = request.threshold ?? given.count / 2 + 1
        guard (1...given.count).contains(threshold) else {
            throw HubError(.invalid, "bad-manifest-keys", "\(threshold) of \(given.count) keys cannot sign")
        }
        return (try given.map { try PublicKey(ed25519: Base64.decode($0) ?? []) }, threshold)
    }

    /// Appends the next version, then signs with its keys, and sends it to every open stream before anything that they sign.
    /// Given again after a failure, it finishes what that one left: the version whose entry stands is in force.
    /// - Throws: What `TrustManifest.verifySuccessor` throws; `other-roots`, `foreign-origin`, `key-not-held`, `conflict`.
    package func publish(_ request: PublishManifestRequest, by standing: Standing) async throws
        -> PublishManifestAnswer
    {
        let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: request.manifest)
        let bytes = try envelope.encoded
        if let finished = try await finish(), finished.envelope == bytes {
            return PublishManifestAnswer(version: finished.version, index: finished.index)
        }
        let current = chain.current.newest
        let next = try TrustManifest.verifySuccessor(envelope, of: current, now: now())
        let planned = try plannedRoots(current).map(\.pem)
        guard Set(next.roots) == Set(planned), next.roots.count == planned.count else {
            throw HubError(
                .conflict, "other-roots",
                "the trust manifest names other roots than version \(current.version) and `nave authority` planned",
                hint: "prepare it again with `nave trust rotate`")
        }
        guard next.origin == current.origin else {
            throw HubError(
                .conflict, "foreign-origin", "the trust manifest begins the epoch \(quoted(next.origin))",
                hint: "a running hub does not go back: stop it, then `nave-hub epoch open`")
        }
        try OnlineKeys.check(next, in: directory)
        let commit = try await ledger.append(by: Author(requester: standing.identity), why: request.why) { registry in
            // A second publisher of the same version is refused by the fold.
            let digest = try registry.keep(artifact: bytes)
            return [.manifestPublished(ManifestPublished(version: next.version, digest: digest))]
        }
        // If the process dies here: the version is in force, and the next start takes over its keys.
        try await takeOver(chain.current.appending(try JSON(parsing: bytes), next))
        log.notice(
            "trust manifest published",
            metadata: ["version": "\(next.version)", "by": "\(standing.identity)", "expires": "\(next.expires)"])
        return PublishManifestAnswer(version: next.version, index: commit?.last ?? 0)
    }

    /// Takes over a version whose entry stands, though whoever published it was told of a failure.
    /// - Returns: that version; nil where there is none, as nearly always.
    private func finish() async throws -> PublishedManifest? {
        guard let newest = try await ledger.read({ try $0.newestManifest() }), newest.version > adopted else {
            return nil
        }
        try await takeOver(ManifestChain(try await ledger.read { try $0.manifests() }))
        log.notice("trust manifest taken over whose publication had failed", metadata: ["version": "\(newest.version)"])
        return newest
    }

    /// Signs under the newest version of a chain from now on. What fails is done by the next `finish`, or by the next start.
    private func takeOver(_ extended: ManifestChain) async throws {
        let next = extended.newest
        let keys = try OnlineKeys(of: next, in: directory)
        chain.swap(extended)
        try trust.believe(next.rootCertificates())
        _ = try await ledger.sign(with: keys.checkpoint)
        try await publisher.adopt(keys, extended)
        adopted = next.version
        do { try extended.keepCopy(in: directory) } catch {
            // The ledger holds it, and the next start copies it again.
            log.error("the trust manifest is in force, its copy beside the keys is not written", error: error)
        }
    }
}

extension Query {
    /// The version of the trust manifest that the caller holds.
    /// - Throws: `bad-query`.
    func manifestVersion() throws(HubError) -> Int64? {
        guard let text = self["manifest"] else { return nil }
        guard let version = Int64(text), version >= 0, String(version) == text else {
            throw HubError(.invalid, "bad-query", "\(quoted(text)) is no version of a trust manifest")
        }
        return version
    }
}
