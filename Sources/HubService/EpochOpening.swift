import Foundation
import Model
import Storage
import Trust

/// `nave-hub epoch open`: lets a restored ledger go on under a new origin, once enough manifest keys have signed for it.
package struct EpochOpening: Sendable {
    private let directory: HubDirectory
    private let manifest: String
    private let why: String
    private let revoked: [SPIFFEID]
    private let revokedSerials: [String]

    package struct Outcome: Hashable, Sendable, Encodable {
        private enum CodingKeys: String, CodingKey { case version, origin, index }

        package var version: Int64
        package var origin: String
        /// Ledger index of the epoch's first entry.
        package var index: Int64
        package var data: String

        /// For people.
        package var text: String {
            """
            the ledger goes on as \(origin) from entry \(index), by version \(version) of the trust manifest
            join tokens that were out are void
            start it: nave-hub serve --data \(data)
            """
        }

        /// For programs.
        package func json() throws(ModelError) -> [UInt8] { try JSONCoding.canonical(self) }
    }

    /// - Parameters:
    ///   - manifest: File with the signed version.
    ///   - revoked: Identities whose certificates of before are refused from the epoch's first moment on: those that were
    ///     revoked in what was lost.
    ///   - revokedSerials: Certificates that were revoked in what was lost, and authorities that retired, which retire again.
    /// - Throws: `bad-spiffe-id`, `bad-serial`.
    package init(
        data: String, manifest: String, why: String, revoked: [String] = [], revokedSerials: [String] = [],
        passphrase: [UInt8]? = nil
    ) throws {
        directory = HubDirectory(data, passphrase: passphrase)
        self.manifest = manifest
        self.why = why
        self.revoked = try revoked.map { try SPIFFEID($0) }
        self.revokedSerials = revokedSerials
        for serial in revokedSerials {
            guard serial == serial.lowercased(), let bytes = Hex.decode(serial), (8...20).contains(bytes.count) else {
                throw HubError(
                    .invalid, "bad-serial", "\(quoted(serial)) is no serial number of a certificate",
                    hint: "lower-case hexadecimal, as `nave certificate list` shows it")
            }
        }
    }

    /// One append is what counts; everything after it is made good by the next start. Given again, it ends what it began.
    /// - Throws: `not-a-hub`, `already-running`, `same-epoch`, `other-roots`, `other-start`, `key-not-held`,
    ///   `authority-active`, and what `TrustManifest.verifySuccessor` throws.
    package func run(now: @escaping @Sendable () -> Instant) throws -> Outcome {
        umask(0o077)
        let lock = try DirectoryLock(directory)
        defer { lock.release() }
        let bytes = try PrivateFile.read(manifest)
        let envelope = try DSSEEnvelope(parsing: bytes)
        let database = try HubDatabase(directory: directory.path)
        let (chain, inLedger) = try directory.longestChain()
        let json = try JSONCoding.encode(envelope)
        if inLedger.newestEnvelope == json, let start = inLedger.newest.start {
            return try finish(database, inLedger, at: start.size, now)
        }
        let next = try judged(envelope, after: chain.newest, now())
        let range = try append(next, envelope, inLedger, chain, to: database, now())
        // If the process dies here: the epoch is open. The start takes over its keys and signs.
        return try finish(database, chain.appending(json, next), at: range.lowerBound, now)
    }

    private func judged(
        _ envelope: DSSEEnvelope, after current: TrustManifest, _ now: Instant
    ) throws -> TrustManifest {
        let next = try TrustManifest.verifySuccessor(envelope, of: current, now: now)
        guard next.origin != current.origin, let start = next.start else {
            throw HubError(
                .conflict, "same-epoch", "version \(next.version) of the trust manifest begins no epoch",
                hint: "`nave-hub epoch prepare` makes one that does")
        }
        guard next.roots == current.roots else {
            throw HubError(
                .conflict, "other-roots", "the trust manifest names other roots than version \(current.version)")
        }
        let extent = try DatabaseCopy.extent(of: directory.path)
        guard start.size == extent.size, start.root == digestText(extent.root) else {
            throw HubError(
                .conflict, "other-start",
                "the trust manifest goes on from \(start.size) entries with the root \(start.root), "
                    + "the ledger here has \(extent.size) with \(digestText(extent.root))",
                hint: "prepare it anew with `nave-hub epoch prepare`")
        }
        try OnlineKeys.check(next, in: directory)
        return next
    }

    /// The epoch's first entry, the versions of the manifest that a restored ledger lacks, then the one that begins it.
    private func append(
        _ next: TrustManifest, _ envelope: DSSEEnvelope, _ inLedger: ManifestChain, _ chain: ManifestChain,
        to database: HubDatabase, _ now: Instant
    ) throws -> ClosedRange<Int64> {
        guard let start = next.start, let epoch = next.epoch else {
            throw HubError(.broken, "internal", "an epoch without a start")
        }
        let missing = zip(chain.manifests, chain.envelopes).dropFirst(inLedger.manifests.count).map {
            (version: $0.version, bytes: $1.canonicalBytes)
        }
        let published = missing + [(version: next.version, bytes: try envelope.encoded)]
        let opened = EpochOpened(epoch: epoch, origin: next.origin, size: start.size, root: start.root)
        let (revoked, revokedSerials) = (revoked, revokedSerials)
        return try database.openEpoch(
            by: Author(robot: "epoch-open"), why: why, now: now, random: { try randomBytes($0) }
        ) { registry in
            let manifests = try published.map { version, bytes in
                let digest = try registry.keep(artifact: bytes)
                return Event.manifestPublished(ManifestPublished(version: version, digest: digest))
            }
            let authorities = try registry.authorities()
            return [.epochOpened(opened)] + manifests
                + revoked.map { .identityRevoked(IdentityRevocation(identity: $0, issuedBefore: now)) }
                + (try revokedSerials.flatMap { try Self.revocation(of: $0, authorities) })
        }
    }

    /// Of an authority also its end, so that its key is not believed under another certificate either.
    /// - Throws: `authority-active`: with it the hub's own certificate and every owner's would end, for ever.
    private static func revocation(of serial: String, _ authorities: [AuthorityRecord]) throws(HubError) -> [Event] {
        let revocation = Event.certificateRevoked(CertificateRevoked(serial: serial))
        guard let record = authorities.first(where: { $0.serial == serial }) else { return [revocation] }
        guard !authorities.contains(where: { $0.state == .active && [$0.serial, $0.issuer].contains(serial) }) else {
            throw HubError(
                .conflict, "authority-active",
                "in the restored ledger certificates are issued under the authority \(quoted(serial)), `\(record.name)`",
                hint:
                    "open the epoch without it; then `nave authority prepare`, `activate`, `taint` and `retire --force`"
            )
        }
        let step = AuthorityStep(name: record.name, serial: serial, key: record.key)
        return record.state == .retired ? [revocation] : [.authorityRetired(step), revocation]
    }

    private func finish(
        _ database: HubDatabase, _ chain: ManifestChain, at index: Int64, _ now: @escaping @Sendable () -> Instant
    ) throws -> Outcome {
        let newest = chain.newest
        let keys = try OnlineKeys(of: newest, in: directory)
        try chain.keepCopy(in: directory)
        // Signs the head, so that `verify` and a backup find it signed before the first start.
        _ = try Ledger(
            database: database, signer: keys.checkpoint, origin: newest.origin, now: now,
            random: { try randomBytes($0) })
        try EpochNeed.dismiss(in: directory)
        return Outcome(version: newest.version, origin: newest.origin, index: index, data: directory.path)
    }
}
