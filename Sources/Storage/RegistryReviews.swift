import Foundation
import GRDB
import Model

/// A grant that was taken away.
package struct RevocationRecord: Hashable, Sendable {
    package var revoked: GrantRevoked
    package var at: Instant
    package var index: Int64
    /// Ledger index of the entry that lifted it.
    package var lifted: Int64?

    /// What it puts on grants; only while it is not lifted.
    package var mask: Mask {
        Mask(
            id: revoked.id, principal: revoked.principal, server: revoked.server, capabilities: revoked.capabilities,
            at: at, cause: revoked.cause)
    }
}

/// A review with everything that is recorded about its items.
package struct ReviewRecord: Hashable, Sendable {
    package struct Item: Hashable, Sendable {
        package var number: Int
        package var grant: Grant
        package var verdict: Verdict?
        package var author: Author?
        package var at: Instant?
        package var why: String?
        /// Of the revocation that followed.
        package var revocation: String?
    }

    package var review: Review
    /// Ledger index of its opening.
    package var index: Int64
    package var items: [Item]
    package var closedAt: Instant?
    package var closedBy: Author?
    package var closedIndex: Int64?
}

/// Revocations of grants, and reviews.
extension Registry {
    /// What masks grants now or from some moment on: revocations that were not lifted, and the lapses of open reviews.
    package func masks() throws -> [Mask] {
        try revocations("WHERE lifted IS NULL").map(\.mask) + openReviews().flatMap(\.review.lapses)
    }

    /// All revocations, lifted ones too, oldest first.
    package func revocations() throws -> [RevocationRecord] { try revocations("") }

    package func revocation(id: String) throws -> RevocationRecord? { try revocations("WHERE id = ?", [id]).first }

    /// Who stands behind a revocation: the author of its entry.
    package func author(of revocation: RevocationRecord) throws -> Author? {
        try read {
            try Data.fetchOne(db, sql: "SELECT bytes FROM ledger WHERE idx = ?", arguments: [revocation.index])
                .map { try Leaf(stored: Array($0)).entry.by }
        }
    }

    /// Every review by id.
    package func reviews() throws -> [String: Review] {
        Dictionary(try reviews("").map { ($0.review.opened.id, $0.review) }) { first, _ in first }
    }

    package func review(id: String) throws -> ReviewRecord? { try reviews("WHERE id = ?", [id]).first }

    package func openReviews() throws -> [ReviewRecord] { try reviews("WHERE closed_idx IS NULL") }

    private func revocations(
        _ clause: String, _ arguments: StatementArguments = StatementArguments()
    ) throws -> [RevocationRecord] {
        try read {
            let sql = "SELECT value, at, idx, lifted FROM revocations \(clause) ORDER BY idx"
            return try Row.fetchAll(db, sql: sql, arguments: arguments).map {
                RevocationRecord(
                    revoked: try JSONCoding.decode(GrantRevoked.self, from: try revealed($0["value"])),
                    at: Instant(milliseconds: $0["at"]), index: $0["idx"], lifted: $0["lifted"])
            }
        }
    }

    private func reviews(
        _ clause: String, _ arguments: StatementArguments = StatementArguments()
    ) throws -> [ReviewRecord] {
        try read {
            try Row.fetchAll(db, sql: "SELECT * FROM reviews \(clause) ORDER BY idx", arguments: arguments).map(record)
        }
    }

    private func record(_ row: Row) throws -> ReviewRecord {
        let id: String = row["id"]
        let items = try Row.fetchAll(
            db, sql: "SELECT * FROM review_items WHERE review = ? ORDER BY number", arguments: [id]
        ).map(item)
        let verdicts = items.compactMap { item in item.verdict.map { (item.number, $0) } }
        return ReviewRecord(
            review: Review(
                opened: ReviewOpened(
                    id: id, zone: row["zone"], due: Instant(milliseconds: row["due"]),
                    items: items.map { ReviewItem(number: $0.number, grant: $0.grant) }, evidence: row["evidence"]),
                openedAt: Instant(milliseconds: row["at"]), openedBy: try author(row["author"]),
                state: row["closed_idx"] == nil as Int64? ? .open : .closed,
                verdicts: Dictionary(verdicts) { first, _ in first }),
            index: row["idx"], items: items,
            closedAt: (row["closed_at"] as Int64?).map(Instant.init(milliseconds:)),
            closedBy: try (row["closed_author"] as String?).map(author), closedIndex: row["closed_idx"])
    }

    private func item(_ row: Row) throws -> ReviewRecord.Item {
        ReviewRecord.Item(
            number: row["number"], grant: try JSONCoding.decode(Grant.self, from: try revealed(row["value"])),
            verdict: try (row["verdict"] as String?).map { try word($0) },
            author: try (row["author"] as String?).map(author),
            at: (row["at"] as Int64?).map(Instant.init(milliseconds:)),
            // Free text, so erased it reads `[erased]`.
            why: try (row["why"] as String?).flatMap { try revealed("{\"why\":\($0)}")["why"]?.string },
            revocation: row["revocation"])
    }
}
