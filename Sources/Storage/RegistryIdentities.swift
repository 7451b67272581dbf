import GRDB
import Model

/// An invitation and what became of it.
package struct InvitationRecord: Hashable, Sendable {
    package var invitation: Invitation
    package var identity: SPIFFEID
    /// Who invited.
    package var author: Author
    /// The certificate whose issue spent it; given again for the same key after a lost answer.
    package var certificate: CertificateIssued?
    /// Whether the identity was revoked while the invitation was out.
    package var isVoid: Bool
}

/// Who may be who.
extension Registry {
    /// - Parameter secretHash: `sha256:…` of the secret's bytes.
    package func invitation(secretHash: String) throws -> InvitationRecord? {
        try invitations("secret_hash = ?", [secretHash]).first
    }

    /// Neither spent nor void, expired ones included, oldest first.
    package func openInvitations() throws -> [Invitation] {
        try invitations("spent IS NULL AND voided IS NULL", []).map(\.invitation)
    }

    /// Every certificate of an identity, oldest first.
    package func certificates(_ identity: SPIFFEID) throws -> [CertificateIssued] {
        try certificates(
            """
            WHERE c.idx IN (
                WITH RECURSIVE chain (idx) AS (
                    SELECT idx FROM newest_certificates WHERE identity = ?
                    UNION ALL
                    SELECT previous FROM chain JOIN certificates USING (idx) WHERE previous IS NOT NULL
                )
                SELECT idx FROM chain
            ) ORDER BY c.idx
            """, [identity.description])
    }

    package func latestCertificate(_ identity: SPIFFEID) throws -> CertificateIssued? {
        try certificates(
            "WHERE c.idx = (SELECT idx FROM newest_certificates WHERE identity = ?)", [identity.description]
        ).first
    }

    /// The newest certificate of every identity.
    func latestCertificates() throws -> NewestCertificates {
        NewestCertificates(try certificates("WHERE c.idx IN (SELECT idx FROM newest_certificates)", []))
    }

    package func certificate(serial: String) throws -> CertificateIssued? {
        try certificates("WHERE c.serial = ?", [serial]).first
    }

    /// Those whose serial number begins so, by serial number, at most `limit`.
    /// - Parameter prefix: lower-case hex.
    package func certificates(serialPrefix prefix: String, limit: Int) throws -> [CertificateIssued] {
        // `g` is the first letter that is no digit: a range that the index of serial numbers answers.
        try certificates(
            "WHERE c.serial >= ? AND c.serial < ? ORDER BY c.serial LIMIT ?", [prefix, "\(prefix)g", limit])
    }

    /// Sorted by serial.
    package func revokedSerials() throws -> [String] {
        try read { try String.fetchAll(db, sql: "SELECT serial FROM revoked_serials ORDER BY serial") }
    }

    /// Sorted by identity.
    package func revokedIdentities() throws -> [IdentityRevocation] {
        try read {
            try Row.fetchAll(db, sql: "SELECT identity, issued_before FROM revoked_identities ORDER BY identity").map {
                IdentityRevocation(
                    identity: try SPIFFEID($0["identity"]), issuedBefore: Instant(milliseconds: $0["issued_before"]))
            }
        }
    }

    package func revokedIdentity(_ identity: SPIFFEID) throws -> IdentityRevocation? {
        try read {
            try Int64.fetchOne(
                db, sql: "SELECT issued_before FROM revoked_identities WHERE identity = ?",
                arguments: [identity.description]
            ).map { IdentityRevocation(identity: identity, issuedBefore: Instant(milliseconds: $0)) }
        }
    }

    /// Roles that commands gave.
    package func grantedRoles() throws -> [SPIFFEID: Set<Role>] {
        try read {
            var roles: [SPIFFEID: Set<Role>] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT identity, role FROM roles") {
                roles[try SPIFFEID(row["identity"]), default: []].insert(try word(row["role"]))
            }
            return roles
        }
    }

    /// The addresses by which users were invited, by opaque id: the last segment of the SPIFFE ID. Without those that were
    /// erased.
    package func addresses() throws -> [String: String] {
        Dictionary(try users().compactMap { user in user.address.map { (user.id, $0) } }) { first, _ in first }
    }

    /// Whoever was invited as a user, by opaque id; without an address where it was erased.
    package func users() throws -> [(id: String, address: String?)] {
        try read {
            try Row.fetchAll(db, sql: "SELECT id, address FROM users").map { row in
                let concealed = try JSON(parsing: Array((row["address"] as String).utf8))
                let address = try concealed["commit"]?.string.flatMap {
                    try String.fetchOne(
                        db, sql: "SELECT value FROM disclosures WHERE commitment = ?", arguments: [$0])
                }
                return (row["id"], address)
            }
        }
    }

    private func invitations(_ condition: String, _ arguments: StatementArguments) throws -> [InvitationRecord] {
        try read {
            let sql = """
                SELECT i.value, i.identity, i.author, i.voided, l.bytes AS certificate
                FROM invitations i LEFT JOIN certificates c ON c.invitation = i.id LEFT JOIN ledger l ON l.idx = c.idx
                WHERE i.\(condition) ORDER BY i.idx
                """
            return try Row.fetchAll(db, sql: sql, arguments: arguments).map { row in
                InvitationRecord(
                    invitation: try JSONCoding.decode(Invitation.self, from: try revealed(row["value"])),
                    identity: try SPIFFEID(row["identity"]), author: try author(row["author"]),
                    certificate: try (row["certificate"] as Blob?).map { try issued($0) },
                    isVoid: row["voided"] != nil as Int64?)
            }
        }
    }
}
