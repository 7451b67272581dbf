import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    @Suite("access review end to end")
    struct ReviewTests {
        @Test("evidence, verdicts, revocation at the spoke, and the unchanged files change nothing afterwards")
        func review() async throws {
            let wheel = try await Wheel.turning()
            try wheel.addRules(
                "writes.yaml",
                """
                  - id: bot-writes
                    allow: [tool:write_entry]
                    servers: [ledger]
                    to: [client:analytics/reporting-bot]
                    reason: a test
                """)
            try await wheel.apply()
            try await wheel.converge()
            try await wheel.enrolUser("erin@corp.example", as: "erin")
            let write: JSON = ["call": "write_entry", "arguments": ["account": "4711", "amount": 1]]
            #expect(try await wheel.session("finance/ledger", [write, write])[1]["text"] == "4711: 1202")
            try await eventually("the two uses reach the hub") {
                try await wheel.nave(["decision", "list", "-o", "json"]).output.components(
                    separatedBy: "tool:write_entry"
                )
                .count > 2
            }

            let due = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) + .days(7)
            let opened = try await wheel.nave([
                "review", "open", "--zone", "finance", "--due", due.description, "--why", "quarterly", "-o", "json",
            ])
            try #require(opened.code == 0, "\(opened.errors)")
            let review = try JSON(parsing: Array(opened.output.utf8))
            let id = try #require(review["row"]?["id"]?.string)
            let items = try #require(review["items"]?.array)
            let writes = try #require(items.first { $0["grant"]?["rule"] == "finance/bot-writes" })
            #expect(writes["evidence"]?["kind"] == "used" && writes["evidence"]?["count"] == 2, "\(writes)")
            let housekeeping = try #require(items.first { $0["grant"]?["rule"] == "finance/housekeeping-deletes" })
            #expect(housekeeping["evidence"]?["kind"] == "unused", "\(housekeeping)")

            // Dana applied the rules, so she may not judge them.
            let number = try #require(writes["number"]?.integer)
            let own = try await wheel.nave([
                "review", "decide", "\(id)/\(number)", "--verdict", "keep", "--why", "mine",
            ])
            #expect(own.code == 4, "\(own)")
            // What takes something away is asked before, and here is nobody to ask.
            let unasked = try await wheel.nave(
                ["review", "decide", "\(id)/\(number)", "--verdict", "revoke", "--why", "gone"], as: "erin")
            #expect(unasked.code == 64 && unasked.errors.contains("finance/ledger"), "\(unasked)")
            for item in items {
                let verdict = item["number"]?.integer == number ? "revoke" : "keep"
                let decided = try await wheel.nave(
                    [
                        "review", "decide", "\(id)/\(item["number"]?.integer ?? 0)", "--verdict", verdict, "--yes",
                        "--why", "judged",
                    ],
                    as: "erin")
                try #require(decided.code == 0, "\(decided.errors)")
            }
            let closed = try await wheel.nave(["review", "close", id, "--why", "all answered"])
            try #require(closed.code == 0, "\(closed.errors)")
            try await wheel.converge()
            #expect(try await wheel.session("finance/ledger", [write])[0]["text"] == "Unknown tool: write_entry")

            let plan = try await wheel.nave(["topology", "plan", wheel.directory.file("topology"), "-o", "json"])
            #expect(plan.code == 7, "\(plan)")
            #expect(plan.output.contains("revoked-grant") && plan.output.contains("\"changes\": []"), "\(plan)")
            try await wheel.apply()
            try await wheel.converge()
            #expect(try await wheel.session("finance/ledger", [write])[0]["text"] == "Unknown tool: write_entry")
            // Lifted by a third person, neither author nor judge: then the rule decides again.
            let lifting = ["review", "reinstate", "\(id)/\(number)", "--why", "goes on"]
            #expect(try await wheel.nave(lifting, as: "erin").code == 4)
            try wheel.addReviewer("frank@corp.example")
            try await wheel.apply()
            try await wheel.enrolUser("frank@corp.example", as: "frank")
            let lifted = try await wheel.nave(lifting, as: "frank")
            #expect(lifted.code == 0, "\(lifted)")
            try await wheel.converge()
            #expect(try await wheel.session("finance/ledger", [write])[0]["text"] == "4711: 1203")
            let report = try await wheel.nave(["review", "report", id, "-o", "json"])
            #expect(report.code == 0 && report.output.contains("\"closed\""), "\(report)")
            let verified = try await wheel.verifyHub()
            #expect(verified.code == 0, "\(verified)")
        }

        @Test("an unanswered grant lapses at the due date by the spoke's own clock, hub or no hub")
        func lapse() async throws {
            let wheel = try await Wheel.turning()
            let due = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) + .seconds(20)
            let opened = try await wheel.nave(["review", "open", "--zone", "finance", "--due", due.description])
            try #require(opened.code == 0, "\(opened.errors)")
            try await wheel.converge()
            let call = Wheel.modernCall("read_entry", ["account": "4711"])
            let before = try await wheel.curl("/ledger/mcp", as: "bot", body: call.body, headers: call.headers)
            #expect(before.status == 200 && before.body.contains("4711: 1200"), "\(before)")
            try await wheel.hub?.terminate()
            try await eventually("the grant lapses, and with it the whole server for this caller") {
                try await wheel.curl("/ledger/mcp", as: "bot", body: call.body, headers: call.headers).status == 404
            }
            #expect(Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) >= due)
        }
    }
}
