import Model
import NIOConcurrencyHelpers
import Trust

/// Every version of the trust manifest, from the first, each one following from the one before.
package struct ManifestChain: Sendable {
    /// DSSE envelopes, oldest first.
    package let envelopes: [JSON]
    package let manifests: [TrustManifest]

    /// Nobody else writes to the hub's database, but a damaged one should be noticed now and not by every spoke.
    /// - Throws: `not-a-hub` for none, and what `TrustManifest.verifyLinks` throws.
    package init(_ stored: [[UInt8]]) throws {
        let envelopes = try stored.map { try DSSEEnvelope(parsing: $0) }
        guard let opening = envelopes.first else {
            throw HubError(
                .broken, "not-a-hub", "the ledger names no trust manifest",
                hint: "an older nave-hub made this directory: make a new one with `nave-hub init`")
        }
        let first = try TrustManifest.claimed(by: opening)
        _ = try first.verify(opening, payloadType: TrustManifest.payloadType, role: .manifest)
        manifests = [first] + (try TrustManifest.verifyLinks(Array(envelopes.dropFirst()), from: first))
        self.envelopes = try stored.map { try JSON(parsing: $0) }
    }

    private init(envelopes: [JSON], manifests: [TrustManifest]) {
        self.envelopes = envelopes
        self.manifests = manifests
    }

    /// With a next version that was verified as the newest one's successor.
    func appending(_ envelope: JSON, _ manifest: TrustManifest) -> ManifestChain {
        ManifestChain(envelopes: envelopes + [envelope], manifests: manifests + [manifest])
    }

    /// The one in force.
    package var newest: TrustManifest { manifests[manifests.count - 1] }

    /// Handed to who enrols: the version that their pin vouches for.
    package var first: JSON { envelopes[0] }

    /// The versions after one, in order; nil when there are none.
    package func links(after version: Int64) -> ManifestLinks? {
        guard version < newest.version else { return nil }
        return ManifestLinks(manifests: Array(envelopes.dropFirst(Int(max(0, version)))))
    }

    /// For operators: what the ledger holds is what counts.
    func keepCopy(in directory: HubDirectory) throws {
        try PrivateFile.replace(directory.file("manifest.json"), envelopes[envelopes.count - 1].canonicalBytes)
    }

    /// Checkpoints that were signed under an older version are still what spokes hold and databases keep.
    package var checkpointKeys: [PublicKey] {
        Array(Set(manifests.flatMap { $0.keys(for: .checkpoint).keys.values }))
    }

    /// The checkpoint of a note that was signed under any version.
    /// - Throws: What `Checkpoint.verified` throws.
    package func verifyCheckpoint(_ note: String) throws(TrustError) -> Checkpoint {
        try Checkpoint.verified(note: note, origin: newest.origin, keys: checkpointKeys)
    }
}

/// Where the chain is found; it only grows.
package final class ManifestChainBox: Sendable {
    private let box: NIOLockedValueBox<ManifestChain>

    package init(_ chain: ManifestChain) { box = NIOLockedValueBox(chain) }

    package var current: ManifestChain { box.withLockedValue { $0 } }
    func swap(_ chain: ManifestChain) { box.withLockedValue { $0 = chain } }
}
