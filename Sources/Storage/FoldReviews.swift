import GRDB
import Model

/// Grants taken away, and the campaigns that judge them.
extension Fold {
    static func revokeGrant(_ body: GrantRevoked, _ leaf: Leaf, _ index: Int64, _ db: Database) throws {
        try db.run(
            "INSERT INTO revocations (id, server, value, item, at, idx) VALUES (?, ?, ?, ?, ?, ?)",
            [body.id, body.server, leaf.body, body.item, leaf.entry.at.milliseconds, index])
        if let item = body.item {
            let parts = item.split(separator: "/").map(String.init)
            guard parts.count == 2, let number = Int64(parts[1]) else {
                throw StorageError("no-review-item", "`\(item.prefix(80))` names no item of a review")
            }
            try db.run(
                "UPDATE review_items SET revocation = ? WHERE review = ? AND number = ?", [body.id, parts[0], number])
            guard db.changesCount == 1 else {
                throw StorageError("no-review-item", "`\(item.prefix(80))` names no item of a review")
            }
        }
        try change(zone(ofServer: body.server), index, db)
    }

    static func reinstateGrant(_ body: GrantReinstated, _ index: Int64, _ db: Database) throws {
        let server = try String.fetchOne(
            db, sql: "SELECT server FROM revocations WHERE id = ? AND lifted IS NULL", arguments: [body.id])
        guard let server else {
            throw StorageError("no-revocation", "no revocation `\(body.id.prefix(80))` is in force")
        }
        try db.run("UPDATE revocations SET lifted = ? WHERE id = ?", [index, body.id])
        try change(zone(ofServer: server), index, db)
    }

    static func openReview(_ body: ReviewOpened, _ leaf: Leaf, _ index: Int64, _ db: Database) throws {
        try db.run(
            "INSERT INTO reviews (id, zone, due, evidence, author, at, idx) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                body.id, body.zone, body.due.milliseconds, body.evidence, leaf.author, leaf.entry.at.milliseconds,
                index,
            ])
        // The leaf's own items, with commitments; the decoded ones only tell that they are well-formed.
        for item in leaf.json["body"]?["items"]?.array ?? [] {
            guard let number = item["number"]?.integer, let grant = item["grant"] else { continue }
            try db.run(
                "INSERT INTO review_items (review, number, value) VALUES (?, ?, ?)",
                [body.id, number, grant.canonicalText])
        }
        try change(body.zone, index, db)
    }

    static func decideItem(_ body: ReviewDecided, _ leaf: Leaf, _ index: Int64, _ db: Database) throws {
        let zone = try openZone(ofReview: body.review, db)
        try db.run(
            """
            UPDATE review_items SET verdict = ?, author = ?, why = ?, at = ?, idx = ? WHERE review = ? AND number = ?
            """,
            [
                body.verdict.rawValue, leaf.author, leaf.why, leaf.entry.at.milliseconds, index, body.review, body.item,
            ])
        guard db.changesCount == 1 else {
            throw StorageError("no-review-item", "the review `\(body.review.prefix(64))` has no item \(body.item)")
        }
        try change(zone, index, db)
    }

    static func closeReview(_ body: ReviewClosed, _ leaf: Leaf, _ index: Int64, _ db: Database) throws {
        let zone = try openZone(ofReview: body.review, db)
        try db.run(
            "UPDATE reviews SET closed_author = ?, closed_at = ?, closed_idx = ? WHERE id = ?",
            [leaf.author, leaf.entry.at.milliseconds, index, body.review])
        try change(zone, index, db)
    }

    private static func openZone(ofReview id: String, _ db: Database) throws -> String {
        let row = try Row.fetchOne(db, sql: "SELECT zone, closed_idx FROM reviews WHERE id = ?", arguments: [id])
        guard let row else { throw StorageError("no-review", "there is no review `\(id.prefix(64))`") }
        guard row["closed_idx"] == nil as Int64? else {
            throw StorageError("review-closed", "the review `\(id.prefix(64))` is closed")
        }
        return row["zone"]
    }

    private static func zone(ofServer name: String) -> String { String(name.prefix { $0 != "/" }) }
}
