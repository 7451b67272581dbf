import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    @Suite("streams and what servers ask, end to end")
    struct StreamTests {
        private static let everything = "serverRequests: [elicitation, sampling, roots]"

        @Test(
            "a server asks what policy allows, in either era and over either transport, and gets the answer",
            arguments: [("auto", "desk"), ("legacy", "desk"), ("2026-07-28", "desk-stdio"), ("legacy", "desk-stdio")])
        func asking(mode: String, server: String) async throws {
            let desk = try await Desk.open(policy: Self.everything)
            let steps: [JSON] = [
                ["call": "close_account", "arguments": ["account": "7"]], ["call": "ask_opinion"],
                ["call": "ask_roots"], ["call": "count", "arguments": ["to": 3]],
            ]
            let client = try await desk.client(mode, steps, server: server)
            let answers = try await desk.answers(client, steps.count)
            #expect(answers[0] == ["isError": false, "text": "7: closed", "asked": ["elicitation"]])
            #expect(answers[1] == ["isError": false, "text": "it says yes", "asked": ["sampling"]])
            #expect(answers[2] == ["isError": false, "text": "file:///work", "asked": ["roots"]])
            #expect(answers[3]["text"] == "counted to 3")

            // Without the policy nothing is asked, and what asks does not go through.
            try await desk.change(policy: "serverRequests: [roots]", allow: "\"*\"")
            let other = try await desk.client(mode, steps, server: server)
            let without = try await desk.answers(other, steps.count)
            for (index, answer) in without.prefix(2).enumerated() {
                #expect(answer["isError"] == true || answer["error"] != nil, "\(answer)")
                #expect(answer["late"] == nil, "\(answer)")
                #expect(answer["asked"]?.array ?? [] == [], "\(answer)")
                #expect(answer["text"] != answers[index]["text"])
            }
            #expect(without[2]["asked"] == ["roots"])
        }

        @Test("a listening hears of what its caller may read, of changed lists, and ends with the caller's access")
        func listening() async throws {
            let desk = try await Desk.open(policy: Self.everything)
            let file = desk.wheel.directory.file("listening")
            let client = try await desk.client(
                "auto",
                [
                    ["listen": ["desk://open/list", "desk://secret/list"]], ["touch": .string(file)],
                    ["call": "announce", "arguments": ["uri": "desk://open/list"]], ["until": "desk://open/list"],
                    ["until": "ToolsListChanged"], ["until": "the end"],
                ])
            let first = try await desk.answers(client, 4)
            #expect(
                first[0]["honored"]?["resourceSubscriptions"] == ["desk://open/list", "desk://secret/list"], "\(first)")
            // Fewer tools: the caller is told, on the open stream, with no word from the server.
            try await desk.change(policy: Self.everything, allow: "\"tool:announce\", \"resource:desk://open/*\"")
            _ = try await desk.answers(client, 5)
            // No access at all: the stream ends.
            try await desk.change(policy: Self.everything, allow: "\"tool:nothing\"")
            try desk.wheel.directory.write("topology/zones/finance/desk.yaml", "in: finance\n")
            try await desk.wheel.apply(["--allow-removals"])
            try await desk.wheel.converge()
            let last = try await desk.answers(client, 6)
            #expect(last[5]["seen"]?.array?.contains("the end") == true, "\(last[5])")
        }

        @Test("a session's own stream tells of resources, and not of those that the caller may not read")
        func ownStream() async throws {
            let desk = try await Desk.open(
                policy: Self.everything, allow: "\"tool:*\", \"resource:desk://open/*\"")
            let client = try await desk.client(
                "legacy",
                [
                    ["call": "announce", "arguments": ["uri": "desk://secret/list"]],
                    ["call": "announce", "arguments": ["uri": "desk://open/list"]], ["until": "desk://open/list"],
                ])
            let answers = try await desk.answers(client, 3)
            let seen = answers[2]["seen"]?.array?.compactMap(\.string).joined() ?? ""
            #expect(seen.contains("desk://open/list") && !seen.contains("desk://secret/list"), "\(answers)")
        }

        @Test("a stream is taken up again behind an event, by its own session only; a batch is answered whole")
        func resumption() async throws {
            let desk = try await Desk.open(policy: Self.everything)
            let wheel = desk.wheel
            let begin = { (version: String) async throws -> String in
                let answer = try await wheel.curl("/desk/mcp", as: "bot", body: Wheel.hello(version))
                let id = try #require(answer.headers["mcp-session-id"], "\(answer)")
                _ = try await wheel.curl(
                    "/desk/mcp", as: "bot", body: #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
                    headers: ["Mcp-Session-Id: \(id)"])
                return id
            }
            let session = try await begin("2025-11-25")
            let headers = ["Mcp-Session-Id: \(session)", "MCP-Protocol-Version: 2025-11-25"]
            let called = try await wheel.curl(
                "/desk/mcp", as: "bot",
                body:
                    #"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"count","arguments":{"to":3},"_meta":{"progressToken":1}}}"#,
                headers: headers)
            let ids = called.body.components(separatedBy: "\r\n").filter { $0.hasPrefix("id: ") }.map {
                $0.dropFirst(4)
            }
            #expect(ids.count >= 2 && called.body.contains("counted to 3"), "\(called)")
            let first = try #require(ids.first)
            let resumed = try await wheel.curl(
                "/desk/mcp", as: "bot", headers: headers + ["Last-Event-ID: \(first)"], more: ["-X", "GET"])
            #expect(resumed.status == 200 && resumed.body.contains("counted to 3"), "\(resumed)")
            let other = try await begin("2025-11-25")
            let foreign = try await wheel.curl(
                "/desk/mcp", as: "bot", headers: ["Mcp-Session-Id: \(other)", "Last-Event-ID: \(first)"],
                more: ["-X", "GET"])
            #expect(foreign.status == 404, "\(foreign)")

            let old = try await begin("2025-03-26")
            let batch = try await wheel.curl(
                "/desk/mcp", as: "bot",
                body:
                    #"[{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"count","arguments":{"to":1}}},{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}},{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"no_such"}}]"#,
                headers: ["Mcp-Session-Id: \(old)"])
            let answers = try JSON(parsing: Array(batch.body.utf8)).array ?? []
            #expect(answers.map { $0["id"]?.integer } == [5, 6], "\(batch)")
            #expect(batch.body.contains("counted to 1") && batch.body.contains("Unknown tool: no_such"))

            // A stream on which the server says nothing for as long as policy lets it ends.
            try await desk.change(
                policy: Self.everything + ", limits: { timeouts: { idle: 1s } }", allow: "\"*\"")
            let silent = try await wheel.curl(
                "/desk/mcp", as: "bot", headers: headers, more: ["-X", "GET", "--max-time", "12"])
            #expect(silent.exit == 0 && silent.status == 200, "\(silent)")
        }

        @Test("a tool that fetches goes where the list says; a check refuses what it finds")
        func arguments() async throws {
            let desk = try await Desk.open(
                policy: #"egress: [{ tools: [fetch], arguments: [url], to: ["https://*.corp.example/**"] }], "#
                    + "checks: [{ check: shell, tools: [announce], arguments: [uri], then: refuse }]")
            let client = try await desk.client(
                "auto",
                [
                    ["call": "fetch", "arguments": ["url": "https://api.corp.example/x"]],
                    ["call": "fetch", "arguments": ["url": "https://evil.example/x"]],
                    ["call": "fetch", "arguments": ["url": "http://169.254.169.254/latest"]],
                    ["call": "announce", "arguments": ["uri": "desk://open/$(id)"]],
                ])
            let answers = try await desk.answers(client, 4)
            #expect(answers[0]["text"] == "fetched https://api.corp.example/x")
            for answer in answers.dropFirst() { #expect(answer["error"] != nil, "\(answer)") }
            try await eventually("the refusals reach the hub with their reasons") {
                let listed = try await desk.wheel.nave(["decision", "list", "--denied", "-o", "json"])
                return listed.output.contains("\"egress\"") && listed.output.contains("\"argument-check\"")
            }
        }

        @Test("a stdio server in a sandbox sees what is named, has an empty environment and its memory's bound")
        func sandbox() async throws {
            let python = try await PythonEnvironment.python("2.3")
            let read = [
                python.deletingLastPathComponent().deletingLastPathComponent().path,
                // A virtual environment is links to the Python that it was made with.
                python.resolvingSymlinksInPath().deletingLastPathComponent().deletingLastPathComponent().path,
                Checkout.root.appending(path: "Deploy/mcp").path,
            ]
            let desk = try await Desk.open(
                policy: Self.everything,
                stdio: "env: { LANG: C.UTF-8 }\n    sandbox: { read: [\(read.joined(separator: ", "))] }\n    "
                    + "limits: { memory: 512MiB }")
            let client = try await desk.client(
                "auto",
                [
                    ["call": "environment"], ["call": "hoard", "arguments": ["megabytes": 8]],
                    ["call": "hoard", "arguments": ["megabytes": 2000]],
                ], server: "desk-stdio")
            let answers = try await desk.answers(client, 3)
            let text = answers[0]["text"]?.string ?? ""
            #expect(text.hasPrefix("['LANG'") && text.hasSuffix("no home no shadow"), "\(answers)")
            #expect(!text.contains("PATH") && !text.contains("HOME"), "\(text)")
            #expect(answers[1]["text"]?.string == "held \(8 << 20)")
            #expect(answers[2]["isError"] == true || answers[2]["error"] != nil, "\(answers[2])")
        }
    }
}
