import Model
import Testing

/// A recorded decision, decided again.
@Suite struct ReplayTests {
    private static let now = Instant(milliseconds: 1_795_248_000_000)
    private static let digest = "sha256:" + String(repeating: "a", count: 64)
    private static let bot = "spiffe://analytics.corp.example/client/reporting-bot"

    private static func rule(
        _ id: String, _ capabilities: [String], effect: Rule.Effect = .allow, when: Conditions? = nil
    ) throws -> Rule {
        Rule(
            id: "finance/\(id)", effect: effect, capabilities: try capabilities.map { try CapabilityPattern($0) },
            to: [try Principal("client:analytics/reporting-bot")], when: when)
    }

    private static func bundle() throws -> PolicyBundle {
        let amount = Conditions(arguments: ["amount": try ArgumentTest("<= 1000")])
        return PolicyBundle(
            organization: "corp.example", origin: "corp.example/nave/1",
            spoke: try SPIFFEID("spiffe://finance.corp.example/spoke/fin-1"), revision: 7,
            domains: ["corp.example"],
            servers: [
                BundleServer(
                    name: "finance/ledger", classification: .internal, networks: [try Network("127.0.0.0/8")],
                    policy: EffectivePolicy(layers: [])),
                BundleServer(
                    name: "finance/pinned", classification: .internal, networks: [try Network("127.0.0.0/8")],
                    policy: EffectivePolicy(layers: [Policy(tools: Policy.ToolPolicy(pin: .enforce))]),
                    pins: [ToolDefinition(name: "read_entry", digest: digest, readOnly: true)]),
            ],
            rules: [
                try rule("no-deletes", ["tool:delete_*"], effect: .deny),
                try rule("read", ["tool:read_*", "resource:ledger://**"]),
                try rule("pay", ["tool:pay"], when: amount),
                try rule("safe", ["tool:look"], when: Conditions(readOnly: true)),
                try rule("push", ["tool:push"]),
                try rule(
                    "no-force", ["tool:push"], effect: .deny, when: Conditions(arguments: ["force": .present(true)])),
                try rule("open", ["tool:open"], when: Conditions(arguments: ["override": .present(false)])),
            ], masks: [], revokedSerials: [], revokedIdentities: [])
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var outcome: Replay.Outcome
        var change: @Sendable (inout DecisionRecord) -> Void

        init(_ what: String, _ outcome: Replay.Outcome, _ change: @escaping @Sendable (inout DecisionRecord) -> Void) {
            testDescription = what
            self.outcome = outcome
            self.change = change
        }
    }

    private static func denied(_ record: inout DecisionRecord, _ aim: String, _ reason: DenyReason, _ rule: String?) {
        record.aim = aim
        record.verdict = .deny
        record.reason = reason.rawValue
        record.rule = rule
        record.principal = nil
    }

    static let cases = [
        Case("as it was", .same) { _ in },
        Case("a resource", .same) { $0.aim = "resource:ledger://x" },
        Case("another rule", .different) { $0.rule = "finance/other" },
        Case("an allow that is none", .different) { $0.aim = "tool:delete_all" },
        Case("an allow from elsewhere", .different) { $0.address = "10.0.0.1" },
        Case("an allow in a stale time", .different) { $0.freshness = .expired },
        Case("an allow on another server", .different) { $0.server = "finance/vault" },
        Case("denied by rule", .same) { denied(&$0, "tool:delete_all", .deniedByRule, "finance/no-deletes") },
        Case("denied for no rule", .same) { denied(&$0, "tool:unheard", .noRule, nil) },
        Case("denied where this allows", .different) { denied(&$0, "tool:read_entry", .noRule, nil) },
        Case("stale", .same) {
            denied(&$0, "reach", .stale, nil)
            $0.freshness = .expired
        },
        Case("read-only", .same) {
            $0.aim = "tool:look"
            $0.rule = "finance/safe"
            $0.readOnly = true
        },
        Case("allowed though it did not say read-only", .different) {
            $0.aim = "tool:look"
            $0.rule = "finance/safe"
        },
        Case("allowed by arguments", .undetermined) {
            $0.aim = "tool:pay"
            $0.rule = "finance/pay"
        },
        Case("denied by arguments", .undetermined) { denied(&$0, "tool:pay", .conditionFailed, "finance/pay") },
        Case("denied by an argument that was given", .undetermined) {
            denied(&$0, "tool:push", .deniedByRule, "finance/no-force")
        },
        Case("allowed without it", .undetermined) {
            $0.aim = "tool:push"
            $0.rule = "finance/push"
        },
        Case("denied for an argument that must not be given", .undetermined) {
            denied(&$0, "tool:open", .conditionFailed, "finance/open")
        },
        Case("allowed without one that must not be given", .undetermined) {
            $0.aim = "tool:open"
            $0.rule = "finance/open"
        },
        Case("a rate", .undetermined) { denied(&$0, "tool:read_entry", .rate, nil) },
        Case("the host's ceiling", .undetermined) { denied(&$0, "tool:read_entry", .ceiling, nil) },
        Case("a rule of the host's ceiling", .undetermined) {
            denied(&$0, "tool:read_entry", .deniedByRule, "ceiling:no-reading")
        },
        Case("a pinned definition", .same) {
            $0.server = "finance/pinned"
            $0.definition = digest
        },
        Case("a definition that had changed", .same) {
            denied(&$0, "tool:read_entry", .changedTool, nil)
            $0.server = "finance/pinned"
            $0.definition = "sha256:" + String(repeating: "b", count: 64)
        },
        Case("another definition, and allowed all the same", .different) {
            $0.server = "finance/pinned"
            $0.definition = "sha256:" + String(repeating: "b", count: 64)
        },
        Case("an unknown reason", .undetermined) {
            $0.verdict = .deny
            $0.reason = "no-certificate"
        },
        Case("a person", .undetermined) { $0.caller = "https://idp.example#ana" },
    ]

    @Test("same, different, or not to be known", arguments: cases)
    func replays(_ row: Case) throws {
        var record = DecisionRecord(
            number: 1, at: Self.now, caller: Self.bot, address: "127.0.0.1", server: "finance/ledger",
            aim: "tool:read_entry", verdict: .allow, rule: "finance/read",
            principal: "client:analytics/reporting-bot", revision: 7)
        row.change(&record)
        let found = replay(record, under: try Self.bundle())
        #expect(found.outcome == row.outcome, "\(found.detail)")
    }
}
