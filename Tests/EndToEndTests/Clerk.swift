import Foundation
import Model
import TestSupport
import Testing

/// A wheel with `clerk`, a server that knows the handshake era only, over HTTP and over stdio; it tells what reached it.
struct Clerk {
    let wheel: Wheel
    let server: ChildProcess
    /// Where it listens over HTTP.
    let port: Int

    /// - Parameters:
    ///   - policy: of both servers, in the flow form of YAML.
    ///   - spoke: settings of `spoke.yaml`.
    static func open(policy: String = "", spoke: String = "") async throws -> Clerk {
        let wheel = try await Wheel.withHub()
        try write(wheel, policy: policy)
        try wheel.raiseRates()
        try await wheel.apply()
        let python = try await PythonEnvironment.python("2.3")
        let program = Checkout.root.appending(path: "Deploy/mcp/handshake_server.py").path
        let server = try await ServerProcess.listening("handshake_server.py")
        try await wheel.enrolSpoke()
        try wheel.directory.write(
            "spoke.yaml",
            """
            listen: 127.0.0.1:0
            \(spoke)
            servers:
              clerk: { url: "http://127.0.0.1:\(server.port)/mcp" }
              clerk-stdio: { command: ["\(python.path)", "\(program)", stdio] }

            """)
        try await wheel.startSpoke()
        try await wheel.converge()
        try await wheel.enrolClient("analytics/reporting-bot", as: "bot")
        return Clerk(wheel: wheel, server: server.child, port: server.port)
    }

    private static func write(_ wheel: Wheel, policy: String) throws {
        try wheel.directory.write(
            "topology/zones/finance/clerk.yaml",
            """
            in: finance
            servers:
              clerk: { owner: "group:finance-platform", spokes: [fin-1], policy: { \(policy) } }
              clerk-stdio: { owner: "group:finance-platform", spokes: [fin-1], policy: { \(policy) } }
            rules:
              - id: bots-clerk
                allow: ["*"]
                servers: [clerk, clerk-stdio]
                to: [client:analytics/reporting-bot, client:finance/housekeeping]
                reason: a test

            """)
    }

    /// Gives both servers another policy, to be applied.
    func allow(_ policy: String) throws { try Self.write(wheel, policy: policy) }

    /// What reached the server over HTTP, oldest first.
    var heard: [JSON] {
        server.standardOutput.split(separator: "\n").compactMap { try? JSON(parsing: Array($0.utf8)) }
    }

    func heard(_ method: String) -> [JSON] { heard.filter { $0["method"]?.string == method } }

    /// The headers of a session that has begun.
    func session(_ version: String = "2025-06-18", server: String = "clerk", as name: String = "bot") async throws
        -> [String]
    {
        let opened = try await wheel.curl(
            "/\(server)/mcp", as: name, body: Wheel.hello(version))
        let id = try #require(opened.headers["mcp-session-id"], "\(opened)")
        let headers =
            ["Mcp-Session-Id: \(id)"] + (version == "2025-03-26" ? [] : ["MCP-Protocol-Version: \(version)"])
        _ = try await wheel.curl(
            "/\(server)/mcp", as: name, body: #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            headers: headers)
        return headers
    }

    /// A request of 2026-07-28.
    static func request(
        _ method: String, _ params: [(String, JSON)] = [], name: String? = nil, token: JSON? = nil,
        capabilities: JSON = [:]
    ) -> (body: String, headers: [String]) {
        var meta = JSONObject([
            ("io.modelcontextprotocol/protocolVersion", "2026-07-28"),
            ("io.modelcontextprotocol/clientCapabilities", capabilities),
        ])
        meta["progressToken"] = token
        let body: JSON = [
            "jsonrpc": "2.0", "id": "q", "method": .string(method),
            "params": .object(JSONObject(params + [("_meta", .object(meta))])),
        ]
        return (
            String(decoding: body.bytes, as: UTF8.self),
            ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: \(method)"] + (name.map { ["Mcp-Name: \($0)"] } ?? [])
        )
    }

    func stateless(
        _ method: String, _ params: [(String, JSON)] = [], name: String? = nil, as caller: String = "bot",
        token: JSON? = nil, capabilities: JSON = [:], server: String = "clerk", more: [String] = []
    ) async throws -> CurlAnswer {
        let (body, headers) = Self.request(method, params, name: name, token: token, capabilities: capabilities)
        return try await wheel.curl("/\(server)/mcp", as: caller, body: body, headers: headers, more: more)
    }

    func tool(
        _ name: String, _ arguments: JSON = [:], as caller: String = "bot", token: JSON? = nil,
        server: String = "clerk", more: [String] = []
    ) async throws -> CurlAnswer {
        try await stateless(
            "tools/call", [("name", .string(name)), ("arguments", arguments)], name: name, as: caller, token: token,
            server: server, more: more)
    }

    static func call(_ tool: String, _ arguments: String = "{}", id: Int = 2) -> String {
        #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"\#(tool)","arguments":\#(arguments)}}"#
    }
}
