import Model
import Storage

/// Access-review campaigns: the grants of a zone, frozen with the evidence of their use, judged one by one by people who
/// neither wrote nor hold them. What nobody answers lapses at the due date.
package struct ReviewService: Sendable {
    let ledger: HubLedger
    let usage: UsageStore
    let streams: SpokeStreams
    let now: @Sendable () -> Instant

    package init(
        ledger: HubLedger, usage: UsageStore, streams: SpokeStreams, now: @escaping @Sendable () -> Instant
    ) {
        self.ledger = ledger
        self.usage = usage
        self.streams = streams
        self.now = now
    }

    /// Freezes the zone's grants and what is known about their use, and puts a lapse at the due date on each.
    /// - Throws: `forbidden` but to an owner of the zone; `unknown-zone`, `due-passed`, `nothing-to-review`,
    ///   `review-open`, `changed-meanwhile`.
    package func open(_ request: OpenReviewRequest, by standing: Standing) async throws -> ReviewDetail {
        try standing.require(.owner, in: request.zone)
        let opening = now()
        guard request.due > opening else {
            throw HubError(
                .unacceptable, "due-passed", "the review would be due on \(request.due), it is \(opening)",
                hint: "every unanswered grant lapses at the due date; leave people time to answer")
        }
        let state = ledger.snapshot.state
        guard state.topology.zones.contains(where: { $0.name == request.zone }) else {
            throw HubError(
                .notFound, "unknown-zone", "there is no zone \(quoted(request.zone))", hint: "`nave zone list`")
        }
        let grants = reviewableGrants(of: request.zone, state, now: opening)
        guard !grants.isEmpty else {
            throw HubError(
                .conflict, "nothing-to-review", "no rule in force grants anything in the zone \(quoted(request.zone))")
        }
        let items = try await evidence(for: grants, in: state.topology, now: opening)
        let evidence = try JSONCoding.canonical(
            FrozenEvidence(v: FrozenEvidence.version, zone: request.zone, due: request.due, at: opening, items: items))
        let commit = try await ledger.append(by: Author(requester: standing.identity), why: request.why) { registry in
            if let open = try registry.openReviews().first(where: { $0.review.opened.zone == request.zone }) {
                throw HubError(
                    .conflict, "review-open",
                    "the zone \(quoted(request.zone)) has an open review, `\(open.review.opened.id)`",
                    hint: "`nave review close \(open.review.opened.id)`")
            }
            guard try reviewableGrants(of: request.zone, registry.state(), now: opening) == grants else {
                throw HubError(
                    .conflict, "changed-meanwhile", "the zone's grants changed while the evidence was gathered",
                    hint: "try again")
            }
            let opened = ReviewOpened(
                // The index of this entry: unique, and short to type.
                id: "ar-\(try registry.size())", zone: request.zone, due: request.due,
                items: items.map { ReviewItem(number: $0.number, grant: $0.grant) },
                evidence: try registry.keep(artifact: evidence))
            return [.reviewOpened(opened)]
        }
        // If the process dies here: the review is open, its lapses are in the bundles' next compilation, and `list` shows it.
        return try await show("ar-\(commit?.first ?? 0)", to: standing)
    }

    /// Keeps or revokes one grant. A revocation follows in the same append and masks the grant whatever rule it comes from.
    ///
    /// - Throws: `forbidden` but to a reviewer of the zone; `own-rule`, `own-grant`, `why-needed`, `unknown-review`,
    ///   `unknown-item`, `review-closed`, `already-decided` (only keep can become revoke), `due-passed`.
    package func decide(
        _ id: String, item number: Int, _ request: DecideItemRequest, by standing: Standing
    ) async throws -> ChangeAnswer {
        guard request.why.contains(where: { !$0.isWhitespace }) else {
            throw HubError(.invalid, "why-needed", "a verdict needs a reason", hint: "--why says it")
        }
        let moment = now()
        let commit = try await ledger.append(by: Author(requester: standing.identity), why: request.why) { registry in
            let record = try openReview(id, registry)
            try standing.require(.reviewer, in: record.review.opened.zone)
            guard let item = record.items.first(where: { $0.number == number }) else {
                throw HubError(
                    .notFound, "unknown-item", "the review `\(id)` has no item \(number)",
                    hint: "it has 1 to \(record.items.count); `nave review show \(id)`")
            }
            try demandDisinterest(in: item.grant, of: standing, registry)
            try demandOpen(item, of: record.review, for: request.verdict, now: moment)
            let decided = Event.reviewDecided(ReviewDecided(review: id, item: number, verdict: request.verdict))
            return request.verdict == .keep ? [decided] : [decided, revocation(of: item, in: id, cause: .revoked)]
        }
        return commit?.answer ?? ChangeAnswer(index: nil)
    }

    /// Ends a review; what is still unanswered becomes a lapse for good.
    /// - Throws: `forbidden` but to a reviewer of the zone; `unknown-review`, `review-closed`; `unanswered` before the due
    ///   date, unless the request says that they lapse now.
    package func close(
        _ id: String, _ request: CloseReviewRequest, by standing: Standing
    ) async throws -> ChangeAnswer {
        let moment = now()
        let commit = try await ledger.append(by: Author(requester: standing.identity), why: request.why) { registry in
            let record = try openReview(id, registry)
            let review = record.review
            try standing.require(.reviewer, in: review.opened.zone)
            let unanswered = record.items.filter { $0.verdict == nil }
            guard unanswered.isEmpty || request.lapseUnanswered || moment >= review.opened.due else {
                throw HubError(
                    .conflict, "unanswered",
                    "\(unanswered.count) of \(record.items.count) items of `\(id)` are unanswered, and it is due on "
                        + "\(review.opened.due)",
                    hint: "answer them, wait for the due date, or say --lapse-unanswered: these grants end now")
            }
            let closed = ReviewClosed(
                review: id, kept: count(.keep, review), revoked: count(.revoke, review), lapsed: Int64(unanswered.count)
            )
            // One append: a lapse that the open review puts on a grant never ends before the lapse that stays begins.
            return unanswered.map { revocation(of: $0, in: id, cause: .lapsed) } + [.reviewClosed(closed)]
        }
        return commit?.answer ?? ChangeAnswer(index: nil)
    }
}

private func openReview(_ id: String, _ registry: Registry) throws -> ReviewRecord {
    guard let record = try registry.review(id: id) else { throw unknownReview(id) }
    guard record.review.state == .open else {
        throw HubError(.conflict, "review-closed", "the review \(quoted(id)) is closed")
    }
    return record
}

func unknownReview(_ id: String) -> HubError {
    HubError(.notFound, "unknown-review", "there is no review \(quoted(id))", hint: "`nave review list`")
}

private func count(_ verdict: Verdict, _ review: Review) -> Int64 {
    Int64(review.verdicts.values.count { $0 == verdict })
}

private func revocation(of item: ReviewRecord.Item, in review: String, cause: Mask.Cause) -> Event {
    .grantRevoked(
        GrantRevoked(
            id: revocationID(of: item.number, in: review), principal: item.grant.principal, server: item.grant.server,
            capabilities: item.grant.capabilities, cause: cause, item: "\(review)/\(item.number)"))
}
