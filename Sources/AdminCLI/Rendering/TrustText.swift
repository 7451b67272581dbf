import Model
import Trust

/// One version of the trust manifest as `nave trust show` shows it.
package struct ManifestRow: Hashable, Sendable, Encodable {
    package struct Role: Hashable, Sendable, Encodable {
        package var role: String
        package var threshold: Int
        package var keys: [Key]
    }

    package struct Key: Hashable, Sendable, Encodable {
        package var id: String
        /// Base64 of 32 bytes.
        package var `public`: String
    }

    package var version: Int64
    package var expires: Instant
    package var isCurrent: Bool
    package var organization: String
    package var origin: String
    /// Where the epoch of `origin` begins; nil in the first.
    package var start: TrustManifest.Start?
    /// Digests of the roots' keys.
    package var roots: [String]
    package var roles: [Role]
    /// Key ids.
    package var signedBy: [String]

    /// - Throws: `bad-manifest`.
    package init(_ manifest: TrustManifest, _ envelope: DSSEEnvelope, isCurrent: Bool) throws(TrustError) {
        version = manifest.version
        expires = manifest.expires
        self.isCurrent = isCurrent
        organization = manifest.organization
        origin = manifest.origin
        start = manifest.start
        roots = try manifest.rootCertificates().map(\.publicKey.spkiDigest)
        roles = TrustRole.allCases.map { name in
            let role = manifest.roles[name]
            return Role(
                role: name.rawValue, threshold: role.threshold,
                keys: role.keys.map { Key(id: $0, public: manifest.keys[$0]?.public ?? "") })
        }
        signedBy = envelope.signatures.map(\.keyid)
    }
}

package func manifestTable(_ rows: [ManifestRow], now: Instant) -> Table {
    var table = Table("", "VERSION", "UNTIL", "ROLE", "NEEDS", "KEYS")
    for row in rows {
        for (number, role) in row.roles.enumerated() {
            let isFirst = number == 0
            table.add(
                isFirst && row.isCurrent ? Table.Cell("*", .good) : "", isFirst ? "\(row.version)" : "",
                isFirst ? Table.Cell(minute(row.expires), row.expires <= now ? .bad : .plain) : "", "\(role.role)",
                "\(role.threshold) of \(role.keys.count)", "\(role.keys.map { shortKey($0.id) }.joined(separator: " "))"
            )
        }
    }
    return table
}

/// The first twelve digits of a key's digest: enough to tell keys apart by eye.
package func shortKey(_ id: String) -> String { String(id.drop { $0 != ":" }.dropFirst().prefix(12)) }
