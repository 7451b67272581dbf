/// All bundles as of one state of the registry, in one hash. A bundle that is in no such entry was never published, and a
/// spoke refuses it.
package struct BundlesPublished: Hashable, Sendable, Codable {
    /// The highest revision among them.
    package var revision: Int64
    /// `sha256:…` of the Merkle root (RFC 9162) over slots: the canonical bytes of each `PublishedBundle` in the slot of its
    /// spoke, nothing in the others. So it commits to at most one bundle for a spoke.
    package var root: String
    /// How many slots, a power of two; nearly all are empty.
    package var count: Int64

    package init(revision: Int64, root: String, count: Int64) {
        self.revision = revision
        self.root = root
        self.count = count
    }
}

/// One leaf of a publication.
package struct PublishedBundle: Hashable, Sendable, Codable {
    /// `sha256:…` of the bundle's payload bytes.
    package var digest: String
    package var spoke: SPIFFEID

    package init(digest: String, spoke: SPIFFEID) {
        self.digest = digest
        self.spoke = spoke
    }

    /// - Throws: `not-encodable`.
    package var leaf: [UInt8] { get throws(ModelError) { try JSONCoding.canonical(self) } }
}
