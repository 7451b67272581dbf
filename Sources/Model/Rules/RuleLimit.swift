/// The bounds of one allow rule on one call that it speaks about.
package struct RuleLimit: Hashable, Sendable {
    package var rule: String
    /// What is counted together, of each caller: a rule's calls of one tool or prompt, or all its resources.
    package var scope: String
    package var limits: Limits

    package init(rule: String, aim: Aim, limits: Limits) {
        self.rule = rule
        self.limits = limits
        // Names of tools and prompts are the catalog's and few; whoever asks for ever new resources must not get ever new
        // buckets.
        scope =
            switch aim.subject {
            case .some(let subject) where subject.kind != .resource: "\(rule) \(subject)"
            default: "\(rule) resource"
            }
    }
}

extension EffectivePolicy {
    /// With one more layer of limits: rates count besides the others, sizes and times take the minimum.
    package func tightened(by limits: Limits) -> EffectivePolicy {
        var policy = bounded(by: limits)
        policy.rates += limits.rate.map { [$0] } ?? []
        policy.concurrency = min(concurrency, limits.concurrency ?? concurrency)
        return policy
    }

    /// With the sizes and times of one more layer; what it counts is counted elsewhere.
    package func bounded(by limits: Limits) -> EffectivePolicy {
        var policy = self
        policy.requestBody = min(requestBody, limits.requestBody ?? requestBody)
        policy.responseBody = min(responseBody, limits.responseBody ?? responseBody)
        policy.connectTimeout = min(connectTimeout, limits.timeouts?.connect ?? connectTimeout)
        policy.requestTimeout = min(requestTimeout, limits.timeouts?.request ?? requestTimeout)
        policy.idleTimeout = min(idleTimeout, limits.timeouts?.idle ?? idleTimeout)
        return policy
    }
}
