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
            let (chain, key) = try wheel.credential(of: "bot")
            return try ChildProcess(
                URL(fileURLWithPath: "/usr/bin/curl"),
                [
                    "-sS", "-N", "-k", "--http1.1", "--cert", chain, "--key", key, "-H", "Accept: text/event-stream",
                    "https://127.0.0.1:\(wheel.spokePort)/desk/sse",
                ])
        }

        @Test("a client that reads nothing gets no more answers, and then no stream")
        func unread() async throws {
            let desk = try await Desk.open(policy: "limits: {}", allow: "tool:fetch", spoke: "limits: { drain: 3s }")
            let wheel = desk.wheel
            let (chain, key) = try wheel.credential(of: "bot")
            let script = """
                import http.client, json, socket, ssl, sys
                port = int(sys.argv[1])
                context = ssl.create_default_context()
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                context.load_cert_chain(sys.argv[2], sys.argv[3])
                plain = socket.socket()
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                plain.connect(("127.0.0.1", port))
                stream = context.wrap_socket(plain)
                stream.sendall(b"GET /desk/sse HTTP/1.1\\r\\nHost: a\\r\\nAccept: text/event-stream\\r\\n\\r\\n")
                seen = b""
                while b"session_id=" not in seen or not seen.endswith(b"\\r\\n"):
                    seen += stream.recv(4096)
                place = seen.split(b"data: ")[1].split(b"\\r\\n")[0].decode()
                posts = http.client.HTTPSConnection("127.0.0.1", port, context=context)
                def post(message):
                    posts.request("POST", place, json.dumps(message), {"Content-Type": "application/json"})
                    answer = posts.getresponse()
                    answer.read()
                    return answer.status
                client = {"name": "t", "version": "1"}
                hello = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": client}
                print(post({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}))
                while b"serverInfo" not in seen:
                    seen += stream.recv(4096)
                post({"jsonrpc": "2.0", "method": "notifications/initialized"})
                call = {"name": "fetch", "arguments": {"url": "x" * 500000}}
                told = []
                while 404 not in told and len(told) < 5000:
                    status = post({"jsonrpc": "2.0", "id": len(told) + 2, "method": "tools/call", "params": call})
                    told.append(status)
                print(sorted(set(told)), told.count(202) < 100)
                """
            let finished = try await run(
                try await PythonEnvironment.python("2.3"), ["-c", script, "\(wheel.spokePort)", chain, key])
            #expect(finished.output == "202\n[202, 404, 429] True\n", "\(finished)")
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
            let page = try await wheel.metrics(metrics)
            #expect(page.contains("nave_spoke_limited_total{limit=\"handshakes\"} "))
        }
    }
}
