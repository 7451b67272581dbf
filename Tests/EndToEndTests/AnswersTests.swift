import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    @Suite("answers for people, end to end")
    struct AnswersTests {
        @Test("who may use what, now and as it was, and what would change")
        func answers() async throws {
            let wheel = try await Wheel.withHub()
            let topology = wheel.directory.file("topology")
            let who = try await wheel.nave(["access", "who", "finance/ledger", "tool:read_entry"])
            #expect(who.code == 0, "\(who)")
            for text in [
                "client:analytics/reporting-bot\n  tool:read_*  (finance/reports-read)", "group:finance-analysts",
                "read-only tools", "during Mon-Fri 07:00-19:00 Europe/Berlin", "argument account: 4*",
            ] { #expect(who.output.contains(text), "\(text)\n\(who)") }
            let before = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
            let what = try await wheel.nave(["access", "what", "client:analytics/reporting-bot", "-o", "json"])
            let rows = try #require(try JSON(parsing: Array(what.output.utf8))["rows"]?.array)
            #expect(
                Set(rows.compactMap { $0["rule"]?.string }) == ["finance/reports-read", "finance/git-history"],
                "\(what)")
            let explained = try await wheel.nave([
                "access", "explain", "--by", "user:ana@corp.example", "--group", "finance-analysts", "--server",
                "finance/ledger", "--call", "tool:read_entry", "--arg", "account=\"51\"", "--at",
                "2026-11-23T09:00:00Z",
                "--from", "10.20.0.7", "--read-only",
            ])
            #expect(explained.output.contains("arguments: `account` is not `4*`"), "\(explained)")
            #expect(explained.output.contains("finance/zone.yaml:"), "the place of the rule\n\(explained)")

            // A saved plan is applied as it is, or not at all.
            try wheel.addRules(
                "writes.yaml",
                "  - { id: bot-writes, allow: [\"tool:write_*\"], servers: [ledger], to: [client:analytics/reporting-bot], "
                    + "when: { networks: [10.20.0.0/16] } }")
            let file = wheel.directory.file("change.plan")
            let planned = try await wheel.nave(["topology", "plan", topology, "--out", file])
            #expect(planned.code == 2, "\(planned)")
            #expect(
                planned.output.contains(
                    "+ client:analytics/reporting-bot gains tool:write_* on finance/ledger "
                        + "(finance/bot-writes; from 10.20.0.0/16)"), "\(planned)")
            #expect(planned.output.split(separator: "\n", omittingEmptySubsequences: false).count <= 11, "\(planned)")
            try wheel.addRules(
                "writes.yaml", "  - { id: bot-writes, deny: [\"tool:write_*\"], to: [client:analytics/reporting-bot] }")
            try await wheel.apply()
            let moved = try await wheel.nave(["topology", "apply", file, "--yes"])
            #expect(moved.code == 2 && moved.errors.contains("rule finance/bot-writes"), "\(moved)")
            try FileManager.default.removeItem(atPath: "\(topology)/zones/finance/writes.yaml")
            try await wheel.apply()
            let applied = try await wheel.nave(["topology", "apply", file, "--yes", "--why", "as planned"])
            #expect(applied.code == 0, "\(applied)")
            let now = try await wheel.nave(["access", "who", "finance/ledger", "tool:write_entry"])
            #expect(now.output.contains("finance/bot-writes"), "\(now)")
            let then = try await wheel.nave([
                "access", "who", "finance/ledger", "tool:write_entry", "--at", before.description,
            ])
            #expect(then.code == 0 && !then.output.contains("write_entry") && then.errors.contains("nobody"), "\(then)")

            // A rule that says what another says keeps the plan from ending well.
            try wheel.addRules(
                "again.yaml",
                "  - { id: again, allow: [\"tool:read_entry\"], servers: [ledger], to: [client:analytics/reporting-bot] }"
            )
            try wheel.addRules(
                "writes.yaml",
                "  - { id: bot-writes, allow: [\"tool:write_*\"], servers: [ledger], to: [client:analytics/reporting-bot], "
                    + "when: { networks: [10.20.0.0/16] } }")
            let redundant = try await wheel.nave(["topology", "plan", topology])
            #expect(
                redundant.code == 7 && redundant.output.contains("`finance/again` allows nothing that"), "\(redundant)")
        }

        @Test("a context is bound to its hub's environment, and refuses the files of another")
        func environments() async throws {
            let wheel = try await Wheel.withHub()
            let topology = wheel.directory.file("topology")
            let context = try JSON(parsing: Array(try wheel.directory.read("dana.json").utf8))
            #expect(context["environment"] == "production")
            let text = try wheel.directory.read("topology/organization.yaml")
            try wheel.directory.write(
                "topology/organization.yaml", text.replacing("environment: production", with: "environment: staging"))
            for command in [["plan", topology], ["apply", topology, "--yes"]] {
                let refused = try await wheel.nave(["topology"] + command)
                #expect(refused.code == 1 && refused.errors.contains("bound to `production`"), "\(refused)")
            }
            let schema = try await wheel.nave(["topology", "schema"])
            #expect(schema.output == (try Checkout.text("Topology/schema.json")))
            try wheel.directory.write("mcp.json", "{ \"mcpServers\": { \"New One\": { \"command\": \"x\" } } }")
            let imported = try await wheel.nave([
                "topology", "import", "--zone", "finance", "--spoke", "fin-1", wheel.directory.file("mcp.json"),
            ])
            try wheel.directory.write("topology/zones/finance/imported.yaml", imported.output)
            let checked = try await wheel.nave(["topology", "check", topology])
            #expect(imported.code == 0 && checked.code == 0, "\(imported)\(checked)")
        }

        @Test("who joins is told of a token that others can read, and is shown by noun")
        func joining() async throws {
            let wheel = try await Wheel.withHub()
            let token = wheel.directory.file("open.token")
            try wheel.directory.write("open.token", try await wheel.nave(["spoke", "invite", "finance/fin-1"]).output)
            #expect(chmod(token, 0o644) == 0)
            let spoke = try await run(
                Checkout.program("nave-spoke"),
                ["enroll", "--data", wheel.directory.file("spoke"), "--token-file", token, "-o", "json"])
            #expect(spoke.errors.contains("others can read") && spoke.code == 0, "\(spoke)")
            let identity = try JSON(parsing: Array(spoke.output.utf8))["identity"]
            #expect(identity == "spiffe://finance.corp.example/spoke/fin-1")
            let taken = try await wheel.nave(["client", "invite", "finance/housekeeping", "--out", token])
            #expect(taken.code == 1 && taken.errors.contains("exists"), "\(taken)")
            for noun in [["spoke", "finance/fin-1"], ["client", "analytics/reporting-bot"], ["zone", "finance"]] {
                let shown = try await wheel.nave([noun[0], "show", noun[1]])
                #expect(shown.code == 0 && shown.output.hasPrefix("\(noun[1])\n"), "\(shown)")
            }
            for program in ["nave", "nave-hub", "nave-spoke"] {
                #expect(try await run(Checkout.program(program), ["--version"]).output == "\(naveVersion)\n")
            }
        }
    }
}
