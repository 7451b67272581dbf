/// `POST /v1/reviews`
package struct OpenReviewRequest: Hashable, Sendable, Codable {
    package var zone: String
    package var due: Instant
    package var why: String?

    package init(zone: String, due: Instant, why: String? = nil) {
        self.zone = zone
        self.due = due
        self.why = why
    }
}

/// `POST /v1/reviews/{id}/items/{number}`
package struct DecideItemRequest: Hashable, Sendable, Codable {
    package var verdict: Verdict
    package var why: String

    package init(verdict: Verdict, why: String) {
        self.verdict = verdict
        self.why = why
    }
}

/// `POST /v1/reviews/{id}/items/{number}/reinstate`
package struct ReinstateRequest: Hashable, Sendable, Codable {
    package var why: String

    package init(why: String) { self.why = why }
}

/// `POST /v1/reviews/{id}/close`
package struct CloseReviewRequest: Hashable, Sendable, Codable {
    /// Close before the due date although items are unanswered: they lapse now.
    package var lapseUnanswered: Bool
    package var why: String?

    package init(lapseUnanswered: Bool = false, why: String? = nil) {
        self.lapseUnanswered = lapseUnanswered
        self.why = why
    }
}

/// `GET /v1/reviews`
package struct ReviewRow: Hashable, Sendable, Codable {
    package var id: String
    package var zone: String
    package var state: Review.State
    package var due: Instant
    package var items: Int
    package var kept: Int
    package var revoked: Int
    package var unanswered: Int

    package init(
        id: String, zone: String, state: Review.State, due: Instant, items: Int, kept: Int, revoked: Int,
        unanswered: Int
    ) {
        self.id = id
        self.zone = zone
        self.state = state
        self.due = due
        self.items = items
        self.kept = kept
        self.revoked = revoked
        self.unanswered = unanswered
    }
}

/// `GET /v1/reviews/{id}` and `GET /v1/reviews/{id}/report`
package struct ReviewDetail: Hashable, Sendable, Codable {
    package struct Item: Hashable, Sendable, Codable {
        package var number: Int
        package var grant: Grant
        package var evidence: Evidence
        package var verdict: Verdict?
        package var decidedBy: String?
        package var decidedAt: Instant?
        package var why: String?
        /// The revocation that followed, if any.
        package var revocation: String?

        package init(
            number: Int, grant: Grant, evidence: Evidence, verdict: Verdict?, decidedBy: String?, decidedAt: Instant?,
            why: String?, revocation: String?
        ) {
            self.number = number
            self.grant = grant
            self.evidence = evidence
            self.verdict = verdict
            self.decidedBy = decidedBy
            self.decidedAt = decidedAt
            self.why = why
            self.revocation = revocation
        }
    }

    package var row: ReviewRow
    package var openedAt: Instant
    package var openedBy: String
    /// `sha256:…` of the frozen evidence, as the ledger holds it.
    package var evidence: String
    package var items: [Item]
    /// Of a closed review: the rollout at its closing revision.
    package var closedAt: Instant?
    package var closedIndex: Int64?
    /// Spokes of the zone and whether they have acknowledged what the review changed.
    package var rollout: Rollout?

    package init(
        row: ReviewRow, openedAt: Instant, openedBy: String, evidence: String, items: [Item], closedAt: Instant?,
        closedIndex: Int64?, rollout: Rollout?
    ) {
        self.row = row
        self.openedAt = openedAt
        self.openedBy = openedBy
        self.evidence = evidence
        self.items = items
        self.closedAt = closedAt
        self.closedIndex = closedIndex
        self.rollout = rollout
    }
}
