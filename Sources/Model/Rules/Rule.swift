/// Allow or deny capabilities of servers to principals under conditions.
package struct Rule: Hashable, Sendable, Codable {
    package enum Effect: String, Codable, Hashable, Sendable { case allow, deny }

    /// Full name: `finance/analysts-read`, or `no-deletes` for a rule of the organization. Never reused for another meaning.
    package var id: String
    package var effect: Effect
    package var capabilities: [CapabilityPattern]
    /// Names (`ledger`, in the rule's zone) and labels (`label:tier=gold`); nil for every server of the zone, or of the
    /// organization for its rules. In a bundle: full names (`finance/ledger`), labels resolved.
    package var servers: [String]?
    package var to: [Principal]
    package var except: [Principal]?
    package var when: Conditions?
    /// Of an allow: bounds on what each caller does through it, besides the policy's (`RuleLimit`).
    package var limits: Limits?
    /// The rule does not exist before.
    package var from: Instant?
    /// The rule does not exist from then on.
    package var until: Instant?
    /// Free text, personal until shown otherwise: never in a ledger leaf as it is.
    package var reason: String?
    package var place: Place?

    package init(
        id: String, effect: Effect, capabilities: [CapabilityPattern], servers: [String]? = nil, to: [Principal],
        except: [Principal]? = nil, when: Conditions? = nil, limits: Limits? = nil, from: Instant? = nil,
        until: Instant? = nil, reason: String? = nil, place: Place? = nil
    ) {
        self.id = id
        self.effect = effect
        self.capabilities = capabilities
        self.servers = servers
        self.to = to
        self.except = except
        self.when = when
        self.limits = limits
        self.from = from
        self.until = until
        self.reason = reason
        self.place = place
    }

    /// The zone whose rule this is; nil for a rule of the organization.
    package var zone: String? {
        let parts = id.split(separator: "/")
        return parts.count == 2 ? String(parts[0]) : nil
    }
}

/// A fact that masks a grant (principal, server, capabilities) from `at` on, whatever rule it comes from: a revocation, or
/// the lapse of a grant that a review left unanswered.
package struct Mask: Hashable, Sendable, Codable {
    package enum Cause: String, Codable, Hashable, Sendable { case revoked, lapsed }

    /// Of the revocation (`rv-…`) or of the review's item (`ar-…/3`).
    package var id: String
    package var principal: Principal
    /// Full name of the server, `finance/ledger`.
    package var server: String
    package var capabilities: [CapabilityPattern]
    package var at: Instant
    package var cause: Cause

    package init(
        id: String, principal: Principal, server: String, capabilities: [CapabilityPattern], at: Instant, cause: Cause
    ) {
        self.id = id
        self.principal = principal
        self.server = server
        self.capabilities = capabilities
        self.at = at
        self.cause = cause
    }
}

/// One edge of an allow rule. What reviews judge and revocations mask.
package struct Grant: Hashable, Sendable, Codable {
    package var principal: Principal
    /// Full name of the server.
    package var server: String
    package var capabilities: [CapabilityPattern]
    package var rule: String

    package init(principal: Principal, server: String, capabilities: [CapabilityPattern], rule: String) {
        self.principal = principal
        self.server = server
        self.capabilities = capabilities
        self.rule = rule
    }
}
