/// What a caller aims at on one server.
package enum Aim: Hashable, Sendable, CustomStringConvertible {
    /// The upkeep of a conversation (handshake, ping, lists): for callers to whom some allow could apply.
    case reach
    case use(Capability)
    /// A resource template in a list: shown when some of its expansions could be read.
    case template(String)
    /// Values for a resource template: they tell of every expansion, so all of them must be allowed.
    case completion(String)

    package var description: String {
        switch self {
        case .reach: "reach"
        case .use(let capability): capability.description
        case .template(let template): "resource:\(template)"
        case .completion(let template): "completion:\(template)"
        }
    }
}

/// One question to `decide`.
package struct Request: Sendable {
    package var caller: Caller
    package var aim: Aim
    package var facts: Facts

    package init(caller: Caller, aim: Aim, facts: Facts) {
        self.caller = caller
        self.aim = aim
        self.facts = facts
    }
}

package enum Decision: Sendable {
    case allow(Permit)
    case deny(Denial)

    package var isAllowed: Bool { if case .allow = self { true } else { false } }
}

/// Why a call was refused; stable words for journals, reports and `explain`.
package enum DenyReason: String, Codable, Hashable, Sendable, CaseIterable {
    // by `decide`
    case noRule = "no-rule"
    case deniedByRule = "denied-by-rule"
    case conditionFailed = "condition-failed"
    case missingFact = "missing-fact"
    case revoked = "revoked"
    case lapsed = "lapsed"
    case expired = "expired"
    case network = "network"
    case stale = "stale"
    // by the spoke's pipeline, before or after `decide`
    case unknownServer = "unknown-server"
    case noBundle = "no-bundle"
    case malformed = "malformed"
    case tooLarge = "too-large"
    case notInCatalog = "not-in-catalog"
    case catalogUnknown = "catalog-unknown"
    case foreignSession = "foreign-session"
    case unsupported = "unsupported"
    case attempts = "attempts"
    case rate = "rate"
    case concurrency = "concurrency"
    case journal = "journal"
    case identityRevoked = "identity-revoked"
    case notAClient = "not-a-client"
}

/// A refusal and what it rests on.
package struct Denial: Hashable, Sendable {
    package var reason: DenyReason
    /// The rule that decided or came nearest, if any.
    package var rule: String?
    /// The condition that failed on which fact; for the journal and for `explain`, never for the caller.
    package var detail: String?

    package init(_ reason: DenyReason, rule: String? = nil, detail: String? = nil) {
        self.reason = reason
        self.rule = rule
        self.detail = detail
    }
}

/// What became of one rule in one decision.
package enum RuleOutcome: Hashable, Sendable {
    case matched(Principal)
    /// Could match once the arguments are known.
    case maybe(Principal)
    case otherServer
    case otherCapability
    case otherPrincipal
    case excepted(Principal)
    case notYet(Instant)
    case expired(Instant)
    case masked(Mask)
    case conditionFailed(String)
    case missingFact(String)

    /// One line for people.
    package var explanation: String {
        switch self {
        case .matched(let principal): "matches through `\(principal)`"
        case .maybe(let principal): "could match through `\(principal)`, depending on the arguments"
        case .otherServer: "is for other servers"
        case .otherCapability: "is for other capabilities"
        case .otherPrincipal: "is for other callers"
        case .excepted(let principal): "excepts `\(principal)`"
        case .notYet(let from): "begins on \(from)"
        case .expired(let until): "ended on \(until)"
        case .masked(let mask) where mask.cause == .revoked:
            "is masked: the grant to `\(mask.principal)` was revoked (\(mask.id)) on \(mask.at)"
        case .masked(let mask): "is masked: the grant to `\(mask.principal)` lapsed (\(mask.id)) on \(mask.at)"
        case .conditionFailed(let detail): "has a condition that fails: \(detail)"
        case .missingFact(let detail): "has a condition that cannot be judged: \(detail)"
        }
    }
}
