import Model
import Storage

extension ReviewService {
    /// Lifts the revocation that an item of a review led to, so that the rules decide again.
    ///
    /// Only a command does this, never a file: applying the unchanged topology leaves a revoked grant revoked. Who lifts it is
    /// neither the one who asked for the revocation, nor the author of the rule, nor a holder of the grant.
    /// - Throws: `forbidden` but to a reviewer of the zone; `own-revocation`, `own-rule`, `own-grant`, `why-needed`,
    ///   `unknown-review`, `unknown-item`, `not-revoked`.
    package func reinstate(
        _ id: String, item number: Int, _ request: ReinstateRequest, by standing: Standing
    ) async throws -> ChangeAnswer {
        guard request.why.contains(where: { !$0.isWhitespace }) else {
            throw HubError(.invalid, "why-needed", "a reinstatement needs a reason", hint: "--why says it")
        }
        let commit = try await ledger.append(by: Author(requester: standing.identity), why: request.why) { registry in
            guard let record = try registry.review(id: id) else { throw unknownReview(id) }
            try standing.require(.reviewer, in: record.review.opened.zone)
            guard let item = record.items.first(where: { $0.number == number }) else {
                throw HubError(
                    .notFound, "unknown-item", "the review `\(id)` has no item \(number)",
                    hint: "it has 1 to \(record.items.count); `nave review show \(id)`")
            }
            let revocation = try registry.revocation(id: revocationID(of: number, in: id))
            guard let revocation, revocation.lifted == nil else {
                throw HubError(.conflict, "not-revoked", "item \(number) of `\(id)` is not revoked")
            }
            guard try registry.author(of: revocation)?.requester != standing.identity else {
                throw HubError(
                    .forbidden, "own-revocation", "the revocation is yours, so it is for others to lift",
                    hint: "ask another reviewer of the zone")
            }
            try demandDisinterest(in: item.grant, of: standing, registry)
            return [.grantReinstated(GrantReinstated(id: revocation.revoked.id))]
        }
        return commit?.answer ?? ChangeAnswer(index: nil)
    }
}

/// The one revocation that an item can lead to.
func revocationID(of item: Int, in review: String) -> String { "rv-\(review)-\(item)" }
