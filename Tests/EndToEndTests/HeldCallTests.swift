import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    /// Clients of 2026-07-28, which no server can ask in mid-call, before a server that knows no other way of asking.
    @Suite("questions over a bridge")
    struct HeldCallTests {
        private static let everything = "serverRequests: [elicitation, sampling, roots], limits: { concurrency: 1 }"
        private static let able: JSON = ["elicitation": ["form": [:]], "sampling": [:], "roots": [:]]

        /// The call `ask`, or a repetition of it.
        private func ask(
            _ clerk: Clerk, _ kinds: [JSON], state: String? = nil, responses: JSON? = nil, as caller: String = "bot",
            capabilities: JSON = able, server: String
        ) async throws -> CurlAnswer {
            var params = [("name", JSON.string("ask")), ("arguments", ["kinds": .array(kinds)])]
            if let state { params.append(("requestState", .string(state))) }
            if let responses { params.append(("inputResponses", responses)) }
            return try await clerk.stateless(
                "tools/call", params, name: "ask", as: caller, capabilities: capabilities, server: server)
        }

        /// The result, whether it came as JSON or as the last event of a stream.
        private func result(_ answer: CurlAnswer) throws -> JSON {
            let text = answer.body.components(separatedBy: "data: ").last ?? ""
            let message = try JSON(parsing: Array(text.trimmingCharacters(in: .whitespacesAndNewlines).utf8))
            return try #require(message["result"], "\(answer)")
        }

        @Test(
            "the caller is asked by way of a repeated call, and what answers it is the same call",
            arguments: ["clerk", "clerk-stdio"])
        func asking(server: String) async throws {
            let clerk = try await Clerk.open(policy: Self.everything)
            try await clerk.wheel.enrolClient("finance/housekeeping", as: "other")
            let kinds: [JSON] = ["elicitation", "roots"]
            let first = try result(try await ask(clerk, kinds, server: server))
            #expect(first["resultType"] == "input_required")
            let (key, request) = try #require(first["inputRequests"]?.object?.pairs.first.map { ($0.key, $0.value) })
            #expect(request["method"] == "elicitation/create" && request["params"]?["message"] == "Sure?")
            let state = try #require(first["requestState"]?.string)
            let accepted: JSON = .object(
                JSONObject([(key, ["action": "accept", "content": ["sure": true]] as JSON)]))

            // To another caller, for other arguments, or with a made-up state, there is no such call.
            let refusals = try await [
                ask(clerk, kinds, state: state, responses: accepted, as: "other", server: server),
                ask(clerk, ["roots"], state: state, responses: accepted, server: server),
                ask(clerk, kinds, state: "n1.AAAA", responses: accepted, server: server),
            ]
            for refused in refusals { #expect(refused.status == 400 && refused.body == refusals[0].body, "\(refused)") }

            let second = try result(try await ask(clerk, kinds, state: state, responses: accepted, server: server))
            let (next, roots) = try #require(second["inputRequests"]?.object?.pairs.first.map { ($0.key, $0.value) })
            #expect(roots["method"] == "roots/list" && next != key, "\(second)")
            let again = try await ask(clerk, kinds, state: state, responses: accepted, server: server)
            #expect(again.status == 400 && again.body == refusals[0].body, "\(again)")
            let listed: JSON = .object(JSONObject([(next, ["roots": [["uri": "file:///work"]]] as JSON)]))
            let last = try result(
                try await ask(clerk, kinds, state: second["requestState"]?.string, responses: listed, server: server))
            #expect(last["resultType"] == "complete")
            let text = try #require(last["content"]?[0]?["text"]?.string)
            #expect(text.contains("\"sure\": true") && text.contains("file:///work"), "\(text)")

            // Who declares nothing is asked nothing, and a server that asks all the same is refused.
            let unable = try result(try await ask(clerk, ["sampling"], capabilities: [:], server: server))
            #expect(unable["content"]?[0]?["text"] == "[\"refused\"]", "\(unable)")
            try clerk.allow("serverRequests: [roots]")
            try await clerk.wheel.apply()
            try await clerk.wheel.converge()
            let forbidden = try result(try await ask(clerk, ["sampling"], server: server))
            #expect(forbidden["content"]?[0]?["text"] == "[\"refused\"]", "\(forbidden)")
        }

        @Test("a caller who never comes back loses the call; who has too many waiting is not asked")
        func unanswered() async throws {
            let metrics = try freePort()
            let clerk = try await Clerk.open(
                policy: "serverRequests: [elicitation]",
                spoke: "metrics: 127.0.0.1:\(metrics)\nlimits: { heldCallsPerCaller: 1, heldFor: 2s }")
            let first = try result(try await ask(clerk, ["elicitation"], server: "clerk"))
            let state = try #require(first["requestState"]?.string, "\(first)")
            let other = try result(try await ask(clerk, ["elicitation"], server: "clerk"))
            #expect(other["content"]?[0]?["text"] == "[\"refused\"]", "\(other)")
            let page = try await clerk.wheel.metrics(metrics)
            #expect(page.contains("nave_spoke_limited_total{limit=\"held-calls\"} 1"), "\(page)")

            try await eventually("the server stops") { clerk.heard.contains { $0["event"] == "stopped" } }
            let call = clerk.heard("tools/call").first { $0["params"]?["name"] == "ask" }?["id"]
            #expect(clerk.heard("notifications/cancelled").last?["params"]?["requestId"] == call)
            let late = try await ask(
                clerk, ["elicitation"], state: state, responses: ["q1": ["action": "accept"]], server: "clerk")
            #expect(late.status == 400 && late.body.contains("too old"), "\(late)")
            // Its place is free again.
            #expect(
                try result(try await ask(clerk, ["elicitation"], server: "clerk"))["resultType"] == "input_required")
        }

        @Test("the official client is asked and answers", arguments: ["clerk", "clerk-stdio"])
        func official(server: String) async throws {
            let clerk = try await Clerk.open(policy: Self.everything)
            let wheel = clerk.wheel
            let (chain, key) = try wheel.credential(of: "bot")
            let client = try ChildProcess(
                try await PythonEnvironment.python("2.3"),
                [
                    Checkout.root.appending(path: "Deploy/mcp/desk_client.py").path,
                    "https://127.0.0.1:\(wheel.spokePort)/\(server)/mcp", chain, key, "2026-07-28",
                    #"[{"call":"ask","arguments":{"kinds":["elicitation","sampling","roots"]}}]"#,
                ])
            _ = try await client.wait()
            let answer = try JSON(parsing: Array(client.standardOutput.utf8))
            #expect(answer["asked"] == ["elicitation", "sampling", "roots"], "\(answer)\(client.standardError)")
            #expect(answer["text"]?.string?.contains("file:///work") == true, "\(answer)")
        }
    }
}
