import AdminCLI
import ArgumentParser
import Model
import Testing

@Suite struct CommandTests {
    @Test(arguments: [
        ("TopologyCheckCommand", "topology check dir"), ("TopologyPlan", "topology plan dir -o json"),
        ("TopologyPlan", "topology plan dir --allow-removals --context corp"),
        ("TopologyApply", "topology apply dir --yes --allow-removals --why because --dry-run"),
        ("TopologyPlan", "topology plan dir --out change.plan"), ("TopologyApply", "topology apply change.plan --yes"),
        ("TopologySchemaCommand", "topology schema"),
        ("TopologyImport", "topology import --zone finance --spoke fin-1 --spoke fin-2 mcp.json servers.csv"),
        ("AccessWho", "access who finance/ledger"),
        ("AccessWho", "access who finance/ledger tool:write_entry --at 2026-03-03 -o json"),
        ("AccessWhat", "access what client:analytics/bot --server finance/ledger"),
        ("AccessWhat", "access what user:ana@corp.example --group analysts --at 2026-03-03T10:00:00Z"),
        ("AccessSuggest", "access suggest finance/ledger --since 30d"),
        ("TopologyExport", "topology export"), ("TopologyExport", "topology export dir"),
        ("TopologyExport", "topology export -o json"), ("ZoneList", "zone list -o yaml --limit 3"),
        ("ServerList", "server list --zone finance --label tier=gold --label env=prod"),
        ("ServerShow", "server show finance/ledger"), ("SpokeInvite", "spoke invite finance/fin-1 --valid-for 8h"),
        ("SpokeList", "spoke list"), ("SpokeRevoke", "spoke revoke finance/fin-1 --why lost --yes"),
        ("ClientInvite", "client invite analytics/bot --why FIN-1"), ("ClientEnroll", "client enroll"),
        ("ClientEnroll", "client enroll nave-join:x --as bot"),
        ("ClientEnroll", "client enroll --token-file t --context-file c.json"), ("ClientList", "client list --zone a"),
        ("ClientRevoke", "client revoke analytics/bot --why left --dry-run -o json"),
        ("UserInvite", "user invite erin@corp.example"),
        ("UserInvite", "user invite erin@corp.example --out token -o json"),
        ("UserList", "user list --limit 3 -o json"),
        ("UserRevoke", "user revoke erin@corp.example --why lost --wait 30s -o json"),
        ("UserRevoke", "user revoke spiffe://corp.example/user/u-57bbef58 --why lost -y"),
        ("SpokeShow", "spoke show finance/fin-1"), ("ClientShow", "client show analytics/bot -o json"),
        ("ZoneShow", "zone show finance"), ("TopologyApply", "topology apply dir --allow-removals --dry-run"),
        ("TopologyApply", "topology apply dir --wait 30s"), ("LedgerList", "ledger list --from 3"),
        ("LedgerList", "ledger list --since 3"), ("LedgerExport", "ledger export l.jsonl -o json"),
        ("ReviewClose", "review close ar-32 --wait 30s -o json"),
        ("ReviewReinstate", "review reinstate ar-32/1 --why x --wait 30s -o json"),
        ("AuthorityRetire", "authority retire finance --force --dry-run"), ("Login", "login -o json"),
        ("Login", "login"), ("Login", "login --token-file t --as work"), ("AccessExplain", "access explain j-1:17"),
        (
            "AccessExplain",
            "access explain --by client:a/b --server f/l --call tool:x --arg n=1 --from 10.0.0.1 --at 2026-11-21T08:00:00Z"
        ), ("RolloutStatus", "rollout status --wait 30s"), ("RolloutStatus", "rollout status --zone finance"),
        ("ReviewOpen", "review open --zone finance --due 2026-12-15 --why quarter"),
        ("ReviewOpen", "review open --zone finance --due 2026-12-15T10:00:00Z"), ("ReviewList", "review list"),
        ("ReviewShow", "review show ar-1 --unanswered"),
        ("ReviewDecide", "review decide ar-1/3 --verdict revoke --why gone"),
        ("ReviewDecide", "review decide ar-1/3 --verdict revoke --why gone --yes --dry-run"),
        ("TrustPublish", "trust publish next.json --why yearly --yes"),
        ("TrustPublish", "trust publish next.json --dry-run"),
        ("ReviewClose", "review close ar-1 --lapse-unanswered --yes"), ("ReviewReport", "review report ar-1 -o json"),
        ("DecisionList", "decision list --zone f --server f/l --caller client:a/b --denied --since 1h --limit 5"),
        ("DecisionReplay", "decision replay lines --bundle b.json --bundle c.json -o json"),
        ("LedgerJournals", "ledger journals finance/fin-1 --journal j-1 --limit 5 -o json"),
        ("DecisionShow", "decision show j-1:17"), ("Status", "status"), ("ContextList", "context list"),
        ("ContextUse", "context use corp.example"), ("Connect", "connect finance/ledger --context bot"),
        ("SpokeRevoke", "spoke revoke finance/fin-1 --why lost --wait 30s"),
        ("ClientInvite", "client invite a/bot --replace"),
        ("CertificateList", "certificate list --zone finance --expiring 3d --limit 5 -o json"),
        ("CertificateShow", "certificate show 5C0F3B9E -o yaml"),
        ("CertificateRevoke", "certificate revoke 5c0f3b9e --why stolen --wait 30s --yes"),
        ("AuthorityList", "authority list -o json"),
        ("ToolList", "tool list"), ("ToolList", "tool list finance/ledger --state changed -o json"),
        ("ToolDiff", "tool diff finance/ledger read_entry"),
        ("ToolApprove", "tool approve finance/ledger"),
        ("ToolApprove", "tool approve finance/ledger a b --yes --why x"),
        ("ToolApprove", "tool approve --zone finance --first-seen --before 2026-11-21 --wait 5s"),
        ("ToolWithdraw", "tool withdraw finance/ledger a b --why x --yes --wait 5s"),
        ("AuthorityPrepare", "authority prepare root --out next.json --why yearly --yes"),
        ("AuthorityPrepare", "authority prepare finance --request-out finance.csr"),
        ("AuthorityActivate", "authority activate organization --dry-run"),
        ("AuthorityTaint", "authority taint finance -o json --yes"),
        ("AuthorityRetire", "authority retire finance --force --yes --why stolen --wait 30s"),
    ])
    func parses(type name: String, line: String) throws {
        let command = try Nave.parseAsRoot(line.split(separator: " ").map(String.init))
        #expect(String(describing: type(of: command)) == name)
    }

