import GRDB
import Model
import Trust

/// The table of certificates keeps what they are found by, in the order of the ledger; what was issued stands in its entry.
enum CertificateSchema {
    static let withoutValues: DatabaseFile.Migration = """
        CREATE TABLE found_certificates (
            idx INTEGER PRIMARY KEY,
            serial TEXT NOT NULL,
            identity TEXT NOT NULL,
            invitation TEXT,
            not_after TEXT NOT NULL
        ) STRICT;
        INSERT INTO found_certificates (idx, serial, identity, invitation, not_after)
        SELECT idx, serial, identity, invitation, json_extract(value, '$.notAfter') FROM certificates ORDER BY idx;
        DROP TABLE certificates;
        ALTER TABLE found_certificates RENAME TO certificates;
        CREATE UNIQUE INDEX certificates_serial ON certificates (serial);
        CREATE INDEX certificates_identity ON certificates (identity);
        CREATE UNIQUE INDEX certificates_invitation ON certificates (invitation) WHERE invitation IS NOT NULL;
        """

    /// Each certificate leads to the one before it of the same identity, the newest is found by the identity: an index of all
    /// of them by identity would have a page of its own to write for nearly each renewal.
    static let chained: DatabaseFile.Migration = """
        CREATE TABLE chained_certificates (
            idx INTEGER PRIMARY KEY,
            serial TEXT NOT NULL,
            previous INTEGER,
            invitation TEXT,
            not_after TEXT NOT NULL
        ) STRICT;
        CREATE TABLE newest_certificates (
            identity TEXT PRIMARY KEY,
            idx INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        INSERT INTO chained_certificates (idx, serial, previous, invitation, not_after)
        SELECT idx, serial, lag(idx) OVER (PARTITION BY identity ORDER BY idx), invitation, not_after FROM certificates;
        INSERT INTO newest_certificates (identity, idx) SELECT identity, max(idx) FROM certificates GROUP BY identity;
        DROP TABLE certificates;
        ALTER TABLE chained_certificates RENAME TO certificates;
        CREATE UNIQUE INDEX certificates_serial ON certificates (serial);
        CREATE UNIQUE INDEX certificates_invitation ON certificates (invitation) WHERE invitation IS NOT NULL;
        """
}

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
        try certificates("WHERE c.not_after > ? ORDER BY c.idx DESC", [now.description])
    }

    /// - Parameter clause: about the table as `c`.
    func certificates(_ clause: String, _ arguments: StatementArguments) throws -> [CertificateIssued] {
        try read {
            try Blob.fetchAll(
                db, sql: "SELECT l.bytes FROM certificates c JOIN ledger l ON l.idx = c.idx \(clause)",
                arguments: arguments
            ).map { try issued($0) }
        }
    }

    /// What an entry says was issued.
    func issued(_ entry: Blob) throws -> CertificateIssued {
        guard case .certificateIssued(let issued) = try Leaf(stored: entry.bytes).entry.event else {
            throw StorageError("database-damaged", "an entry of a certificate is of another type")
        }
        return issued
    }

    /// The certificates of a trust domain that are revoked, one by one or with their identity, and have not ended; by serial.
    package func revokedCertificates(ofDomain domain: String, endingAfter now: Instant) throws -> [RevokedCertificate] {
        let serials = try revokedSerialTimes()
        let identities = Dictionary(
            try revokedIdentities().map { ($0.identity, $0.issuedBefore) }, uniquingKeysWith: max)
        var revoked: [RevokedCertificate] = []
        for issued in try certificates(endingAfter: now) where issued.identity.trustDomain == domain {
            let before = identities[issued.identity].flatMap {
                CertificateAuthority.wasIssued(from: issued.notBefore, before: $0) ? $0 : nil
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
