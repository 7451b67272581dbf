import Model

/// The last good delivery as it came, in `delivery.json`.
package struct DeliveryStore: Sendable {
    private let path: String

    package init(path: String) { self.path = path }

    /// Called before a delivery is activated. If we die after it and before activation, the next start activates it: the hub
    /// was not told yet, and hears of it then.
    /// - Throws: `not-writable`.
    package func persist(_ bytes: [UInt8]) throws(SpokeError) { try DurableFile.write(bytes, to: path) }

    /// What was stored, verified again from its bytes: the directory is trusted to keep files, not to have kept them whole.
    /// - Returns: nil when nothing was stored yet.
    /// - Throws: `not-readable`, and what the verifier throws.
    package func load(_ verifier: DeliveryVerifier, now: Instant) throws(SpokeError) -> VerifiedDelivery? {
        guard let bytes = try DurableFile.read(path) else { return nil }
        return try verifier.verify(bytes, held: nil, now: now)
    }
}
