import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    /// The listener for tokens itself: who may connect, from which pages, and what its certificate and keys become.
    @Suite("the listener for tokens")
    struct TokenListenerTests {
        private static let rule = """
              - id: token-callers-read
                allow: [tool:read_entry]
                servers: [ledger]
                to: ["group:corp:analysts"]
                reason: a test
            """
        private static let page = "https://console.corp.example"

        private func open(_ settings: String) async throws -> Wheel {
            let wheel = try await Wheel.turning(spokeSettings: settings)
            try wheel.addRules("people.yaml", Self.rule)
            try await wheel.apply()
            try await wheel.converge()
            return wheel
        }

        private func call(_ door: TokenDoor, _ token: String?, _ more: [String] = []) async throws -> CurlAnswer {
            let shown = token.map { ["-H", "Authorization: Bearer \($0)"] } ?? []
            return try await door.curl(
                door.roots + shown + more + [
                    "-H", "Content-Type: application/json", "-H", "Accept: application/json, text/event-stream",
                    "--data-binary", Wheel.hello(), "\(door.url)/ledger/mcp",
                ])
        }

        @Test(
            "keys of the issuer come and go: a new one is looked for, a withdrawn one refused, a made-up one costs little"
        )
        func rollover() async throws {
            let door = try await TokenDoor.open()
            let wheel = try await open(door.settings(issuer: ["refresh: 2s"]))
            let first = try await door.token(for: "ledger")
            #expect(try await call(door, first).status == 200)

            try await door.tell("rotate")
            let second = try await door.token(for: "ledger")
            try await eventually("the new key is known") { try await self.call(door, second).status == 200 }
            #expect(try await call(door, first).status == 200)

            try await door.tell("withdraw")
            try await eventually("the old key is not believed", seconds: 6) {
                try await self.call(door, first).status == 401
            }
            #expect(try await call(door, second).status == 200)

            let forged = try await door.token(for: "ledger", key: "made-up")
            let before = try await door.asked()
            let start = ContinuousClock.now
            for _ in 0..<20 { #expect(try await call(door, forged).status == 401) }
            let most = Int((ContinuousClock.now - start) / .seconds(2)) + 1
            #expect(try await door.asked() - before <= most)
            #expect(wheel.spoke?.isRunning == true)
        }

        @Test(
            "so many connections of one address; pages of listed origins; a certificate that is renewed while it listens"
        )
        func listener() async throws {
            let door = try await TokenDoor.open()
            let metrics = try freePort()
            let wheel = try await open(
                "metrics: 127.0.0.1:\(metrics)\norigins: [\"\(Self.page)\"]\n"
                    + door.settings(["connectionsPerAddress: 4"]))

            let script = """
                import socket, ssl, sys
                context = ssl.create_default_context(cafile=sys.argv[2])
                def connect():
                    plain = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
                    return context.wrap_socket(plain, server_hostname="localhost")
                def ended(connection):
                    connection.settimeout(1)
                    try:
                        return connection.recv(1) == b""
                    except TimeoutError:
                        return False
                    except OSError:
                        return True
                many = [connect() for _ in range(6)]
                print(sum(ended(one) for one in many))
                """
            let opened = try await run(
                try await PythonEnvironment.python("2.3"), ["-c", script, "\(door.port)", door.files.file("pem")])
            #expect(opened.output == "2\n", "\(opened)")
            let figures = try await wheel.metrics(metrics)
            #expect(figures.contains("nave_spoke_limited_total{limit=\"connections\"} 2"), "\(figures)")
            let token = try await door.token(for: "ledger")
            try await eventually("who left made room") { try await self.call(door, token).status == 200 }

            try await pages(door, wheel, token)

            // Whoever renews a certificate replaces one file after the other.
            try await door.makeCertificate("next.pem", key: "next.key")
            try replace(door, "key", by: "next.key")
            try await eventually("half a pair is told of", seconds: 10) {
                wheel.spoke?.standardError.contains("cannot be used") == true
            }
            #expect(try await call(door, token).status == 200)
            try replace(door, "pem", by: "next.pem")
            try await eventually("the new certificate is shown", seconds: 10) {
                try await self.call(door, token).status == 200
            }
        }

        private func replace(_ door: TokenDoor, _ file: String, by other: String) throws {
            try #require(rename(door.files.file(other), door.files.file(file)) == 0)
        }

        private func pages(_ door: TokenDoor, _ wheel: Wheel, _ token: String) async throws {
            let ask = { (origin: String) in
                [
                    "-X", "OPTIONS", "-H", "Origin: \(origin)", "-H", "Access-Control-Request-Method: POST", "-H",
                    "Access-Control-Request-Headers: authorization,content-type,mcp-protocol-version,x-other",
                ]
            }
            let allowed = try await door.curl(door.roots + ask(Self.page) + ["\(door.url)/ledger/mcp"])
            #expect(allowed.status == 204)
            #expect(allowed.headers["access-control-allow-origin"] == Self.page)
            #expect(
                allowed.headers["access-control-allow-headers"] == "authorization, content-type, mcp-protocol-version")
            #expect(allowed.headers["access-control-allow-credentials"] == nil)
            let refused = try await door.curl(
                door.roots + ask("https://evil.example") + ["\(door.url)/ledger/mcp"])
            #expect(refused.status == 403 && refused.headers["access-control-allow-origin"] == nil, "\(refused)")

            // The answer to a stranger, too: the page has to learn where tokens come from.
            for (token, status) in [(token, 200), (nil, 401)] {
                let answer = try await call(door, token, ["-H", "Origin: \(Self.page)"])
                #expect(answer.status == status)
                #expect(answer.headers["access-control-allow-origin"] == Self.page)
                #expect(answer.headers["access-control-expose-headers"] == "Mcp-Session-Id, WWW-Authenticate")
                #expect(answer.headers["vary"] == "Origin")
            }
            let foreign = try await call(door, token, ["-H", "Origin: https://evil.example"])
            #expect(foreign.status == 403 && foreign.headers["access-control-allow-origin"] == nil, "\(foreign)")

            // Where callers show certificates no page is let in.
            let mutual = try await wheel.curl("/ledger/mcp", as: "bot", more: ask(Self.page))
            #expect(mutual.status == 405, "\(mutual)")
            #expect(!mutual.headers.keys.contains { $0.hasPrefix("access-control-") })
        }
    }
}
