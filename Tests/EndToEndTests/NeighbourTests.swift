import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    /// Two callers, both allowed everything, the second with all that the first was given: nothing of it is of use. Tasks,
    /// event ids and states of calls are in `BoundTests`, `StreamTests` and `BindingTests`.
    @Suite("a hostile second caller")
    struct NeighbourTests {
        private func open(policy: String = "") async throws -> Clerk {
            let clerk = try await Clerk.open(policy: policy)
            try await clerk.wheel.enrolClient("finance/housekeeping", as: "other")
            return clerk
        }

        @Test(
            "another's session cannot be used, listened to, answered in or ended", arguments: ["clerk", "clerk-stdio"])
        func sessions(server: String) async throws {
            let clerk = try await open()
            let wheel = clerk.wheel
            let theirs = try await clerk.session(server: server)
            let nobodys = ["Mcp-Session-Id: \(String(repeating: "0", count: 64))", "MCP-Protocol-Version: 2025-06-18"]
            let bodies = [
                Clerk.call("whoami"), #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}"#,
                #"{"jsonrpc":"2.0","id":"ask-1","result":{}}"#,
            ]
            for body in bodies {
                let foreign = try await wheel.curl("/\(server)/mcp", as: "other", body: body, headers: theirs)
                let unknown = try await wheel.curl("/\(server)/mcp", as: "other", body: body, headers: nobodys)
                #expect(foreign.status == 404 && foreign.body == unknown.body, "\(body): \(foreign) \(unknown)")
            }
            for verb in ["GET", "DELETE"] {
                let foreign = try await wheel.curl("/\(server)/mcp", as: "other", headers: theirs, more: ["-X", verb])
                #expect(foreign.status == 404, "\(verb): \(foreign)")
            }
            // It lives, and is its own caller's.
            let own = try await wheel.curl("/\(server)/mcp", as: "bot", body: Clerk.call("whoami"), headers: theirs)
            #expect(own.status == 200 && own.body.contains("session "), "\(own)")
        }

        @Test("no process, no session of a server and no answer is shared, in either era and over either transport")
        func processes() async throws {
            let clerk = try await open()
            let wheel = clerk.wheel
            var seen: [String] = []
            for caller in ["bot", "other"] {
                for server in ["clerk", "clerk-stdio"] {
                    let headers = try await clerk.session(server: server, as: caller)
                    let told = try await wheel.curl(
                        "/\(server)/mcp", as: caller, body: Clerk.call("whoami"), headers: headers)
                    #expect(told.headers["cache-control"] == "no-store", "\(told)")
                    seen.append(told.body)
                    let bridged = try await clerk.tool("whoami", as: caller, server: server)
                    #expect(bridged.status == 200, "\(bridged)")
                    seen.append(bridged.body.replacingOccurrences(of: "\"q\"", with: "2"))
                }
            }
            let told = seen.compactMap { $0.components(separatedBy: "session ").last?.prefix { $0 != "\"" } }
            #expect(told.count == 8 && Set(told).count == 8, "\(seen)")
        }

        @Test("a call goes on though another cancels it by its number, and takes nobody else's place")
        func calls() async throws {
            let clerk = try await open(policy: "limits: { concurrency: 1 }")
            let begun = clerk.wheel.directory.file("begun")
            async let slow = clerk.tool("slow", ["begun": .string(begun)])
            try await eventually("it is under way") {
                FileManager.default.fileExists(atPath: begun)
            }
            let call = try #require(clerk.heard("tools/call").first { $0["params"]?["name"] == "slow" })
            let number = call["id"]?.integer ?? 0
            let headers = try await clerk.session(as: "other")
            for id in ["\(number)", "\"q\""] {
                let cancelled = try await clerk.wheel.curl(
                    "/clerk/mcp", as: "other",
                    body: #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":\#(id)}}"#,
                    headers: headers)
                #expect(cancelled.status == 202, "\(cancelled)")
            }
            #expect(try await clerk.tool("echo", ["text": "mine"], as: "other").body.contains("mine"))
            #expect(try await clerk.tool("echo", ["text": "late"]).status == 429)
            try FileManager.default.removeItem(atPath: begun)
            let answer = try await slow
            #expect(answer.body.contains("done at last"), "\(answer)")
        }
    }
}
