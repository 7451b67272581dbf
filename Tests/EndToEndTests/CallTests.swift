import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    /// What becomes of calls whose client leaves, does not read, or asks for too much.
    @Suite("calls that do not end well")
    struct CallTests {
        @Test("who leaves is told to the upstream, and keeps the place until the call is over there")
        func leaving() async throws {
            let clerk = try await Clerk.open(policy: "limits: { concurrency: 1, timeouts: { request: 10s } }")
            let wheel = clerk.wheel
            for server in ["clerk", "clerk-stdio"] {
                let headers = try await clerk.session(server: server)
                let leave = { (tool: String, id: Int) in
                    let begun = wheel.directory.file("\(server)-\(tool)")
                    try await wheel.leave(
                        "/\(server)/mcp", as: "bot", body: Clerk.call(tool, #"{"begun":"\#(begun)"}"#, id: id),
                        headers: headers, once: begun)
                    return begun
                }
                let echo = { @Sendable (id: Int) in
                    try await wheel.curl(
                        "/\(server)/mcp", as: "bot", body: Clerk.call("echo", #"{"text":"again"}"#, id: id),
                        headers: headers
                    ).status
                }
                // One that listens stops (over stdio it says nothing more, and is waited for until it is late); one that does
                // not is waited for.
                _ = try await leave("slow", 7)
                try await eventually("the place is free again") { try await echo(8) == 200 }
                let stubborn = try await leave("stubborn", 9)
                #expect(try await echo(10) == 429)
                try FileManager.default.removeItem(atPath: stubborn)
                try await eventually("the place is free once the call is over") { try await echo(11) == 200 }
            }
            let cancelled = clerk.heard("notifications/cancelled").compactMap { $0["params"]?["requestId"]?.integer }
            #expect(cancelled == [7, 9])
            #expect(clerk.heard.contains { $0["event"] == "stopped" && $0["id"] == 7 })
        }

        @Test("a call that is late is called off at the upstream")
        func late() async throws {
            let clerk = try await Clerk.open(policy: "limits: { timeouts: { request: 1s } }")
            let headers = try await clerk.session()
            let begun = clerk.wheel.directory.file("begun")
            let late = try await clerk.wheel.curl(
                "/clerk/mcp", as: "bot", body: Clerk.call("slow", #"{"begun":"\#(begun)"}"#, id: 5), headers: headers)
            #expect(late.status == 504, "\(late)")
            try await eventually("the upstream stops") { clerk.heard.contains { $0["event"] == "stopped" } }
            #expect(clerk.heard("notifications/cancelled").first?["params"]?["requestId"] == 5)
        }

        @Test("who sends and does not read is served no further, and closed when it never does")
        func pipelining() async throws {
            let metrics = try freePort()
            let clerk = try await Clerk.open(spoke: "metrics: 127.0.0.1:\(metrics)\nlimits: { drain: 2s }")
            let wheel = clerk.wheel
            let headers = try await clerk.session()
            let script = """
                import socket, ssl, sys
                context = ssl.create_default_context()
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                context.load_cert_chain(sys.argv[2], sys.argv[3])
                plain = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
                one = context.wrap_socket(plain)
                body = sys.argv[4].encode()
                head = "POST /clerk/mcp HTTP/1.1\\r\\nHost: spoke\\r\\nContent-Type: application/json\\r\\n"
                head += "Accept: application/json, text/event-stream\\r\\n" + "".join(h + "\\r\\n" for h in sys.argv[6:])
                for _ in range(int(sys.argv[5])):
                    one.sendall((head + f"Content-Length: {len(body)}\\r\\n\\r\\n").encode() + body)
                print("sent", flush=True)
                if sys.stdin.read() == "read":
                    one.settimeout(30)
                    got = 0
                    while got < int(sys.argv[5]) * (1 << 20):
                        got += len(one.recv(1 << 20))
                    print("all", flush=True)
                else:
                    import time
                    while True:
                        time.sleep(1)
                """
            let client = { (input: String) in
                try ChildProcess(
                    try await PythonEnvironment.python("2.3"),
                    [
                        "-c", script, "\(wheel.spokePort)", wheel.directory.file("bot.pem"),
                        wheel.directory.file("bot.key"), Clerk.call("big", #"{"bytes":1048576}"#), "40",
                    ] + headers, input: input)
            }
            let silent = try await client("")
            try await eventually("the spoke gives it up") {
                try await wheel.metrics(metrics).contains("nave_spoke_limited_total{limit=\"drain\"} 1")
            }
            #expect(silent.standardOutput == "sent\n", "\(silent.standardError)")
            // What the sockets' own buffers swallow, and no more.
            let served = clerk.heard("tools/call").count
            #expect(served < 20, "\(served) of 40 were served")
            let reading = try await client("read")
            try await eventually("who reads gets every answer") { reading.standardOutput == "sent\nall\n" }
        }

        @Test("an answer has one limit, over either transport, and a batch of them the same")
        func answers() async throws {
            let clerk = try await Clerk.open(policy: "limits: { responseBody: 64KiB }")
            let wheel = clerk.wheel
            for server in ["clerk", "clerk-stdio"] {
                let headers = try await clerk.session("2025-03-26", server: server)
                let send = { (body: String) in
                    try await wheel.curl("/\(server)/mcp", as: "bot", body: body, headers: headers)
                }
                #expect(try await send(Clerk.call("big", #"{"bytes":60000}"#)).status == 200)
                #expect(try await send(Clerk.call("big", #"{"bytes":66000}"#)).status == 502)
                // A server that wrote too much may have been ended for it.
                let again = try await clerk.session("2025-03-26", server: server)
                let batch = (1...4).map { Clerk.call("big", #"{"bytes":30000}"#, id: $0) }.joined(separator: ",")
                let answered = try await wheel.curl("/\(server)/mcp", as: "bot", body: "[\(batch)]", headers: again)
                #expect(answered.body.utf8.count < 66 << 10, "\(answered.body.utf8.count)")
                let parts = try JSON(parsing: Array(answered.body.utf8)).array ?? []
                #expect(parts.map { $0["result"] != nil } == [true, true, false, false], "\(server)")
                #expect(parts.map { $0["id"]?.integer } == [1, 2, 3, 4])
            }
        }
    }
}