    @Test(arguments: [
        "topology check", "topology apply dir --why", "server show ledger", "server show finance/led/ger",
        "server show Finance/ledger", "server list --label gold", "server list --limit 0", "spoke invite fin-1",
        "spoke invite finance/fin-1 --valid-for soon", "user invite erin", "login a --token-file b",
        "client enroll --as x --context-file y", "client enroll --as ../x", "access explain",
        "access explain --by client:a/b", "access who ledger", "access who f/l tool", "access what ana",
        "access what client:a/b --group g", "access who f/l --at yesterday", "access suggest ledger",
        "topology import mcp.json", "topology import --zone Finance mcp.json", "topology import --zone finance",
        "access explain --by client:a/b --through client:a/c --server f/l --call tool:x",
        "access explain j-1:17 --by client:a/b", "access explain --by zone:a --server f/l --call tool:x",
        "access explain --by client:a/b --server f/l --call x",
        "access explain --by client:a/b --server f/l --call tool:x --from x",
        "access explain --by client:a/b --server f/l --call tool:x --arg n=1 --arg n=2", "rollout status --wait long",
        "review open --zone finance", "review open --zone finance --due tomorrow",
        "review open --zone f/g --due 2026-12-15",
        "review decide ar-1 --verdict keep --why x", "review decide ar-1/0 --verdict keep --why x",
        "review decide ar-1/03 --verdict keep --why x", "review decide ar-1/3 --verdict maybe --why x",
        "review decide ar-1/3 --verdict keep", "review show ../x", "decision show 17", "decision replay lines",
        "ledger journals fin-1",
        "decision list --since yesterday",
        "certificate show ../x", "certificate show 5c0g", "certificate revoke 5c0f3b9e",
        "certificate list --expiring soon",
        "authority prepare", "authority retire Finance", "authority taint a/b", "authority activate ../root",
        "connect ledger", "status -o xml", "nonsense",
        "tool list ledger", "tool list --state odd", "tool diff finance/ledger", "tool approve", "tool approve ledger",
        "tool approve --zone finance --first-seen", "tool approve --zone finance --before 2026-11-21",
        "tool approve finance/ledger --first-seen --before 2026-11-21",
        "tool approve --zone finance --first-seen --before x",
        "tool withdraw finance/ledger --why x", "tool withdraw finance/ledger a", "tool withdraw ledger a --why x",
    ])
    func refusesAsUsage(line: String) {
        do {
            let command = try Nave.parseAsRoot(line.split(separator: " ").map(String.init))
            Issue.record("`\(line)` was taken for \(type(of: command))")
        } catch {
            #expect(Nave.exitCode(for: error).rawValue == ExitStatus.usage.rawValue)
        }
    }

