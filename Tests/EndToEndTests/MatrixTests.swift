import Foundation
import Model
import TestSupport
import Testing

extension EndToEnd {
    /// Clients of every SDK at servers of the same age, through the spoke itself: one script for all
    /// (`Deploy/mcp/shelf_client.py`), held to the table of `Docs/Protocol.md`.
    @Suite("clients of every age")
    struct MatrixTests {
        /// A row of the table.
        struct Row: Sendable, CustomStringConvertible {
            /// As the table has it.
            var name: String
            /// Of `Deploy/mcp/requirements-*.txt`.
            var environment: String
            var path = "mcp"

            var server: String { "shelf-" + environment.replacingOccurrences(of: ".", with: "-") }
            var description: String { name }
        }

        private static let rows: [Row] =
            [Row(name: "mcp 1.25.0", environment: "1.25"), Row(name: "mcp 2.3.0", environment: "2.3")]
            + (isLong
                ? [
                    Row(name: "mcp 1.6.0, HTTP+SSE", environment: "1.6", path: "sse"),
                    Row(name: "mcp 1.9.4", environment: "1.9"), Row(name: "mcp 1.13.1", environment: "1.13"),
                    Row(name: "fastmcp 4.1.2", environment: "fastmcp-4"),
                ] : [])
            // A client of the transport that is gone, with all that a session can.
            + [Row(name: "mcp 1.25.0, HTTP+SSE", environment: "1.25", path: "sse")]

        /// The table's columns: the version spoken, and the features.
        private static func documented() throws -> [String: [String]] {
            var rows: [String: [String]] = [:]
            for line in try Checkout.text("Docs/Protocol.md").split(separator: "\n")
            where line.hasPrefix("| mcp ") || line.hasPrefix("| fastmcp ") {
                let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
                rows[cells[0]] = Array(cells.dropFirst())
            }
            return rows
        }

        @Test("what the table says is so")
        func matrix() async throws {
            let table = try Self.documented()
            #expect(table.count == 7)
            let environments = Set(Self.rows.map(\.environment)).sorted()
            var ports: [String: Int] = [:]
            var servers: [ServerProcess] = []
            let program = Checkout.root.appending(path: "Deploy/mcp/shelf_server.py").path
            var configuration = ""
            for environment in environments {
                let python = try await PythonEnvironment.python(environment)
                let name = "shelf-" + environment.replacingOccurrences(of: ".", with: "-")
                // What an SDK of that age serves over HTTP is no Streamable HTTP yet.
                if environment == "1.6" {
                    configuration += "  \(name): { command: [\"\(python.path)\", \"\(program)\", stdio] }\n"
                    continue
                }
                let server = try await ServerProcess("shelf_server.py", python: python)
                ports[environment] = server.port
                servers.append(server)
                // 1.9 answers everything else with a redirection there, which a spoke does not follow.
                let path = environment == "1.9" ? "mcp/" : "mcp"
                configuration += "  \(name): { url: \"http://127.0.0.1:\(server.port)/\(path)\" }\n"
            }
            let wheel = try await Wheel.withHub()
            try wheel.directory.write("topology/zones/finance/shelf.yaml", Self.topology(environments))
            try wheel.raiseRates()
            try await wheel.apply()
            for server in servers { try await server.listens() }
            try await wheel.enrolSpoke()
            try wheel.directory.write("spoke.yaml", "listen: 127.0.0.1:0\nservers:\n\(configuration)")
            try await wheel.startSpoke()
            try await wheel.converge()
            try await wheel.enrolClient("analytics/reporting-bot", as: "bot")
            try await eventually("the spoke reports every shelf up") {
                let listed = try await wheel.nave(["server", "list", "-o", "json"])
                guard let rows = try? JSON(parsing: Array(listed.output.utf8)).array else { return false }
                return rows.filter { row in
                    row["name"]?.string?.hasPrefix("finance/shelf-") == true
                        && row["spokes"]?.object?.pairs.allSatisfy { $0.value.string == "up" } ?? false
                        && row["tools"]?.array?.isEmpty == false
                }.count == environments.count
            }
            let (chain, key) = try wheel.credential(of: "bot")
            for row in Self.rows {
                let client = try await run(
                    try await PythonEnvironment.python(row.environment),
                    [
                        Checkout.root.appending(path: "Deploy/mcp/shelf_client.py").path,
                        "https://127.0.0.1:\(wheel.spokePort)/\(row.server)/\(row.path)", chain, key,
                    ], seconds: 90)
                let found = try? JSON(parsing: Array((client.output.split(separator: "\n").last ?? "").utf8))
                let features = [
                    "version", "tools", "resources", "prompts", "completion", "progress", "elicitation", "sampling",
                    "cancel",
                    "resume",
                ]
                let expected = try #require(table[row.name], "the table has no row `\(row.name)`")
                #expect(
                    features.map { found?[$0]?.string ?? "nothing" } == expected,
                    "\(row): \(client.output)\(client.errors.suffix(1500))")
            }
            // Before it is killed with the wheel: the oldest SDK's program goes on without standard input.
            _ = try await wheel.spoke?.terminate()
            for server in servers { _ = try await server.child.terminate() }
        }

        private static func topology(_ environments: [String]) -> String {
            let names = environments.map { "shelf-" + $0.replacingOccurrences(of: ".", with: "-") }
            return "in: finance\nservers:\n"
                + names.map {
                    "  \($0): { owner: \"group:finance-platform\", spokes: [fin-1], "
                        + "policy: { serverRequests: [sampling, elicitation] } }\n"
                }.joined()
                    + """
                    rules:
                      - id: bot-shelf
                        allow: ["*"]
                        servers: [\(names.joined(separator: ", "))]
                        to: [client:analytics/reporting-bot]
                        reason: a test

                    """
        }
    }
}
