import Model
import Storage

/// What people see of reviews.
extension ReviewService {
    /// Newest first; of the zones where the person may read.
    /// - Throws: `bad-query`.
    package func list(_ query: Query, _ standing: Standing) throws -> [ReviewRow] {
        let limit = try query.limit(standard: 1000, maximum: 10_000)
        let visible = ledger.snapshot.reviews.values.filter { review in
            standing.may(.auditor, in: review.opened.zone) && (query["zone"].map { $0 == review.opened.zone } ?? true)
        }
        return visible.sorted { ($1.openedAt, $1.opened.id) < ($0.openedAt, $0.opened.id) }.prefix(limit).map(Self.row)
    }

    /// - Throws: `unknown-review`; `forbidden` but to those who may read the zone; `evidence-missing`.
    package func show(_ id: String, to standing: Standing) async throws -> ReviewDetail {
        let (record, frozen) = try await ledger.read { registry in
            guard let record = try registry.review(id: id) else { throw unknownReview(id) }
            try standing.require(.auditor, in: record.review.opened.zone)
            guard let bytes = try registry.artifact(record.review.opened.evidence) else {
                throw HubError(
                    .broken, "evidence-missing", "the frozen evidence of `\(id)` is not in the database",
                    hint: "`nave-hub verify` names what is damaged")
            }
            return (record, try JSONCoding.decode(FrozenEvidence.self, from: bytes))
        }
        let evidence = Dictionary(frozen.items.map { ($0.number, $0.evidence) }) { first, _ in first }
        let items = record.items.map { item in
            ReviewDetail.Item(
                number: item.number, grant: item.grant, evidence: evidence[item.number] ?? Evidence(kind: .unknown),
                verdict: item.verdict, decidedBy: item.author.map(name), decidedAt: item.at, why: item.why,
                revocation: item.revocation)
        }
        return ReviewDetail(
            row: Self.row(record.review), openedAt: record.review.openedAt, openedBy: name(record.review.openedBy),
            evidence: record.review.opened.evidence, items: items, closedAt: record.closedAt,
            closedIndex: record.closedIndex, rollout: nil)
    }

    /// What an auditor asks for: the review with each spoke's acknowledgement of what it changed.
    /// - Throws: as `show`.
    package func report(_ id: String, to standing: Standing) async throws -> ReviewDetail {
        var detail = try await show(id, to: standing)
        let state = ledger.snapshot.state
        let statuses = try await usage.statuses()
        let connected = streams.connected
        let spokes = state.topology.spokes.filter { $0.zone == detail.row.zone }
        detail.rollout = Rollout(
            rows: spokes.map { spoke in
                Lists.rolloutRow(
                    spoke.fullName, wanted: detail.closedIndex ?? state.revision(ofZone: spoke.zone),
                    status: statuses[spoke.fullName], connected: connected.contains(spoke.fullName), now: now())
            })
        return detail
    }

    private static func row(_ review: Review) -> ReviewRow {
        ReviewRow(
            id: review.opened.id, zone: review.opened.zone, state: review.state, due: review.opened.due,
            items: review.opened.items.count, kept: review.verdicts.values.count { $0 == .keep },
            revoked: review.verdicts.values.count { $0 == .revoke }, unanswered: review.unanswered.count)
    }

    /// A person's address where it is known, else what the ledger says.
    private func name(_ author: Author) -> String {
        guard let requester = author.requester else { return author.robot ?? "unknown" }
        return ledger.snapshot.addresses[requester.name] ?? requester.description
    }
}
