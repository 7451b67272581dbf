import Model
import Trust

/// Judges one delivery: bytes first, then meaning, then order. Pure.
///
/// The order of the checks is the defence: nothing of a payload is decoded before its signatures held, nothing is compared
/// before it is decoded strictly, and a delivery is taken whole or not at all.
package struct DeliveryVerifier: Sendable {
    /// How far a lease may lie ahead of this host's clock.
    package static let skew = Milliseconds.minutes(5)

    private let manifest: TrustManifest
    private let spoke: SPIFFEID

    package init(manifest: TrustManifest, spoke: SPIFFEID) {
        self.manifest = manifest
        self.spoke = spoke
    }

    /// - Parameters:
    ///   - bytes: JSON of a `Delivery`.
    ///   - held: What is enforced now; nil at the start.
    /// - Throws: A code of `ModelError` or `TrustError`, or `other-spoke`, `other-organization`, `foreign-origin`, `older`,
    ///   `changed-without-revision`, `lease-other-bundle`, `lease-older`, `lease-ahead`, `checkpoint-older`,
    ///   `split-view`, `fork`, `checkpoint-unproved`, `unproved`, `not-logged`, `not-published`.
    package func verify(
        _ bytes: [UInt8], held: VerifiedDelivery?, now: Instant
    ) throws(SpokeError) -> VerifiedDelivery {
        do {
            let delivery = try JSONCoding.decode(Delivery.self, from: bytes)
            let (bundle, digest) = try self.bundle(delivery.bundle)
            let lease = try self.lease(delivery.lease)
            let checkpoint = try self.checkpoint(delivery.checkpoint)
            try compare(bundle, digest, with: held)
            try compare(lease, of: digest, with: held, now: now)
            guard let proof = delivery.proof else {
                throw SpokeError("unproved", "nothing shows that the bundle was published")
            }
            try PublicationProof(proof).demand(digest, for: spoke, in: checkpoint)
            try compare(checkpoint, with: held, proof)
            return VerifiedDelivery(
                bundle: bundle, digest: digest, leaseIssued: lease.issued, checkpoint: checkpoint,
                note: delivery.checkpoint)
        } catch let error as SpokeError {
            throw error
        } catch let error as any NaveError {
            throw SpokeError(error)
        } catch {
            throw SpokeError("bad-delivery", "cannot read the delivery: \(error)")
        }
    }

    private func bundle(_ envelope: JSON) throws -> (PolicyBundle, String) {
        let payload = try payload(of: envelope, type: PolicyBundle.payloadType, role: .bundle)
        let bundle = try PolicyBundle.decoded(payload)
        guard WireVersion.read.contains(bundle.v) else {
            let read = WireVersion.read.map(String.init).joined(separator: ", ")
            throw SpokeError(
                "wire-version", "the bundle is of wire version \(bundle.v), this spoke reads \(read)",
                hint: "upgrade nave-spoke")
        }
        guard bundle.neededWireVersion <= bundle.v else {
            throw SpokeError(
                "wire-version", "the bundle says that it is of wire version \(bundle.v), and holds what is newer")
        }
        guard bundle.spoke == spoke else {
            throw SpokeError("other-spoke", "the bundle is for `\(bundle.spoke)`, this is `\(spoke)`")
        }
        guard sameBytes(bundle.organization, manifest.organization) else {
            throw SpokeError("other-organization", "the bundle is of \(backticked(bundle.organization))")
        }
        guard sameBytes(bundle.origin, manifest.origin) else {
            throw SpokeError("foreign-origin", "the bundle counts in the ledger \(backticked(bundle.origin))")
        }
        return (bundle, digestText(of: payload))
    }

    private func lease(_ envelope: JSON) throws -> Lease {
        let payload = try payload(of: envelope, type: Lease.payloadType, role: .lease)
        let lease = try JSONCoding.decodeCanonical(Lease.self, from: payload)
        guard lease.v == Lease.version else {
            throw SpokeError("wire-version", "the lease is of wire version \(lease.v)")
        }
        guard lease.spoke == spoke else {
            throw SpokeError("other-spoke", "the lease is for `\(lease.spoke)`, this is `\(spoke)`")
        }
        return lease
    }

    private func payload(of envelope: JSON, type: String, role: TrustRole) throws -> [UInt8] {
        let envelope = try JSONCoding.decode(DSSEEnvelope.self, from: envelope)
        let (keys, threshold) = manifest.keys(for: role)
        return try DSSE.verify(envelope, payloadType: type, keys: keys, threshold: threshold)
    }

    private func checkpoint(_ note: String) throws -> Checkpoint {
        let (keys, threshold) = manifest.keys(for: .checkpoint)
        return try Checkpoint.verified(
            note: note, origin: manifest.origin, keys: Array(keys.values), threshold: threshold)
    }

    /// Order is by epoch, then by revision: the manifest that begins an epoch puts every revision of the one before behind it.
    private func compare(_ bundle: PolicyBundle, _ digest: String, with held: VerifiedDelivery?) throws(SpokeError) {
        guard let held, sameBytes(held.bundle.origin, manifest.origin) else { return }
        guard bundle.revision >= held.bundle.revision else {
            throw SpokeError("older", "the bundle's revision \(bundle.revision) is below \(held.bundle.revision)")
        }
        guard bundle.revision > held.bundle.revision || digest == held.digest else {
            throw SpokeError("changed-without-revision", "revision \(bundle.revision) came with another content")
        }
    }

    private func compare(
        _ lease: Lease, of digest: String, with held: VerifiedDelivery?, now: Instant
    ) throws(SpokeError) {
        guard lease.bundle == digest else {
            throw SpokeError(
                "lease-other-bundle", "the lease is for \(backticked(lease.bundle)), the bundle is `\(digest)`")
        }
        guard lease.issued <= now + Self.skew else {
            throw SpokeError(
                "lease-ahead", "the lease was issued at \(lease.issued), this host's clock says \(now)",
                hint: "compare the clocks of this host and the hub")
        }
        if let held, lease.issued < held.leaseIssued {
            throw SpokeError("lease-older", "the lease was issued at \(lease.issued), before \(held.leaseIssued)")
        }
    }

    private func compare(
        _ checkpoint: Checkpoint, with held: VerifiedDelivery?, _ proof: DeliveryProof
    ) throws(TrustError) {
        // What was seen of an epoch before gives way to where this one begins.
        var known = manifest.startCheckpoint
        if let held, sameBytes(held.checkpoint.origin, manifest.origin) { known = held.checkpoint }
        guard let known else { return }
        // The hub sends one for each checkpoint that we may hold, and for the epoch's start.
        let ours = proof.consistency?.prefix(16).first { $0.size == known.size }
        let path: [[UInt8]]?
        if let ours { path = try ProofText.decode(ours.path) } else { path = nil }
        try known.demandExtended(by: checkpoint, proof: path)
    }
}
