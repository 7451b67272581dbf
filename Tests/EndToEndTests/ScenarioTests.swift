import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    /// The scenarios of the official conformance suite, by its names, with a server and a client of our own: each has to come
    /// through the spoke as the server meant it.
    @Suite("scenarios of the conformance suite")
    struct ScenarioTests {
        @Test("every scenario of every version")
        func scenarios() async throws {
            let wheel = try await Wheel.withHub()
            try wheel.directory.write(
                "topology/zones/finance/scenarios.yaml",
                """
                in: finance
                servers:
                  scenarios:
                    owner: group:finance-platform
                    spokes: [fin-1]
                    policy: { serverRequests: [elicitation, sampling, roots] }
                rules:
                  - id: bot-plays
                    allow: ["*"]
                    servers: [scenarios]
                    to: [client:analytics/reporting-bot]
                    reason: a test

                """)
            try wheel.raiseRates()
            try await wheel.apply()
            let python = URL(fileURLWithPath: "/usr/bin/python3")
            let scenarios = Checkout.root.appending(path: "Tests/Vectors/scenarios.json").path
            let server = try await ServerProcess.listening("scenario_server.py", python: python, [scenarios])
            try await wheel.enrolSpoke()
            try wheel.directory.write(
                "spoke.yaml",
                "listen: 127.0.0.1:0\nservers:\n  scenarios: { url: \"http://127.0.0.1:\(server.port)/mcp\" }\n")
            try await wheel.startSpoke()
            try await wheel.converge()
            try await wheel.enrolClient("analytics/reporting-bot", as: "bot")
            let (chain, key) = try wheel.credential(of: "bot")

            for (version, least) in [("2025-03-26", 25), ("2025-06-18", 27), ("2025-11-25", 29), ("2026-07-28", 36)] {
                let played = try await run(
                    python,
                    [
                        Checkout.root.appending(path: "Deploy/mcp/scenario_client.py").path, "\(wheel.spokePort)",
                        chain, key, version, scenarios,
                    ])
                let lines = played.output.split(separator: "\n")
                let failed = lines.filter { $0.hasPrefix("FAILED") }.joined(separator: "\n")
                #expect(failed.isEmpty, "\(version):\n\(failed)\n\(server.child.standardError.suffix(2000))")
                #expect(lines.count { $0.hasPrefix("ok ") } >= least, "\(version): \(lines.count)\n\(played.errors)")
                #expect(lines.last == "played \(lines.count - 1)", "\(played.errors)")
            }
        }
    }
}
