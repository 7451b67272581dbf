/// The decision on one question, with every rule looked at in order and what became of it.
package func explain(_ request: Request, under ruleset: Ruleset) -> Explanation {
    let decision = decide(request, under: ruleset)
    let steps = trace(request, under: ruleset).map { step in
        Explanation.Step(
            rule: step.rule.id, effect: step.rule.effect, outcome: step.outcome.explanation(of: step.rule),
            place: step.rule.place, reason: step.rule.reason)
    }
    var explanation = Explanation(
        verdict: .allow, reason: nil, rule: nil, detail: nil, caller: request.caller.key, server: ruleset.server,
        aim: request.aim.description, revision: ruleset.revision, steps: steps, recorded: nil)
    switch decision {
    case .allow(let permit):
        explanation.rule = permit.rules.first
        explanation.detail = permit.principals.first.map { "through `\($0)`" }
        if let denial = permit.wouldDeny {
            explanation.verdict = .wouldDeny
            explanation.reason = denial.reason.rawValue
            explanation.rule = denial.rule
            explanation.detail = denial.detail
        }
    case .deny(let denial):
        explanation.verdict = .deny
        explanation.reason = denial.reason.rawValue
        explanation.rule = denial.rule
        explanation.detail = denial.detail
    }
    return explanation
}
