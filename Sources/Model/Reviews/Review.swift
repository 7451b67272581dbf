/// An access-review campaign over one zone: its grants as items, each with evidence and a verdict.
package struct ReviewOpened: Hashable, Sendable, Codable {
    /// `ar-…`
    package var id: String
    package var zone: String
    /// Unanswered grants lapse then, by every spoke's own clock.
    package var due: Instant
    package var items: [ReviewItem]
    /// `sha256:…` of the frozen file of items and evidence, canonical JSON.
    package var evidence: String

    package init(id: String, zone: String, due: Instant, items: [ReviewItem], evidence: String) {
        self.id = id
        self.zone = zone
        self.due = due
        self.items = items
        self.evidence = evidence
    }
}

package struct ReviewItem: Hashable, Sendable, Codable {
    /// From 1.
    package var number: Int
    package var grant: Grant

    package init(number: Int, grant: Grant) {
        self.number = number
        self.grant = grant
    }
}

package enum Verdict: String, Codable, Hashable, Sendable, CaseIterable { case keep, revoke }

package struct ReviewDecided: Hashable, Sendable, Codable {
    package var review: String
    package var item: Int
    package var verdict: Verdict

    package init(review: String, item: Int, verdict: Verdict) {
        self.review = review
        self.item = item
        self.verdict = verdict
    }
}

package struct ReviewClosed: Hashable, Sendable, Codable {
    package var review: String
    package var kept: Int64
    package var revoked: Int64
    package var lapsed: Int64

    package init(review: String, kept: Int64, revoked: Int64, lapsed: Int64) {
        self.review = review
        self.kept = kept
        self.revoked = revoked
        self.lapsed = lapsed
    }
}

/// What is known about the use of a grant when a review opens.
package struct Evidence: Hashable, Sendable, Codable {
    package enum Kind: String, Codable, Hashable, Sendable { case used, unused, unknown }

    package var kind: Kind
    /// Uses seen.
    package var count: Int64
    package var last: Instant?
    /// For how long every spoke of the server has been heard of.
    package var observedFrom: Instant?
    package var observedTo: Instant?
    /// Spokes that were silent, when unknown.
    package var silent: [String]

    package init(
        kind: Kind, count: Int64 = 0, last: Instant? = nil, observedFrom: Instant? = nil, observedTo: Instant? = nil,
        silent: [String] = []
    ) {
        self.kind = kind
        self.count = count
        self.last = last
        self.observedFrom = observedFrom
        self.observedTo = observedTo
        self.silent = silent
    }
}

/// One item with its evidence, as the frozen file holds it.
package struct ReviewEvidence: Hashable, Sendable, Codable {
    package var number: Int
    package var grant: Grant
    package var evidence: Evidence

    package init(number: Int, grant: Grant, evidence: Evidence) {
        self.number = number
        self.grant = grant
        self.evidence = evidence
    }
}

/// Where a campaign stands: the registry's view.
package struct Review: Hashable, Sendable, Codable {
    package enum State: String, Codable, Hashable, Sendable { case open, closed }

    package var opened: ReviewOpened
    package var openedAt: Instant
    package var openedBy: Author
    package var state: State
    /// Item number to verdict.
    package var verdicts: [Int: Verdict]

    package init(
        opened: ReviewOpened, openedAt: Instant, openedBy: Author, state: State, verdicts: [Int: Verdict] = [:]
    ) {
        self.opened = opened
        self.openedAt = openedAt
        self.openedBy = openedBy
        self.state = state
        self.verdicts = verdicts
    }

    package var unanswered: [ReviewItem] { opened.items.filter { verdicts[$0.number] == nil } }

    /// The masks that an open review puts on what nobody has answered: they begin to act at its due date.
    package var lapses: [Mask] {
        guard state == .open else { return [] }
        return unanswered.map {
            Mask(
                id: "\(opened.id)/\($0.number)", principal: $0.grant.principal, server: $0.grant.server,
                capabilities: $0.grant.capabilities, at: opened.due, cause: .lapsed)
        }
    }
}
