import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    /// A spoke of an older build, played over real mTLS with the certificate of an enrolled one.
    @Suite("a spoke of an older build")
    struct OlderSpokeTests {
        @Test("what it could not enforce is refused by name and place; what it can goes through, in the form it reads")
        func older() async throws {
            let wheel = try await Wheel.withHub()
            try await wheel.enrolSpoke()
            try await report(wheel, wire: [1], sequence: 0)
            let servers = try wheel.directory.read("topology/zones/finance/servers.yaml")

            try wheel.directory.write(
                "topology/zones/finance/servers.yaml",
                servers.replacing("rate: { requests: 120, per: 60s }", with: "sessions: 2"))
            let topology = wheel.directory.file("topology")
            let planned = try await wheel.nave(["topology", "plan", topology])
            #expect(planned.code == 7 && planned.output.contains("finance/fin-1 reads 1"), "\(planned)")
            let refused = try await wheel.nave(["topology", "apply", topology, "--yes", "--why", "fewer processes"])
            #expect(refused.code == 4, "\(refused)")
            #expect(
                refused.errors.contains(
                    "finance/fin-1 reads 1, its bundle would need 2 for `limits.sessions` of server `finance/ledger` "
                        + "(zones/finance/servers.yaml:7:3)"), "\(refused.errors)")

            // A rule needs nothing new.
            try wheel.directory.write("topology/zones/finance/servers.yaml", servers)
            try wheel.addRules(
                "more.yaml",
                "  - { id: more, deny: [\"tool:nothing\"], servers: [ledger], to: [anyone], reason: a test }")
            try await wheel.apply()
            let old = try await bundle(wheel)
            #expect(old["v"] == 1 && old["rules"]?.array?.contains { $0["id"] == "finance/more" } == true, "\(old)")

            // Upgraded, it gets both.
            try await report(wheel, wire: [1, 2], sequence: 1)
            try wheel.directory.write(
                "topology/zones/finance/servers.yaml",
                servers.replacing("rate: { requests: 120, per: 60s }", with: "sessions: 2"))
            try await wheel.apply()
            let new = try await bundle(wheel)
            let ledger = new["servers"]?.array?.first { $0["name"] == "finance/ledger" }
            #expect(new["v"] == 2 && ledger?["policy"]?["sessions"] == 2, "\(new)")
        }

        /// curl's arguments for the hub's mTLS listener with the spoke's certificate.
        private func asSpoke(_ wheel: Wheel, _ path: String) -> [String] {
            [
                "-sS", "--cacert", wheel.directory.file("hub/keys/root.pem"), "--cert",
                wheel.directory.file("spoke/chain.pem"), "--key", wheel.directory.file("spoke/key.pem"), "--connect-to",
                "h1.hub.corp.example:\(wheel.hubPort):127.0.0.1:\(wheel.hubPort)",
                "https://h1.hub.corp.example:\(wheel.hubPort)\(path)",
            ]
        }

        private func report(_ wheel: Wheel, wire: [Int64], sequence: Int64) async throws {
            let now = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
            var report = Report(
                journal: "j-older", sequence: sequence, applied: nil, refused: nil, servers: [], usage: [],
                decisions: [], checkpoint: nil, listener: nil, since: now, at: now)
            report.wire = wire
            let body = String(decoding: try JSONCoding.canonical(report), as: UTF8.self)
            let file = try wheel.directory.write("report.json", body)
            let sent = try await run(
                URL(fileURLWithPath: "/usr/bin/curl"),
                asSpoke(wheel, "/v1/spoke/reports") + [
                    "-f", "-H", "Content-Type: application/json", "--data-binary", "@\(file)",
                ])
            try #require(sent.code == 0 && sent.output.contains("sequence"), "\(sent)")
        }

        /// The payload of the next delivery on the spoke's stream.
        private func bundle(_ wheel: Wheel) async throws -> JSON {
            let stream = try ChildProcess(
                URL(fileURLWithPath: "/usr/bin/curl"), ["-N"] + asSpoke(wheel, "/v1/spoke/stream?manifest=1"))
            defer { stream.signal(SIGKILL) }
            try await eventually("a delivery comes: \(stream.standardError)") {
                stream.standardOutput.contains("event: delivery") && stream.standardOutput.hasSuffix("\n\n")
            }
            let events = stream.standardOutput.components(separatedBy: "\n\n")
            let event = try #require(events.first { $0.contains("event: delivery") })
            let data = try #require(event.split(separator: "\n").first { $0.hasPrefix("data: ") }).dropFirst(6)
            let envelope = try #require(try JSON(parsing: Array(data.utf8))["bundle"])
            let payload = try #require(Data(base64Encoded: envelope["payload"]?.string ?? ""))
            return try JSON(parsing: Array(payload))
        }
    }
}
