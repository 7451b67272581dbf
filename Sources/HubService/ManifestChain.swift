import Model
import NIOConcurrencyHelpers
import Storage
import Trust

/// Every version of the trust manifest, from the first, each one following from the one before.
package struct ManifestChain: Sendable {
    /// DSSE envelopes, oldest first.
    package let envelopes: [JSON]
    package let manifests: [TrustManifest]
    /// The ledger's epochs as the versions name them, oldest first. Checkpoints that were signed under an older version of an
    /// epoch are still what spokes hold and databases keep.
    package let epochs: [LedgerEpoch]

    /// Nobody else writes to the hub's database, but a damaged one should be noticed now and not by every spoke.
    /// - Throws: `not-a-hub` for none, and what `TrustManifest.verifyLinks` throws.
    package init(_ stored: [[UInt8]]) throws {
        let envelopes = try stored.map { try DSSEEnvelope(parsing: $0) }
        guard let opening = envelopes.first else {
            throw HubError(
                .broken, "not-a-hub", "the ledger names no trust manifest",
                hint: "an older nave-hub made this directory: make a new one with `nave-hub init`")
        }
        let first = try TrustManifest(selfSigned: opening)
        let manifests = [first] + (try TrustManifest.verifyLinks(Array(envelopes.dropFirst()), from: first))
        self.init(envelopes: try stored.map { try JSON(parsing: $0) }, manifests: manifests)
    }

    private init(envelopes: [JSON], manifests: [TrustManifest]) {
        self.envelopes = envelopes
        self.manifests = manifests
        epochs = Self.epochs(of: manifests)
    }

    /// With a next version that was verified as the newest one's successor.
    func appending(_ envelope: JSON, _ manifest: TrustManifest) -> ManifestChain {
        ManifestChain(envelopes: envelopes + [envelope], manifests: manifests + [manifest])
    }

    /// The one in force.
    package var newest: TrustManifest { manifests[manifests.count - 1] }

    package var newestEnvelope: JSON { envelopes[envelopes.count - 1] }

    /// Handed to who enrols: the oldest version that names the root which a join token pins now, and as long as that
    /// lasts the root before it, which older tokens pin.
    package func opening(for root: Certificate) -> JSON {
        let number = manifests.firstIndex { $0.roots.contains(root.pem) } ?? manifests.count - 1
        return envelopes[number]
    }

    /// The versions after one, in order; nil when there are none.
    package func links(after version: Int64) -> ManifestLinks? {
        guard version < newest.version else { return nil }
        return ManifestLinks(manifests: Array(envelopes.dropFirst(Int(max(0, version)))))
    }

    /// Copies beside the keys: the newest version for operators, all of them for a restored ledger that is older than the
    /// keys. What the ledger holds is what counts.
    func keepCopy(in directory: HubDirectory) throws {
        try PrivateFile.replace(directory.file("manifest.json"), newestEnvelope.canonicalBytes)
        try PrivateFile.replace(
            directory.file("manifests.json"), try JSONCoding.canonical(ManifestLinks(manifests: envelopes)))
    }

    private static func epochs(of manifests: [TrustManifest]) -> [LedgerEpoch] {
        var epochs: [LedgerEpoch] = []
        for manifest in manifests {
            if epochs.last?.origin != manifest.origin {
                epochs.append(LedgerEpoch(origin: manifest.origin, start: manifest.start, keys: []))
            }
            let keys = manifest.keys(for: .checkpoint).keys.values
            epochs[epochs.count - 1].keys = Array(Set(epochs[epochs.count - 1].keys).union(keys))
        }
        return epochs
    }

    /// The checkpoint of a note that was signed under any version of the newest epoch.
    /// - Throws: What `Checkpoint.verified` throws.
    package func verifyCheckpoint(_ note: String) throws(TrustError) -> Checkpoint {
        try Checkpoint.verified(note: note, origin: newest.origin, keys: epochs.last?.keys ?? [])
    }

    /// Whether one of the two chains is the beginning of the other.
    func agrees(with other: ManifestChain) -> Bool {
        zip(envelopes, other.envelopes).allSatisfy { $0.canonicalBytes == $1.canonicalBytes }
    }
}

/// Where the chain is found; it only grows.
package final class ManifestChainBox: Sendable {
    private let box: NIOLockedValueBox<ManifestChain>

    package init(_ chain: ManifestChain) { box = NIOLockedValueBox(chain) }

    package var current: ManifestChain { box.withLockedValue { $0 } }
    func swap(_ chain: ManifestChain) { box.withLockedValue { $0 = chain } }
}
