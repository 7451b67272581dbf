import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    /// Clients of 2026-07-28 before a server that only knows sessions.
    @Suite("stateless clients over a bridge")
    struct BridgeTests {
        @Test("lists, calls, resources and progress come through; each caller has a session of its own")
        func bridged() async throws {
            let clerk = try await Clerk.open()
            try await clerk.wheel.enrolClient("finance/housekeeping", as: "other")
            let discovered = try await clerk.stateless("server/discover")
            #expect(discovered.status == 200, "\(discovered)\(clerk.wheel.spoke?.standardError.suffix(2000) ?? "")")
            #expect(discovered.body.contains("\"supportedVersions\":[\"2026-07-28\"]"), "\(discovered)")
            #expect(discovered.body.contains("ask politely"))
            let listed = try await clerk.stateless("tools/list")
            #expect(listed.body.contains("stubborn") && listed.body.contains("\"cacheScope\":\"private\""), "\(listed)")

            let echoed = try await clerk.tool("echo", ["text": "hello"])
            #expect(echoed.status == 200 && echoed.body.contains("hello"), "\(echoed)")
            #expect(echoed.body.contains("\"resultType\":\"complete\"") && echoed.body.contains("\"id\":\"q\""))
            let counted = try await clerk.tool("count", ["to": 3], token: "mine")
            #expect(counted.body.contains("counted to 3"), "\(counted)")
            #expect(counted.body.components(separatedBy: "\"progressToken\":\"mine\"").count == 4, "\(counted)")
            let read = try await clerk.stateless("resources/read", [("uri", "note://one")], name: "note://one")
            #expect(read.body.contains("a note") && read.body.contains("\"cacheScope\":\"private\""), "\(read)")
            let none = try await clerk.stateless("resources/read", [("uri", "note://none")], name: "note://none")
            #expect(none.status == 400 && none.body.contains("-32602"), "\(none)")
            #expect(try await clerk.tool("no_such").body.contains("Unknown tool: no_such"))

            let own = try await [clerk.tool("whoami").body, clerk.tool("whoami").body]
            #expect(own[0].contains("session ") && own[0] == own[1])
            #expect(try await clerk.tool("whoami", as: "other").body != own[0])
            // A session that the server has forgotten is begun again; nothing of the call had happened.
            let before = clerk.heard("initialize").count
            let session = try #require(clerk.heard("tools/call").last?["session"]?.string)
            let ended = try await run(
                URL(fileURLWithPath: "/usr/bin/curl"),
                ["-sS", "-X", "DELETE", "http://127.0.0.1:\(clerk.port)/mcp", "-H", "Mcp-Session-Id: \(session)"])
            #expect(ended.code == 0)
            let again = try await clerk.tool("whoami", as: "other")
            #expect(again.status == 200 && !again.body.contains(session), "\(again)")
            #expect(clerk.heard("initialize").count == before + 1)
        }

        @Test("who leaves is told to the server by the id that the server knows; many calls at once do not meet")
        func leaving() async throws {
            let clerk = try await Clerk.open()
            _ = try await clerk.tool("echo", ["text": "first"])
            let answers = try await withThrowingTaskGroup(of: (Int, String).self) { group in
                for number in 0..<8 {
                    group.addTask { (number, try await clerk.tool("echo", ["text": .string("n\(number);")]).body) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for (number, body) in answers { #expect(body.contains("n\(number);"), "\(body)") }
            let begun = clerk.wheel.directory.file("begun")
            let (body, headers) = Clerk.request(
                "tools/call", [("name", "slow"), ("arguments", ["begun": .string(begun)])], name: "slow")
            try await clerk.wheel.leave("/clerk/mcp", as: "bot", body: body, headers: headers, once: begun)
            try await eventually("the server stops") { clerk.heard.contains { $0["event"] == "stopped" } }
            let call = clerk.heard("tools/call").last?["id"]
            #expect(clerk.heard("notifications/cancelled").last?["params"]?["requestId"] == call)
        }

        @Test(
            "a revoked caller's running calls are called off, the connection ends; who only lost a grant gets the answer"
        )
        func revoked() async throws {
            let metrics = try freePort()
            let clerk = try await Clerk.open(spoke: "metrics: 127.0.0.1:\(metrics)")
            let wheel = clerk.wheel
            try await wheel.enrolClient("finance/housekeeping", as: "other")
            let session = try await clerk.session()
            let begun = ["bridged", "own", "permitted"].map { wheel.directory.file($0) }
            async let bridged = clerk.tool("slow", ["begun": .string(begun[0])])
            async let own = wheel.curl(
                "/clerk/mcp", as: "bot", body: Clerk.call("slow", "{\"begun\":\"\(begun[1])\"}", id: 77),
                headers: session)
            async let permitted = clerk.tool("slow", ["begun": .string(begun[2])], as: "other")
            try await eventually("all three run") { begun.allSatisfy(FileManager.default.fileExists(atPath:)) }

            let revoked = try await wheel.nave([
                "client", "revoke", "analytics/reporting-bot", "--why", "lost laptop", "--yes", "--wait", "30s",
            ])
            #expect(revoked.code == 0, "\(revoked)")
            for answer in try await [bridged, own] { #expect(answer.exit != 0 && answer.status == 0, "\(answer)") }
            try await eventually("the server stops both") {
                clerk.heard.count { $0["event"] == "stopped" } == 2
            }
            #expect(clerk.heard("notifications/cancelled").contains { $0["params"]?["requestId"] == 77 })
            let page = try await wheel.metrics(metrics)
            let ended = page.split(separator: "\n").first {
                $0.hasPrefix("nave_spoke_request_errors_total") && $0.contains("code=\"revoked\"")
            }
            #expect(ended?.hasSuffix(" 2") == true, "\(page)")

            // What was permitted when it began is finished; the next call is decided anew.
            let file = "topology/zones/finance/clerk.yaml"
            let text = try wheel.directory.read(file)
            try wheel.directory.write(
                file, text.replacingOccurrences(of: ", client:finance/housekeeping]", with: "]"))
            try await wheel.apply()
            try await wheel.converge()
            #expect(try await clerk.tool("echo", as: "other").status == 404)
            try FileManager.default.removeItem(atPath: begun[2])
            let answer = try await permitted
            #expect(answer.status == 200 && answer.body.contains("done at last"), "\(answer)")
        }
    }
}
