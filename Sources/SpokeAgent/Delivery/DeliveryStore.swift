import Model
import Trust

/// The last good delivery as it came, in `delivery.json`.
package struct DeliveryStore: Sendable {
    private let path: String

    package init(path: String) { self.path = path }

    /// Called before a delivery is activated. If we die after it and before activation, the next start activates it: the hub
    /// was not told yet, and hears of it then.
    /// - Throws: `not-writable`.
    package func persist(_ bytes: [UInt8]) throws(SpokeError) { try DurableFile.write(bytes, to: path) }

    /// What was stored, verified again from its bytes: the directory is trusted to keep files, not to have kept them whole.
    ///
    /// A version of the manifest may have come after it and named other keys: it was good when it was stored, so any version
    /// that this spoke has walked over may vouch for it.
    /// - Parameter now: By the host's clock.
    /// - Returns: nil when nothing was stored yet.
    /// - Throws: `not-readable`, and what the verifier throws under the newest version.
    package func load(
        _ manifests: HeldManifests, spoke: SPIFFEID, now: Instant
    ) throws(SpokeError) -> VerifiedDelivery? {
        guard let bytes = try DurableFile.read(path) else { return nil }
        var refusal: SpokeError?
        for manifest in manifests.versions.reversed() {
            do throws(SpokeError) {
                return try DeliveryVerifier(manifest: manifest, spoke: spoke).verify(bytes, held: nil, now: now)
            } catch { refusal = refusal ?? error }
        }
        if let refusal { throw refusal }
        return nil
    }
}
