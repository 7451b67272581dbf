import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    @Suite("catalogs end to end")
    struct CatalogTests {
        /// Well below the minute after which catalogs are fetched in any case.
        private static let soon = 20.0

        @Test(
            "a tool that a server adds while it runs is callable soon after somebody asks for it or the server says so")
        func newTools() async throws {
            let wheel = try await Wheel.turning()
            try wheel.addRules(
                "accounts.yaml",
                """
                  - id: bot-opens
                    allow: ["tool:open_account"]
                    servers: [ledger]
                    to: [client:analytics/reporting-bot]
                    reason: a test
                """)
            try await wheel.apply()
            try await wheel.converge()

            // Behind the spoke's back: nobody tells it, until a caller names the tool.
            let open = Wheel.modernCall("open_account", ["account": "9001"])
            let body = try wheel.directory.write("open", open.body)
            let opened = try await run(
                URL(fileURLWithPath: "/usr/bin/curl"),
                [
                    "-sS", "http://127.0.0.1:\(wheel.ledgerPort)/mcp", "-H", "Content-Type: application/json", "-H",
                    "Accept: application/json, text/event-stream", "--data-binary", "@\(body)",
                ] + open.headers.flatMap { ["-H", $0] })
            #expect(opened.output.contains("opened"), "\(opened)")
            let call = Wheel.modernCall("read_9001")
            let first = try await wheel.curl("/ledger/mcp", as: "bot", body: call.body, headers: call.headers)
            #expect(first.body.contains("Unknown tool: read_9001"), "\(first)")
            try await eventually("the tool that was asked for is known", seconds: Self.soon) {
                let again = try await wheel.curl("/ledger/mcp", as: "bot", body: call.body, headers: call.headers)
                return again.body.contains("9001: 0")
            }

            // On the stream of a call.
            let telling = Wheel.modernCall("open_account", ["account": "9002"])
            let told = try await wheel.curl("/ledger/mcp", as: "bot", body: telling.body, headers: telling.headers)
            #expect(told.body.contains("list_changed") && told.body.contains("opened"), "\(told)")
            try await eventually("the tool that the server told of is listed", seconds: Self.soon) {
                let listed = try await wheel.session("finance/ledger", [["list": "tools"]])
                return listed[0]["names"]?.array?.contains("read_9002") == true
            }
        }
    }
}