    @Test func aTimeIsAskedAboutAsItIsAndTodayIsNow() throws {
        let now = try #require(Instant("2026-11-21T18:00:00Z"))
        for (text, asked) in [
            ("2026-11-21", nil), ("2026-11-20", "2026-11-21T00:00:00Z"), ("2026-11-22", "2026-11-23T00:00:00Z"),
            ("2026-11-21T20:00:00Z", "2026-11-21T20:00:00Z"), ("2026-11-21T17:00:00Z", "2026-11-21T17:00:00Z"),
        ] as [(String, String?)] {
            let deadline = try #require(Deadline(argument: text))
            #expect(deadline.asked(now: now) == asked.flatMap { Instant($0) }, "\(text)")
        }
    }

    @Test func explainSendsWhatWasSaid() throws {
        let line = "access explain --by client:a/b --server f/l --call tool:x --arg n=1 --arg who=me --from ::1"
        let command = try Nave.parseAsRoot(line.split(separator: " ").map(String.init))
        let explain = try #require(command as? AccessExplain)
        #expect(
            explain.request
                == ExplainRequest(
                    by: "client:a/b", server: "f/l", capability: "tool:x", arguments: ["n": 1, "who": "me"],
                    from: IPAddress("::1")))
    }

    @Test func explainSendsAPersonAndTheirClient() throws {
        let line =
            "access explain --by user:a@b --group g --through client:a/c --server f/l --call tool:x --no-read-only"
        let command = try Nave.parseAsRoot(line.split(separator: " ").map(String.init))
        let explain = try #require(command as? AccessExplain)
        #expect(
            explain.request
                == ExplainRequest(
                    by: "user:a@b", through: "client:a/c", groups: ["g"], server: "f/l", capability: "tool:x",
                    readOnly: false))
    }

    /// A leaf without an example teaches nobody.
    @Test func helpOfEveryLeafHasAnExample() throws {
        var leaves = 0
        func walk(_ type: any ParsableCommand.Type, _ path: [String]) {
            let children = type.configuration.subcommands
            guard children.isEmpty else {
                for child in children { walk(child, path + [child.configuration.commandName ?? "?"]) }
                return
            }
            leaves += 1
            // Not in the help as a whole: its usage line always names the command.
            let example = (["nave"] + path).joined(separator: " ")
            #expect(type.configuration.discussion.contains(example) || path == ["connect"], "\(path)")
            #expect(!type.configuration.abstract.isEmpty)
        }
        walk(Nave.self, [])
        #expect(leaves == 64)
    }
}

@Suite struct CallerKeyTests {
    @Test(arguments: [
        ("client:analytics/bot", "spiffe://analytics.corp.example/client/bot"),
        ("spiffe://partner.example/x", "spiffe://partner.example/x"),
        ("user:ana@corp.example", "user:ana@corp.example"),
    ])
    func clientsAreLookedForByTheirIdentity(caller: String, expected: String) throws {
        #expect(try callerKey(caller, organization: "corp.example") == expected)
    }
}
