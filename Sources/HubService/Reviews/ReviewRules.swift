import Model
import Storage

/// The grants of a zone's servers that are in force and that somebody could miss: those of rules that have not ended, less
/// those that are masked already.
func reviewableGrants(of zone: String, _ state: RegistryState, now: Instant) -> [Grant] {
    let ended = Set(state.topology.rules.filter { $0.until.map { $0 <= now } ?? false }.map(\.id))
    return state.topology.grants.filter { grant in
        grant.server.hasPrefix("\(zone)/") && !ended.contains(grant.rule)
            && !state.masks.contains { mask in
                mask.at <= now && mask.principal == grant.principal && mask.server == grant.server
                    && grant.capabilities.allSatisfy(mask.capabilities.contains)
            }
    }
}

/// Nobody judges a grant that they wrote, approved or hold.
/// - Throws: `own-rule`, `own-grant`.
func demandDisinterest(in grant: Grant, of standing: Standing, _ registry: Registry) throws {
    let author = try registry.objectAuthor(ObjectName(kind: .rule, name: grant.rule))
    guard author?.requester != standing.identity, author?.approver != standing.identity else {
        throw HubError(
            .forbidden, "own-rule", "the rule `\(grant.rule)` is yours, so its grants are for others to judge",
            hint: "ask another reviewer of the zone")
    }
    let isHolder =
        switch grant.principal {
        case .user(let address): address == standing.address
        case .spiffe(let pattern): pattern.matches(standing.identity.description)
        // A group's members are not known here, and `anyone` would leave nobody to judge.
        case .client, .zone, .group, .domain, .anyone: false
        }
    guard !isHolder else {
        throw HubError(
            .forbidden, "own-grant", "the grant is to you, so it is for others to judge",
            hint: "ask another reviewer of the zone")
    }
}

/// An answer stands, but for a keep that becomes a revoke; and what has lapsed is not brought back by a late keep.
/// - Throws: `already-decided`, `due-passed`.
func demandOpen(_ item: ReviewRecord.Item, of review: Review, for verdict: Verdict, now: Instant) throws(HubError) {
    if let decided = item.verdict, !(decided == .keep && verdict == .revoke) {
        throw HubError(
            .conflict, "already-decided",
            "item \(item.number) of `\(review.opened.id)` was decided: \(decided.rawValue)",
            hint: decided == .keep ? "only revoke could follow" : nil)
    }
    if verdict == .keep, now >= review.opened.due {
        throw HubError(
            .conflict, "due-passed", "the review was due on \(review.opened.due): the grant has lapsed",
            hint: "`nave review reinstate \(review.opened.id)/\(item.number)` lifts it once it is revoked")
    }
}
