/// A version of the trust manifest took force. Its envelope is kept under the digest, so that whoever was away can walk from
/// version to version.
package struct ManifestPublished: Hashable, Sendable, Codable {
    /// Counts from 1 without a gap.
    package var version: Int64
    /// `sha256:…` of the canonical JSON of the signed envelope.
    package var digest: String

    package init(version: Int64, digest: String) {
        self.version = version
        self.digest = digest
    }
}
