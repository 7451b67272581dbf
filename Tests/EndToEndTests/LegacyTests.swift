import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    /// The transport of 2024-11-05 at `/SERVER/sse`, message by message; `MatrixTests` has the SDKs' clients.
    @Suite("clients of HTTP+SSE")
    struct LegacyTests {
        private func message(_ id: Int64, _ method: String, _ params: JSON) -> String {
            let json: JSON = [
                "jsonrpc": "2.0", "id": .number(JSONNumber(id)), "method": .string(method), "params": params,
            ]
            return String(decoding: json.bytes, as: UTF8.self)
        }

        private func stream(_ wheel: Wheel) throws -> ChildProcess {
            try ChildProcess(
                URL(fileURLWithPath: "/usr/bin/curl"),
                [
                    "-sS", "-N", "-k", "--http1.1", "--cert", wheel.directory.file("bot.pem"), "--key",
                    wheel.directory.file("bot.key"), "-H", "Accept: text/event-stream",
                    "https://127.0.0.1:\(wheel.spokePort)/desk/sse",
                ])
        }

        @Test("a stream takes messages of its caller alone, ends with its life, and counts among the caller's streams")
        func whole() async throws {
            let metrics = try freePort()
            let desk = try await Desk.open(
                policy: "limits: {}", allow: "tool:count",
                spoke: "metrics: 127.0.0.1:\(metrics)\nlimits: { streamsPerCaller: 3, streamLife: 20s, "
                    + "handshakes: { requests: 1, per: 60s, burst: 40 } }")
            let wheel = desk.wheel
            try wheel.addRules(
                "housekeeping.yaml",
                """
                  - id: other-desk
                    allow: [tool:count]
                    servers: [desk]
                    to: [client:finance/housekeeping]
                    reason: a test
                """)
            try await wheel.apply()
            try await wheel.converge()
            try await wheel.enrolClient("finance/housekeeping", as: "other")
            #expect(try await wheel.curl("/desk/sse", as: "bot", body: "{}").status == 405)
            #expect(try await wheel.curl("/no-such/sse", as: "bot").status == 404)

            let stream = try stream(wheel)
            try await eventually("the stream says where to post") { stream.standardOutput.contains("data: /desk/") }
            let lines = stream.standardOutput.components(separatedBy: "\r\n")
            #expect(lines.first == "event: endpoint")
            let place = try #require(lines.first { $0.hasPrefix("data: ") }.map { String($0.dropFirst(6)) })
            #expect(place.hasPrefix("/desk/messages?session_id="))

            let hello = message(
                1, "initialize",
                [
                    "protocolVersion": "2024-11-05", "capabilities": .object(JSONObject()),
                    "clientInfo": ["name": "t", "version": "1"],
                ])
            #expect(try await wheel.curl(place, as: "other", body: hello).status == 404)
            #expect(try await wheel.curl(place + "0", as: "bot", body: hello).status == 404)
            #expect(try await wheel.curl(place, as: "bot").status == 405)
            #expect(try await wheel.curl(place, as: "bot", body: "{").status == 400)
            #expect(try await wheel.curl(place, as: "bot", body: hello).status == 202)
            try await eventually("the answer is on the stream") { stream.standardOutput.contains("2024-11-05") }
            let ready = #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
            #expect(try await wheel.curl(place, as: "bot", body: ready).status == 202)
            let calls: [JSON] = [
                ["name": "count", "arguments": ["to": 2]], ["name": "fetch", "arguments": ["url": "x"]],
            ]
            for (index, params) in calls.enumerated() {
                let call = message(Int64(index) + 2, "tools/call", params)
                #expect(try await wheel.curl(place, as: "bot", body: call).status == 202)
            }
            try await eventually("both answers are on the stream") {
                stream.standardOutput.contains("counted to 2") && stream.standardOutput.contains("Unknown tool: fetch")
            }

            // The stream and its session's own are two.
            let second = try self.stream(wheel)
            try await eventually("another stream is open") { second.standardOutput.contains("endpoint") }
            #expect(try await wheel.curl("/desk/sse", as: "bot").status == 429)
            try await eventually("the streams end with their life", seconds: 40) {
                !stream.isRunning && !second.isRunning
            }
            #expect(try await wheel.curl(place, as: "bot", body: ready).status == 404)

            try await eventually("who connects too often is turned away", seconds: 30) {
                try await wheel.curl("/desk/sse", as: "bot", body: "{}").exit != 0
            }
            let page = try await run(
                URL(fileURLWithPath: "/usr/bin/curl"), ["-sS", "http://127.0.0.1:\(metrics)/metrics"])
            #expect(page.output.contains("nave_spoke_limited_total{limit=\"handshakes\"} "))
        }
    }
}
