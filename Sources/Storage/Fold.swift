import GRDB
import Model

/// The registry's tables as a function of the ledger: no clock, no randomness, no automatic numbers. Replaying the leaves
/// into an empty database gives the same rows.
enum Fold {
    /// Folds one leaf.
    /// - Throws: `StorageError` when the entry contradicts what stands: `not-opened`, `conflict`, `unknown-invitation`,
    ///   `invitation-spent`, `no-object`, `no-authority`, `no-revocation`, `no-review`, `no-review-item`, `review-closed`.
    static func apply(_ leaf: Leaf, at index: Int64, to db: Database) throws {
        let entry = leaf.entry
        if case .ledgerOpened(let opened) = entry.event {
            guard index == 0 else { throw StorageError("not-opened", "a ledger is opened once, by its first entry") }
            try db.run(
                "INSERT INTO opened (idx, organization, epoch, origin, root) VALUES (?, ?, ?, ?, ?)",
                [index, opened.organization, opened.epoch, opened.origin, opened.root])
            return
        }
        guard index > 0 else { throw StorageError("not-opened", "the first entry of a ledger is `ledger.opened`") }
        switch entry.event {
        case .ledgerOpened, .topologyApplied: break
        case .objectSet(let object): try set(object, leaf, index, db)
        case .objectRemoved(let object): try remove(object, index, db)
        case .invitationCreated(let invitation): try invite(invitation, leaf, index, db)
        case .certificateIssued(let certificate): try issue(certificate, index, db)
        case .certificateRevoked(let body):
            try db.run(
                "INSERT INTO revoked_serials (serial, idx) VALUES (?, ?) ON CONFLICT (serial) DO NOTHING",
                [body.serial, index])
            try change("organization", index, db)
        case .identityRevoked(let body): try revoke(body, index, db)
        case .roleGranted(let body):
            try db.run(
                "INSERT INTO roles (identity, role, idx) VALUES (?, ?, ?) ON CONFLICT (identity, role) DO NOTHING",
                [body.identity.description, body.role.rawValue, index])
        case .grantRevoked(let body): try revokeGrant(body, leaf, index, db)
        case .grantReinstated(let body): try reinstateGrant(body, index, db)
        case .reviewOpened(let body): try openReview(body, leaf, index, db)
        case .reviewDecided(let body): try decideItem(body, leaf, index, db)
        case .reviewClosed(let body): try closeReview(body, leaf, index, db)
        case .bundlesPublished(let body):
            // No scope changes: a publication must not raise the revisions that it publishes.
            try db.run(
                "INSERT INTO publications (idx, revision, root, count) VALUES (?, ?, ?, ?)",
                [index, body.revision, body.root, body.count])
        case .manifestPublished(let body): try publishManifest(body, index, db)
        case .authorityPrepared(let body): try prepareAuthority(body, index, db)
        case .authorityActivated(let body): try activateAuthority(body, index, db)
        case .authorityTainted(let body): try move(body, from: [.old], to: .tainted, index, db)
        case .authorityRetired(let body): try retireAuthority(body, index, db)
        case .journalsAnchored(let body): try anchorJournals(body, index, db)
        // Rows hold commitments, so they stay as they are; but bundles may have named the person.
        case .personErased: try change("organization", index, db)
        case .epochOpened(let body): try openEpoch(body, index, db)
        case .toolsApproved(let body): try approveTools(body, index, db)
        case .toolsWithdrawn(let body): try withdrawTools(body, index, db)
        }
    }

    /// Remembers that the bundles of a scope may differ from here on.
    static func change(_ scope: String, _ index: Int64, _ db: Database) throws {
        try db.run(
            "INSERT INTO changes (scope, idx) VALUES (?, ?) ON CONFLICT (scope) DO UPDATE SET idx = excluded.idx",
            [scope, index])
    }

    private static func set(_ object: ObjectSet, _ leaf: Leaf, _ index: Int64, _ db: Database) throws {
        try db.run(
            """
            INSERT INTO objects (kind, name, value, revision, author) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (kind, name) DO UPDATE
            SET value = excluded.value, revision = excluded.revision, author = excluded.author
            """, [object.kind.rawValue, object.name, try leaf.body("value"), index, leaf.author])
        try change(ObjectName(kind: object.kind, name: object.name).scope, index, db)
    }

    private static func remove(_ object: ObjectName, _ index: Int64, _ db: Database) throws {
        try db.run("DELETE FROM objects WHERE kind = ? AND name = ?", [object.kind.rawValue, object.name])
        guard db.changesCount == 1 else {
            throw StorageError(
                "no-object", "there is no \(object.kind.rawValue) `\(object.name.prefix(130))` to remove")
        }
        try forgetPins(of: object, db)
        try change(object.scope, index, db)
    }

    private static func invite(_ invitation: Invitation, _ leaf: Leaf, _ index: Int64, _ db: Database) throws {
        guard let organization = try String.fetchOne(db, sql: "SELECT organization FROM opened") else {
            throw StorageError("not-opened", "the ledger names no organization")
        }
        let identity = try invitation.identity(organization: organization)
        try db.run(
            "INSERT INTO invitations (id, secret_hash, identity, value, author, idx) VALUES (?, ?, ?, ?, ?, ?)",
            [invitation.id, invitation.secretHash, identity.description, leaf.body, leaf.author, index])
        if invitation.kind == .user, invitation.address != nil {
            try db.run(
                """
                INSERT INTO users (id, address, idx) VALUES (?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET address = excluded.address, idx = excluded.idx
                """, [invitation.name, try leaf.body("address"), index])
        }
    }

    private static func issue(_ certificate: CertificateIssued, _ index: Int64, _ db: Database) throws {
        if let invitation = certificate.invitation {
            let row = try Row.fetchOne(
                db, sql: "SELECT identity, spent, voided FROM invitations WHERE id = ?", arguments: [invitation])
            guard let row, row["identity"] == certificate.identity.description else {
                throw StorageError("unknown-invitation", "no invitation `\(invitation.prefix(64))` of that identity")
            }
            guard row["spent"] == nil as Int64?, row["voided"] == nil as Int64? else {
                throw StorageError(
                    "invitation-spent", "the invitation `\(invitation.prefix(64))` was used or withdrawn")
            }
            try db.run("UPDATE invitations SET spent = ? WHERE id = ?", [index, invitation])
        }
        let identity = certificate.identity.description
        try db.run(
            """
            INSERT INTO certificates (idx, serial, previous, invitation, not_after)
            VALUES (?, ?, (SELECT idx FROM newest_certificates WHERE identity = ?), ?, ?)
            """, [index, certificate.serial, identity, certificate.invitation, certificate.notAfter.description])
        try db.run(
            """
            INSERT INTO newest_certificates (identity, idx) VALUES (?, ?)
            ON CONFLICT (identity) DO UPDATE SET idx = excluded.idx
            """, [identity, index])
    }

    private static func revoke(_ revocation: IdentityRevocation, _ index: Int64, _ db: Database) throws {
        let identity = revocation.identity.description
        try db.run(
            """
            INSERT INTO revoked_identities (identity, issued_before, idx) VALUES (?, ?, ?)
            ON CONFLICT (identity) DO UPDATE
            SET issued_before = max(issued_before, excluded.issued_before), idx = excluded.idx
            """, [identity, revocation.issuedBefore.milliseconds, index])
        // An invitation that is still out would let the identity come straight back.
        try db.run(
            "UPDATE invitations SET voided = ? WHERE identity = ? AND spent IS NULL AND voided IS NULL",
            [index, identity])
        try change("organization", index, db)
    }
}
