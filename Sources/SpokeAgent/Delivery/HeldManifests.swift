import Model
import Trust

/// The versions of the trust manifest that this spoke has walked over, from the one that enrolment pinned. Pure.
package struct HeldManifests: Sendable {
    /// Envelopes after the first version, oldest first.
    package private(set) var links: [JSON] = []
    /// Oldest first, never empty.
    package private(set) var versions: [TrustManifest]

    package init(first: TrustManifest) { versions = [first] }

    /// The one in force.
    package var newest: TrustManifest { versions[versions.count - 1] }

    /// Goes on to the versions that a hub sent. Every link has to hold, and the last version has to be in force: a spoke that
    /// was off for long passes over versions that have ended since.
    /// - Parameters:
    ///   - bytes: JSON of `ManifestLinks`.
    ///   - seen: The newest checkpoint held; an epoch that begins at its size has its root.
    /// - Throws: Codes of `ModelError`, and what `TrustManifest.verifyLinks` and `checkExpiry` throw: `below-threshold`,
    ///   `bad-signature`, `not-next-manifest`, `not-next-epoch`, `expired`, …; `split-view`.
    package func walked(_ bytes: [UInt8], seen: Checkpoint? = nil, now: Instant) throws -> HeldManifests {
        let reached = try appending(try JSONCoding.decode(ManifestLinks.self, from: bytes).manifests)
        try seen?.demandKept(by: Array(reached.versions.dropFirst(versions.count)))
        try reached.newest.checkExpiry(now)
        return reached
    }

    /// What this spoke stored: verified again, but not against the clock; an ended version refuses deliveries, not the start.
    package mutating func restore(_ bytes: [UInt8]) throws {
        self = try appending(try JSONCoding.decode(ManifestLinks.self, from: bytes).manifests)
    }

    private func appending(_ more: [JSON]) throws -> HeldManifests {
        var next = self
        let envelopes = try more.map { try JSONCoding.decode(DSSEEnvelope.self, from: $0) }
        next.versions += try TrustManifest.verifyLinks(envelopes, from: newest)
        next.links += more
        return next
    }
}

/// `manifests.json`.
package struct ManifestStore: Sendable {
    private let path: String

    package init(path: String) { self.path = path }

    /// - Throws: `not-writable`.
    package func persist(_ manifests: HeldManifests) throws {
        try DurableFile.write(try JSONCoding.canonical(ManifestLinks(manifests: manifests.links)), to: path)
    }
}
