import GRDB
import Model
import Trust

/// A certificate that is not believed any more, and since when.
package struct RevokedCertificate: Hashable, Sendable {
    package var serial: String
    package var at: Instant
}

/// Certificates as lists and revocation lists want them.
extension Registry {
    /// Certificates that end after a moment, newest first.
    package func certificates(endingAfter now: Instant) throws -> [CertificateIssued] {
        // Times have one width, so that their texts sort as they do.
        try read {
            try String.fetchAll(
                db,
                sql: "SELECT value FROM certificates WHERE json_extract(value, '$.notAfter') > ? ORDER BY idx DESC",
                arguments: [now.description]
            ).map { try JSONCoding.decode(CertificateIssued.self, from: try revealed($0)) }
        }
    }

    /// The certificates of a trust domain that are revoked, one by one or with their identity, and have not ended; by serial.
    package func revokedCertificates(ofDomain domain: String, endingAfter now: Instant) throws -> [RevokedCertificate] {
        let serials = try revokedSerialTimes()
        let identities = Dictionary(
            try revokedIdentities().map { ($0.identity, $0.issuedBefore) }, uniquingKeysWith: max)
        var revoked: [RevokedCertificate] = []
        for issued in try certificates(endingAfter: now) where issued.identity.trustDomain == domain {
            let before = identities[issued.identity].flatMap {
                issued.notBefore + CertificateAuthority.backdating < $0 ? $0 : nil
            }
            guard let at = [serials[issued.serial], before].compactMap(\.self).min() else { continue }
            revoked.append(RevokedCertificate(serial: issued.serial, at: at))
        }
        return revoked.sorted { $0.serial < $1.serial }
    }

    private func revokedSerialTimes() throws -> [String: Instant] {
        try read {
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT r.serial, json_extract(CAST(l.bytes AS TEXT), '$.at') AS at
                    FROM revoked_serials r JOIN ledger l ON l.idx = r.idx
                    """)
            var times: [String: Instant] = [:]
            for row in rows {
                guard let at = Instant(row["at"]) else {
                    throw StorageError("database-damaged", "an entry of the ledger bears no time")
                }
                times[row["serial"]] = at
            }
            return times
        }
    }
}
