/// A test of a topology whose expectation does not come true.
package struct TestFailure: Sendable {
    package var test: TopologyTest
    /// What was decided instead, in one line: the rules that allow, or the reason and the rule of the denial.
    package var outcome: String

    /// `test-failed`, at the test's place.
    package var error: ModelError {
        ModelError(
            "test-failed",
            "expected \(test.expect.rawValue) for \(backticked(test.by.description)) calling "
                + "\(backticked("\(test.server) \(test.capability)")), but \(outcome)",
            place: test.place)
    }
}

extension Topology {
    /// Runs tests through `decide`, as a spoke with a fresh lease and nothing revoked would.
    ///
    /// A test knows no catalog. It is therefore decided for a tool that says it is read-only and for one that says it is
    /// not: `allow` is right when one of the two is allowed, `deny` when neither is.
    ///
    /// - Parameters:
    ///   - tests: of a topology without errors; a test of a server that there is not fails.
    ///   - now: when the calls are made, for tests that do not say.
    package func run(_ tests: [TopologyTest], now: Instant) -> [TestFailure] {
        let all = Rulesets(self, masks: [])
        let rulesets = Dictionary(
            uniqueKeysWithValues: Set(tests.map(\.server)).map { ($0, Self.tested(all.ruleset(for: $0, revision: 0))) })
        return tests.compactMap { test in
            guard let ruleset = rulesets[test.server] ?? nil, let caller = caller(of: test) else {
                return TestFailure(test: test, outcome: "there is no such server or caller")
            }
            let decisions = [true, false].map { readOnly in
                decide(
                    Request(
                        caller: caller, aim: .use(test.capability), facts: facts(of: test, ruleset, readOnly, now: now)),
                    under: ruleset)
            }
            let allowed = decisions.first(where: \.isAllowed)
            guard (allowed != nil) != (test.expect == .allow) else { return nil }
            return TestFailure(test: test, outcome: (allowed ?? decisions[0]).outcome)
        }
    }

    /// Tests are about what rules say: nothing is pinned, and what is only recorded is a denial.
    private static func tested(_ ruleset: Ruleset?) -> Ruleset? {
        var ruleset = ruleset
        ruleset?.observedUntil = nil
        ruleset?.pinning = nil
        return ruleset
    }

    private func facts(of test: TopologyTest, _ ruleset: Ruleset, _ readOnly: Bool, now: Instant) -> Facts {
        let arguments = test.arguments.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        return Facts(
            now: test.at ?? now, address: test.from ?? ruleset.networks.first?.address,
            readOnly: test.capability.kind == .tool ? readOnly : nil,
            arguments: test.capability.kind == .resource ? .none : .given(.object(JSONObject(arguments))))
    }

    /// The person with the workload that they call through, or whoever calls alone.
    private func caller(of test: TopologyTest) -> Caller? {
        guard var caller = caller(of: test.by) else { return nil }
        if let through = test.through {
            guard caller.workload == nil, let workload = self.caller(of: through)?.workload else { return nil }
            caller.workload = workload
        }
        return caller
    }

    /// Somebody whom the principal names and no other; nil when it names nobody in particular.
    private func caller(of principal: Principal) -> Caller? {
        switch principal {
        case .client(let zone, let name):
            return (try? SPIFFEID(trustDomain: "\(zone).\(organization.domain)", path: ["client", name]))
                .map { Caller(workload: $0) }
        case .spiffe(let pattern): return (try? SPIFFEID(pattern.description)).map { Caller(workload: $0) }
        case .user(let address):
            return Caller(user: Caller.User(issuer: "test", subject: address, address: address, groups: []))
        case .group(let name):
            // An address that no principal can spell, so that only the group speaks.
            return Caller(user: Caller.User(issuer: "test", subject: "member of \(name)", address: "", groups: [name]))
        case .zone, .domain, .anyone: return nil
        }
    }
}

extension Decision {
    /// In one line, for people.
    fileprivate var outcome: String {
        switch self {
        case .allow(let permit): "it is allowed by " + permit.rules.map { backticked($0) }.joined(separator: " and ")
        case .deny(let denial):
            "it is denied (\(denial.reason.rawValue))" + (denial.rule.map { " by rule \(backticked($0))" } ?? "")
                + (denial.detail.map { ": \($0)" } ?? "")
        }
    }
}
