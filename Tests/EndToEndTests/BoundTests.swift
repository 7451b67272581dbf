import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    @Suite("tasks and limits end to end")
    struct BoundTests {
        private func request(
            _ wheel: Wheel, _ method: String, _ params: [(String, JSON)], name: String, as caller: String
        ) async throws -> CurlAnswer {
            let meta: JSON = [
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": [
                    "elicitation": ["form": [:]], "extensions": ["io.modelcontextprotocol/tasks": [:]],
                ],
            ]
            let body: JSON = [
                "jsonrpc": "2.0", "id": 1, "method": .string(method),
                "params": .object(JSONObject(params + [("_meta", meta)])),
            ]
            return try await wheel.curl(
                "/tasks/mcp", as: caller, body: String(decoding: body.bytes, as: UTF8.self),
                headers: ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: \(method)", "Mcp-Name: \(name)"])
        }

        @Test("a task is its caller's: asked for, answered and read by nobody else, and as long as its tool is allowed")
        func tasks() async throws {
            let wheel = try await Wheel.withHub()
            let write = { (allow: String) in
                _ = try wheel.directory.write(
                    "topology/zones/finance/tasks.yaml",
                    """
                    in: finance
                    servers:
                      tasks: { owner: "group:finance-platform", spokes: [fin-1], policy: { serverRequests: [elicitation] } }
                    rules:
                      - id: bots-compute
                        allow: ["\(allow)"]
                        servers: [tasks]
                        to: [client:analytics/reporting-bot, client:finance/housekeeping]
                        reason: a test

                    """)
            }
            try write("tool:compute")
            try await wheel.apply()
            let server = try await ServerProcess.listening("tasks_server.py")
            try await wheel.enrolSpoke()
            try wheel.directory.write(
                "spoke.yaml",
                "listen: 127.0.0.1:0\nservers:\n  tasks: { url: \"http://127.0.0.1:\(server.port)/mcp\" }\n")
            try await wheel.startSpoke()
            try await wheel.converge()
            try await wheel.enrolClient("analytics/reporting-bot", as: "bot")
            try await wheel.enrolClient("finance/housekeeping", as: "other")

            let made = try await request(
                wheel, "tools/call", [("name", "compute"), ("arguments", ["n": 7])], name: "compute", as: "bot")
            let id = try #require(try JSON(parsing: Array(made.body.utf8))["result"]?["taskId"]?.string, "\(made)")
            let ask = { (method: String, caller: String, more: [(String, JSON)]) in
                try await request(wheel, method, [("taskId", .string(id))] + more, name: id, as: caller)
            }
            let foreign = try await ask("tasks/get", "other", [])
            #expect(foreign.body.contains("Task not found"), "\(foreign)")
            #expect(try await ask("tasks/get", "bot", []).body.contains("\"working\""))
            // Not before it was asked.
            let early = try await ask("tasks/update", "bot", [("inputResponses", ["k": ["action": "accept"]])])
            #expect(early.status == 400, "\(early)")
            #expect(try await ask("tasks/get", "bot", []).body.contains("input_required"))
            for (caller, key) in [("other", "k"), ("bot", "another")] {
                let refused = try await ask(
                    "tasks/update", caller,
                    [("inputResponses", .object(JSONObject([(key, JSON.object(JSONObject()))])))])
                #expect(refused.status == 400, "\(refused)")
            }
            let updated = try await ask("tasks/update", "bot", [("inputResponses", ["k": ["action": "accept"]])])
            #expect(updated.status == 200, "\(updated)")
            let done = try await ask("tasks/get", "bot", [])
            #expect(done.body.contains("completed") && done.body.contains("accept"), "\(done)")
            try write("tool:other")
            try await wheel.apply()
            try await wheel.converge()
            #expect(try await ask("tasks/get", "bot", []).body.contains("Task not found"))
            #expect(server.child.isRunning)
        }

        @Test("who sends slowly or opens too much is turned away, and counted")
        func limits() async throws {
            let metrics = try freePort()
            let desk = try await Desk.open(
                policy: "serverRequests: []",
                spoke: "metrics: 127.0.0.1:\(metrics)\nlimits: { connectionsPerCaller: 4, firstByte: 5s, nextByte: 2s, "
                    + "request: 4s }")
            let wheel = desk.wheel
            let (chain, key) = try wheel.credential(of: "bot")
            let script = """
                import socket, ssl, sys, time
                context = ssl.create_default_context()
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                context.load_cert_chain(sys.argv[2], sys.argv[3])
                def connect():
                    return context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
                def rest(connection, seconds=20):
                    connection.settimeout(seconds)
                    try:
                        return connection.recv(4096)
                    except OSError:
                        return None
                many = [connect() for _ in range(5)]
                print(sum(rest(one, 0.3) == b"" for one in many))
                for one in many:
                    one.close()
                def begin(line):
                    # Until the spoke has seen that the ones before are gone.
                    for _ in range(50):
                        one = connect()
                        one.send(line)
                        if rest(one, 0.2) is None:
                            return one
                        one.close()
                first = begin(b"POST /desk/mcp HTTP/1.1\\r\\nHost: ")
                print(rest(first)[:12].decode())
                first.close()
                drip = begin(b"POST /desk/mcp HTTP/1.1\\r\\n")
                drip.settimeout(0.5)
                began = time.monotonic()
                while time.monotonic() - began < 20:
                    try:
                        drip.send(b"x")
                        answer = drip.recv(4096)
                        break
                    except TimeoutError:
                        continue
                print(answer[:12].decode(), time.monotonic() - began < 10)
                drip.close()
                silent = connect()
                print(rest(silent))
                """
            let finished = try await run(
                try await PythonEnvironment.python("2.3"), ["-c", script, "\(wheel.spokePort)", chain, key])
            #expect(finished.output == "1\nHTTP/1.1 408\nHTTP/1.1 408 True\nb''\n", "\(finished)")
            let page = try await wheel.metrics(metrics)
            for line in [
                "nave_spoke_limited_total{limit=\"slow-request\"} 2",
                "nave_spoke_limited_total{limit=\"first-byte\"} 1",
                "nave_spoke_limited_total{limit=\"connections\"} ",
            ] { #expect(page.contains(line), "\(page)") }
        }

        @Test("an address has a share of the front listener; what it opens beyond is closed")
        func frontShare() async throws {
            let wheel = try await Wheel.withHub()
            let script = """
                import select, socket, sys, time
                held = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(260)]
                until = time.monotonic() + 8
                closed = []
                while len(closed) < 4 and time.monotonic() < until:
                    closed = select.select(held, [], [], 1)[0]
                print(len(closed), all(one.recv(1) == b"" for one in closed))
                # Those within the share have ten seconds to say something.
                print(len(select.select([one for one in held if one not in closed], [], [], 0.5)[0]))
                """
            let filled = try await run(
                URL(fileURLWithPath: "/usr/bin/python3"), ["-c", script, "\(wheel.frontPort)"])
            #expect(filled.output == "4 True\n0\n", "\(filled)")
            try await eventually("the share is given back") {
                try await run(
                    URL(fileURLWithPath: "/usr/bin/curl"),
                    ["-sSfk", "-o", "/dev/null", "https://127.0.0.1:\(wheel.frontPort)/v1/crl/hub"]
                ).code == 0
            }
        }
    }
}
