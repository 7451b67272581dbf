import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    @Suite("the hub is away")
    struct HubAwayTests {
        @Test("the spoke enforces as before, also after its own restart; what happened arrives once each")
        func away() async throws {
            let wheel = try await Wheel.turning()
            // `nave connect` asks the hub once where the server is.
            #expect(try await wheel.session("finance/ledger", [["list": "tools"]])[0]["names"] != nil)
            #expect(try await wheel.hub?.terminate() == 0)
            let steps: [JSON] = [
                ["call": "read_entry", "arguments": ["account": "4711"]],
                ["call": "read_entry", "arguments": ["account": "4712"]],
                ["call": "write_entry", "arguments": ["account": "4711", "amount": 1]],
            ]
            let first = try await wheel.session("finance/ledger", steps)
            #expect(first.map { $0["text"] } == ["4711: 1200", "4712: 80", "Unknown tool: write_entry"])
            // kill -9: the decision lines were with the kernel before anything was forwarded.
            wheel.spoke?.signal(SIGKILL)
            try await wheel.spoke?.wait()
            try await wheel.writeSpokeConfiguration()
            try await wheel.startSpoke()
            try await eventually("the spoke knows its servers again") {
                let listed = try await wheel.session("finance/ledger", [["list": "tools"]])
                return listed[0]["names"]?.array?.isEmpty == false
            }
            let second = try await wheel.session("finance/ledger", steps)
            #expect(second == first)

            try await wheel.startHub()
            try await wheel.converge()
            let uses = try await settledUses(wheel)
            #expect(uses.allowed == 4, "four allowed calls, each once: \(uses)")
            #expect(uses.denied == 2, "two denials, each once: \(uses)")
            // A spoke that starts anew tells of what is new, and of nothing again.
            try await wheel.spoke?.terminate()
            try await wheel.startSpoke()
            try await wheel.converge()
            #expect(try await wheel.session("finance/ledger", [steps[0]]) == [first[0]])
            let later = try await settledUses(wheel, allowed: 5)
            #expect(later.allowed == 5 && later.denied == 2, "\(later)")
        }

        private struct Uses: Equatable, Sendable {
            var allowed: Int64 = 0
            var denied: Int64 = 0
        }

        /// Counts what the hub holds of read_entry and write_entry, once it holds that many at least.
        private func settledUses(_ wheel: Wheel, allowed: Int64 = 4) async throws -> Uses {
            let counts = { @Sendable () async throws -> Uses in
                let listed = try await wheel.nave(["decision", "list", "--limit", "1000", "-o", "json"])
                var uses = Uses()
                for row in try JSON(parsing: Array(listed.output.utf8)).array ?? [] {
                    let count = row["record"]?["count"]?.integer ?? 1
                    switch (row["record"]?["aim"]?.string, row["record"]?["verdict"]?.string) {
                    case ("tool:read_entry", "allow"): uses.allowed += count
                    case ("tool:write_entry", "deny"): uses.denied += count
                    default: break
                    }
                }
                return uses
            }
            try await eventually("the record of both times reaches the hub") {
                let uses = try await counts()
                return uses.allowed >= allowed && uses.denied >= 2
            }
            return try await counts()
        }

        @Test("kill -9 in the middle of applying changes loses no acknowledged one and leaves verify clean")
        func crash() async throws {
            let wheel = try await Wheel.withHub()
            var acknowledged = 0
            var written = 0
            for round in 0..<(isLong ? 60 : 10) {
                let hub = try #require(wheel.hub)
                let killer = Task {
                    // Anywhere between the first byte of the request and long after the answer.
                    try await Task.sleep(for: .milliseconds((round * 37) % 400))
                    hub.signal(SIGKILL)
                }
                while hub.isRunning {
                    written += 1
                    try wheel.addRules("crash.yaml", (1...written).map { rule($0) }.joined(separator: "\n"))
                    let applied = try await wheel.nave([
                        "topology", "apply", wheel.directory.file("topology"), "--yes", "--why", "round \(round)",
                    ])
                    if applied.code == 0 { acknowledged = written }
                }
                try await killer.value
                try await hub.wait()
                let verified = try await wheel.verifyHub()
                try #require(verified.code == 0, "round \(round): \(verified.output)\(verified.errors)")
                try await wheel.startHub()
                let exported = try await wheel.nave(["topology", "export", "-o", "json"])
                try #require(exported.code == 0, "\(exported.errors)")
                let kept = exported.output.components(separatedBy: "finance/crash-").count - 1
                #expect(kept >= acknowledged, "round \(round): \(acknowledged) acknowledged, \(kept) there")
            }
            #expect(acknowledged > 0)
        }

        private func rule(_ number: Int) -> String {
            """
              - id: crash-\(number)
                allow: [tool:read_entry]
                servers: [ledger]
                to: [client:analytics/reporting-bot]
                reason: a test
            """
        }
    }
}
