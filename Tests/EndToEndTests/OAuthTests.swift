import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    /// The official SDK's client with nothing but an access token, which it gets by itself from an authorization server made
    /// with Authlib: from the 401 to the last event of a stream.
    @Suite("callers with a token")
    struct OAuthTests {
        private static let rule = """
              - id: analysts-desk
                allow: [tool:count, tool:heard, tool:announce, "resource:desk://open/**"]
                servers: [desk]
                to: ["group:corp:analysts"]
                reason: a test
            """

        @Test("from a 401 to the stream that ends with its token, and with its rule")
        func whole() async throws {
            let door = try await TokenDoor.open()
            let url = door.url
            let roots = door.roots
            let metrics = try freePort()
            let desk = try await Desk.open(
                policy: "limits: {}", http: ", upstream: { identity: jwt }",
                spoke: "metrics: 127.0.0.1:\(metrics)\n"
                    + door.settings(
                        ["refusals: { requests: 1, per: 60s, burst: 20 }"], issuer: ["skew: 1s"]))
            let wheel = desk.wheel
            try wheel.addRules("people.yaml", Self.rule)
            try await wheel.apply()
            try await wheel.converge()

            // What a stranger learns: where tokens come from, the same for every name, and no more.
            let hello = ["-H", "Content-Type: application/json", "--data-binary", Wheel.hello()]
            for server in ["desk", "no-such-server"] {
                let refused = try await door.curl(roots + hello + ["\(url)/\(server)/mcp"])
                let metadata = "\(url)/.well-known/oauth-protected-resource/\(server)/mcp"
                #expect(refused.status == 401)
                #expect(refused.headers["www-authenticate"] == "Bearer resource_metadata=\"\(metadata)\"")
                let described = try await door.curl(roots + [metadata])
                let document = try JSON(parsing: Array(described.body.utf8))
                #expect(document["resource"]?.string == "\(url)/\(server)/mcp")
                #expect(document["authorization_servers"] == [.string(door.issuer)])
            }
            #expect(try await door.curl(roots + ["\(url)/.well-known/oauth-protected-resource"]).status == 200)
            #expect(try await door.curl(roots + ["\(url)/authorize"]).status == 404)
            #expect(try await door.curl(roots + ["-H", "Host: evil.example", "\(url)/desk/mcp"]).status == 421)
            let forged = ["-H", "Authorization: Bearer eyJhbGciOiJub25lIn0.e30."]
            let unbelieved = try await door.curl(roots + hello + forged + ["\(url)/desk/mcp"])
            #expect(unbelieved.status == 401)
            #expect(unbelieved.headers["www-authenticate"]?.contains("error=\"invalid_token\"") == true)

            // A short-lived token: what it allows, and its end.
            try await door.tell("lifetime/12")
            let short = try await client(
                url, door.files.file("pem"),
                [
                    ["list": "tools"], ["call": "count", "arguments": ["to": 2]],
                    ["call": "fetch", "arguments": ["url": "x"]],
                    ["call": "heard"], ["listen": ["desk://open/list", "desk://secret/list"]], ["until": "the end"],
                ])
            let answers = try await desk.answers(short, 6)
            #expect(answers[0] == ["names": ["announce", "count", "heard"]])
            #expect(answers[1]["text"]?.string == "counted to 2")
            #expect(answers[2]["text"]?.string == "Unknown tool: fetch")
            let heard = try JSON(parsing: Array((answers[3]["text"]?.string ?? "").utf8))
            #expect(heard["authorization"] == nil)
            #expect(heard["host"] != nil)
            let told = try #require(heard["nave-identity"]?.string)
            #expect(answers[4]["honored"]?["resourceSubscriptions"] == ["desk://open/list"])
            #expect(answers[5]["seen"]?.array?.last == "the end")

            // A long-lived one: its stream ends when the rule does.
            try await door.tell("lifetime/600")
            let opened = wheel.directory.file("opened")
            let long = try await client(
                url, door.files.file("pem"),
                [["listen": ["desk://open/list"]], ["touch": .string(opened)], ["until": "the end"]])
            try await eventually("the stream is open") { FileManager.default.fileExists(atPath: opened) }
            try wheel.addRules("people.yaml", Self.rule.replacingOccurrences(of: "corp:analysts", with: "analysts"))
            try await wheel.apply()
            try await wheel.converge()
            #expect(try await desk.answers(long, 3)[2]["seen"]?.array?.last == "the end")

            // Who shows one bad token after the other is not listened to for a while.
            var last = 0
            for _ in 0..<25 where last != 429 {
                last = try await door.curl(roots + hello + forged + ["\(url)/desk/mcp"]).status
            }
            #expect(last == 429)
            let page = try await wheel.metrics(metrics)
            for line in [
                "nave_spoke_limited_total{limit=\"tokens\"} ", "nave_spoke_tokens_total{result=\"unknown-issuer\"} ",
                "nave_spoke_tokens_total{result=\"ok\"} ", "nave_spoke_tokens_total{result=\"none\"} ",
            ] { #expect(page.contains(line), "\(page)") }

            // The server can check who called, by keys from loopback; what a client says of it does not go on.
            let caller = "\(door.issuer)#u-17@client-1"
            #expect(try await checked(told, metrics) == "finance/desk \(caller)")
            let (body, headers) = Wheel.modernCall("heard")
            let answer = try await wheel.curl(
                "/desk/mcp", as: "bot", body: body,
                headers: headers + ["Nave-Identity: forged", "Authorization: Bearer x"])
            let result = answer.body.components(separatedBy: "data: ").last ?? ""
            let text = try JSON(parsing: Array(result.trimmingCharacters(in: .whitespacesAndNewlines).utf8))
            let bot = try JSON(parsing: Array((text["result"]?["content"]?[0]?["text"]?.string ?? "").utf8))
            #expect(bot["authorization"] == nil)
            #expect(
                try await checked(try #require(bot["nave-identity"]?.string), metrics)
                    == "finance/desk spiffe://analytics.corp.example/client/reporting-bot")

            // Who it was stands in the journal, and the token nowhere.
            _ = try await wheel.spoke?.terminate()
            var journal = ""
            for file in try FileManager.default.subpathsOfDirectory(atPath: wheel.directory.file("spoke/journal"))
            where file.hasSuffix(".jsonl") {
                guard let bytes = FileManager.default.contents(atPath: wheel.directory.file("spoke/journal/\(file)"))
                else { continue }
                journal += String(decoding: bytes, as: UTF8.self)
            }
            #expect(journal.replacingOccurrences(of: "\\/", with: "/").contains("\"\(caller)\""))
            #expect(journal.contains("unknown-issuer"))
            #expect(!journal.contains("eyJ"))
            #expect(wheel.spoke?.standardError.contains("eyJ") == false)
            _ = try await door.identity.terminate()
        }

        /// What a library that is not ours reads of a token that the spoke signed: for whom it is, and who calls.
        private func checked(_ token: String, _ metrics: Int) async throws -> String {
            let script = """
                import json, sys, urllib.request
                from joserfc import jwt
                from joserfc.jwk import KeySet
                keys = json.load(urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[2]}/jwks.json"))
                claims = jwt.decode(sys.argv[1], KeySet.import_key_set(keys), algorithms=["ES256"]).claims
                assert 0 < claims["exp"] - claims["iat"] <= 60
                print(claims["aud"], claims["sub"])
                """
            let read = try await run(
                try await PythonEnvironment.python("identity"), ["-c", script, token, "\(metrics)"])
            #expect(read.code == 0, "\(read.errors)")
            return read.output.trimmingCharacters(in: .whitespacesAndNewlines)
        }

        private func client(_ url: String, _ roots: String, _ steps: [JSON]) async throws -> ChildProcess {
            try ChildProcess(
                try await PythonEnvironment.python("2.3"),
                [
                    Checkout.root.appending(path: "Deploy/mcp/desk_client.py").path, "\(url)/desk/mcp", "oauth", roots,
                    "2026-07-28", String(decoding: JSON.array(steps).bytes, as: UTF8.self),
                ])
        }
    }
}
