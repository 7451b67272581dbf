import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    /// What the spoke's listener does to raw requests: certificates, limits, headers, and what becomes of them in the record.
    @Suite("enforcement end to end")
    struct EnforcementTests {
        @Test("certificates: none, foreign, revoked are refused and recorded; headers are on every answer")
        func certificates() async throws {
            let wheel = try await Wheel.turning()
            let call = Wheel.modernCall("read_entry", ["account": "4711"])
            let allowed = try await wheel.curl("/ledger/mcp", as: "bot", body: call.body, headers: call.headers)
            #expect(allowed.status == 200 && allowed.body.contains("4711: 1200"), "\(allowed)")
            let denied = try await wheel.curl("/nowhere/mcp", as: "bot", body: call.body, headers: call.headers)
            #expect(denied.status == 404)
            let broken = try await wheel.curl("/ledger/mcp", as: "bot", body: "{", headers: call.headers)
            #expect(broken.status == 400)
            for answer in [allowed, denied, broken] {
                #expect(answer.headers["x-content-type-options"] == "nosniff", "\(answer)")
                #expect(answer.headers["x-frame-options"] == "DENY")
                #expect(answer.headers["strict-transport-security"] == "max-age=63072000; includeSubDomains")
                #expect(answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'")
            }

            let without = try await wheel.curl("/ledger/mcp", as: nil, body: call.body, headers: call.headers)
            #expect(without.status == 0 && without.exit != 0, "\(without)")

            // A certificate of another company that claims our bot's name.
            try await foreignIdentity(in: wheel)
            let foreign = try await wheel.curl("/ledger/mcp", as: "foreign", body: call.body, headers: call.headers)
            #expect(foreign.status == 0 && foreign.exit != 0, "\(foreign)")

            let revoked = try await wheel.nave([
                "client", "revoke", "analytics/reporting-bot", "--why", "lost laptop", "--yes",
            ])
            #expect(revoked.code == 0, "\(revoked.errors)")
            try await wheel.converge()
            let afterwards = try await wheel.curl("/ledger/mcp", as: "bot", body: call.body, headers: call.headers)
            #expect(afterwards.status == 0 && afterwards.exit != 0, "\(afterwards)")
            #expect(wheel.spoke?.isRunning == true)

            try await eventually("the refused peers are recorded at the hub") {
                let listed = try await wheel.nave(["decision", "list", "--denied", "-o", "json"])
                let rows = try JSON(parsing: Array(listed.output.utf8)).array ?? []
                return rows.count { $0["record"]?["aim"] == "connect" } >= 2
            }
        }

        @Test("limits: rate 429 with Retry-After, body 413, and the refusals have their reasons")
        func limits() async throws {
            let wheel = try await Wheel.turning()
            try wheel.directory.write(
                "topology/zones/finance/servers.yaml",
                try wheel.directory.read("topology/zones/finance/servers.yaml")
                    .replacingOccurrences(
                        of: "rate: { requests: 120, per: 60s }",
                        with: "rate: { requests: 3, per: 60s }\n        requestBody: 2KiB"))
            try await wheel.apply()
            try await wheel.converge()
            let call = Wheel.modernCall("read_entry", ["account": "4711"])
            let large = Wheel.modernCall("read_entry", ["account": .string(String(repeating: "4", count: 4096))])
            let tooLarge = try await wheel.curl("/ledger/mcp", as: "bot", body: large.body, headers: large.headers)
            #expect(tooLarge.status == 413, "\(tooLarge)")
            var statuses: [Int] = []
            var last: CurlAnswer?
            for _ in 0..<5 {
                let answer = try await wheel.curl("/ledger/mcp", as: "bot", body: call.body, headers: call.headers)
                statuses.append(answer.status)
                last = answer
            }
            #expect(statuses.last == 429, "\(statuses)")
            #expect(statuses.contains(200))
            let wait = Int(last?.headers["retry-after"] ?? "") ?? 0
            #expect((1...60).contains(wait))
            try await eventually("both refusals reach the hub with their reason") {
                let listed = try await wheel.nave(["decision", "list", "--denied", "-o", "json"])
                return listed.output.contains("\"rate\"") && listed.output.contains("\"too-large\"")
            }
        }

        @Test(
            "an upstream that does not answer in time is given up with 504; one that is away is no reason to fail open")
        func timeouts() async throws {
            let wheel = try await Wheel.turning()
            try wheel.directory.write(
                "topology/organization.yaml",
                try wheel.directory.read("topology/organization.yaml").replacingOccurrences(
                    of: "request: 30s", with: "request: 1s"))
            try await wheel.apply()
            try await wheel.converge()
            let slow = Wheel.modernCall("read_slowly", ["steps": 100])
            let answer = try await wheel.curl("/ledger/mcp", as: "bot", body: slow.body, headers: slow.headers)
            // Depending on how far the answer had come, the status or the stream says so; it never looks like a success.
            #expect(answer.status == 504 || answer.body.contains("\"error\""), "\(answer)")
            #expect(!answer.body.contains("100 steps"), "\(answer)")
            wheel.ledger?.signal(SIGKILL)
            let call = Wheel.modernCall("read_entry", ["account": "4711"])
            let gone = try await wheel.curl("/ledger/mcp", as: "bot", body: call.body, headers: call.headers)
            #expect([502, 503].contains(gone.status), "\(gone)")
            let denied = Wheel.modernCall("write_entry", ["account": "4711", "amount": 1])
            let still = try await wheel.curl("/ledger/mcp", as: "bot", body: denied.body, headers: denied.headers)
            #expect(!still.body.contains("4711:"), "\(still)")
        }

        @Test("ambiguous and smuggled requests never reach the server")
        func strictness() async throws {
            let wheel = try await Wheel.turning()
            let good = Wheel.modernCall("read_entry", ["account": "4711"])
            let bodies: [(body: String, headers: [String])] = [
                (
                    good.body.replacingOccurrences(of: "\"name\":", with: "\"name\":\"write_entry\",\"name\":"),
                    good.headers
                ),
                (
                    good.body.replacingOccurrences(of: "\"name\":", with: "\"Name\":\"write_entry\",\"name\":"),
                    good.headers
                ),
                ("[\(good.body)]", good.headers),
                (good.body, ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/list", "Mcp-Name: read_entry"]),
                (good.body, ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: write_entry"]),
                (good.body, ["MCP-Protocol-Version: 2025-11-25"]),
                (
                    good.body.replacingOccurrences(of: "2026-07-28", with: "2031-01-01"),
                    ["MCP-Protocol-Version: 2031-01-01"]
                ),
                (good.body, good.headers + ["Transfer-Encoding: chunked", "Content-Length: 5"]),
            ]
            for (body, headers) in bodies {
                let answer = try await wheel.curl("/ledger/mcp", as: "bot", body: body, headers: headers)
                #expect(
                    answer.status == 400 || answer.status == 404 && headers == ["MCP-Protocol-Version: 2025-11-25"],
                    "\(body) \(headers) \(answer)")
                #expect(!answer.body.contains("4711:"))
            }
            let get = try await wheel.curl("/ledger/mcp", as: "bot", more: ["-X", "GET"])
            #expect(get.status == 405)
            let traversal = try await wheel.curl(
                "/../ledger/mcp", as: "bot", body: good.body, headers: good.headers, more: ["--path-as-is"])
            #expect([400, 404].contains(traversal.status))
        }

        /// Another company's root and a leaf that bears our bot's SPIFFE ID, made with the openssl program.
        private func foreignIdentity(in wheel: Wheel) async throws {
            let openssl = URL(fileURLWithPath: "/usr/bin/openssl")
            let key = wheel.directory.file("foreign-leaf.key")
            let certificate = wheel.directory.file("foreign-leaf.pem")
            let made = try await run(
                openssl,
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                    "-out",
                    certificate, "-days", "3", "-subj", "/O=evil", "-addext",
                    "subjectAltName=URI:spiffe://analytics.corp.example/client/reporting-bot", "-addext",
                    "extendedKeyUsage=clientAuth",
                ])
            try #require(made.code == 0, "\(made.errors)")
            let context: JSON = [
                "key": .string(try wheel.directory.read("foreign-leaf.key")),
                "chain": .string(try wheel.directory.read("foreign-leaf.pem")),
            ]
            try wheel.directory.write("foreign.json", String(decoding: context.bytes, as: UTF8.self))
        }
    }
}
