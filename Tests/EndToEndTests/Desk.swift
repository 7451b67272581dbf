import Foundation
import Model
import TestSupport
import Testing

/// A wheel with one more server, `desk`, over HTTP and over stdio: it asks back, streams, and tells what it sees of its host.
struct Desk {
    let wheel: Wheel
    let server: ChildProcess

    /// - Parameters:
    ///   - policy: of both servers, in the flow form of YAML.
    ///   - stdio: settings of the process in `spoke.yaml`, besides its command.
    ///   - http: settings of the server in `spoke.yaml`, besides its URL, each with a comma before it.
    static func open(
        policy: String, allow: String = "\"*\"", stdio: String = "", http: String = "", spoke: String = ""
    ) async throws -> Desk {
        let wheel = try await Wheel.withHub()
        try write(wheel, policy: policy, allow: allow)
        try await wheel.apply()
        let python = try await PythonEnvironment.python("2.3")
        let program = Checkout.root.appending(path: "Deploy/mcp/desk_server.py").path
        let server = try await ServerProcess.listening("desk_server.py")
        try await wheel.enrolSpoke()
        try wheel.directory.write(
            "spoke.yaml",
            """
            listen: 127.0.0.1:0
            \(spoke)
            servers:
              desk: { url: "http://127.0.0.1:\(server.port)/mcp"\(http) }
              desk-stdio:
                command: ["\(python.path)", "\(program)", stdio]
                \(stdio)

            """)
        try await wheel.startSpoke()
        try await wheel.converge()
        try await wheel.enrolClient("analytics/reporting-bot", as: "bot")
        return Desk(wheel: wheel, server: server.child)
    }

    static func write(_ wheel: Wheel, policy: String, allow: String) throws {
        try wheel.directory.write(
            "topology/zones/finance/desk.yaml",
            """
            in: finance
            servers:
              desk: { owner: "group:finance-platform", spokes: [fin-1], policy: { \(policy) } }
              desk-stdio: { owner: "group:finance-platform", spokes: [fin-1], policy: { \(policy) } }
            rules:
              - id: bot-desk
                allow: [\(allow)]
                servers: [desk, desk-stdio]
                to: [client:analytics/reporting-bot]
                reason: a test

            """)
    }

    func change(policy: String, allow: String) async throws {
        try Self.write(wheel, policy: policy, allow: allow)
        try await wheel.apply()
        try await wheel.converge()
    }

    /// The SDK's client at the spoke itself, started; its answers are lines of its output.
    func client(_ mode: String, _ steps: [JSON], server: String = "desk", as name: String = "bot") async throws
        -> ChildProcess
    {
        let (chain, key) = try wheel.credential(of: name)
        return try ChildProcess(
            try await PythonEnvironment.python("2.3"),
            [
                Checkout.root.appending(path: "Deploy/mcp/desk_client.py").path,
                "https://127.0.0.1:\(wheel.spokePort)/\(server)/mcp", chain, key, mode,
                String(decoding: JSON.array(steps).bytes, as: UTF8.self),
            ])
    }

    /// Until that many steps are answered.
    func answers(_ client: ChildProcess, _ count: Int) async throws -> [JSON] {
        try await eventually("\(count) steps are done", seconds: 90) {
            let done = client.standardOutput.split(separator: "\n").count
            guard done >= count || client.isRunning else {
                throw TimedOut(
                    description:
                        "the client ended: \(client.standardOutput)\(client.standardError)\(wheel.spoke?.standardError.suffix(3000) ?? "")"
                )
            }
            return done >= count
        }
        return try client.standardOutput.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
    }
}
