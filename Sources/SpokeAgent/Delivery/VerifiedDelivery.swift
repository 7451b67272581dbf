import Model
import Trust

/// A delivery whose every signature held: what a spoke may enforce. Made by `DeliveryVerifier` only.
package struct VerifiedDelivery: Sendable {
    package let bundle: PolicyBundle
    /// `sha256:…` of the bundle's payload bytes.
    package let digest: String
    package let leaseIssued: Instant
    package let checkpoint: Checkpoint
    /// The checkpoint's signed note.
    package let note: String

    init(bundle: PolicyBundle, digest: String, leaseIssued: Instant, checkpoint: Checkpoint, note: String) {
        self.bundle = bundle
        self.digest = digest
        self.leaseIssued = leaseIssued
        self.checkpoint = checkpoint
        self.note = note
    }

    /// What the hub is told.
    package var applied: AppliedBundle { AppliedBundle(revision: bundle.revision, digest: digest) }
}
